"""Sequence-to-sequence checkpoints through transformers' ``generate``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from crossfare.translate.engines.seq2seq import Generated, Seq2SeqEngine, load_seq2seq

Precision = Literal["auto", "float32", "float16", "bfloat16"]


@dataclass(kw_only=True, eq=False, repr=False)
class TransformersEngine(Seq2SeqEngine):
    """Marian, M2M-100, NLLB, mBART-50 and T5 checkpoints, run by transformers.

    Args:
        model: a folder, an embedded name, or a hub id.
        precision: "auto" is float32 on a CPU; on a GPU float16, and bfloat16 for T5, which overflows in float16.
        device: "cpu", "cuda", "cuda:1"; the GPU where there is one by default.

    Further arguments and errors: see `Seq2SeqEngine`.
    """

    registered = "transformers"
    precision: Precision = "auto"
    device: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._model: Any = None

    def decoding(self) -> dict[str, Any]:
        """Everything but the weights that can change the result."""
        return {**super().decoding(), "backend": "transformers", "precision": self._dtype_name()}

    def load(self) -> None:
        """Load the weights, if they are not yet."""
        if self._model is not None:
            return
        import torch

        model = load_seq2seq(self._resolved.path, self.model, getattr(torch, self._dtype_name()))
        self._model = model.to(self._where()).eval()
        self._model.generation_config = self._generation_config()

    def generate(self, batch: Sequence[list[int]], forced: int | None, max_tokens: int) -> list[Generated]:
        """Translate token ids into token ids."""
        import torch

        tokenizer = self.vocabulary.tokenizer
        width = max(map(len, batch))
        inputs = torch.full((len(batch), width), tokenizer.pad_token_id)
        mask = torch.zeros_like(inputs)
        for row, ids in enumerate(batch):
            inputs[row, : len(ids)] = torch.tensor(ids)
            mask[row, : len(ids)] = 1
        guard = _NotANumber(self.beam)
        with torch.inference_mode():
            output = self._model.generate(
                input_ids=inputs.to(self._where()),
                attention_mask=mask.to(self._where()),
                max_new_tokens=max_tokens + 2,  # room for the language code and the end
                min_new_tokens=1 if forced is None else 2,  # not the end at once; CTranslate2 has this by default
                forced_bos_token_id=forced,
                logits_processor=[guard],
            )
        skipped = 1 if forced is None else 2
        broken = guard.rows(len(batch))
        return [
            _cut(ids[skipped:], tokenizer.eos_token_id, bad) for ids, bad in zip(output.tolist(), broken, strict=True)
        ]

    def hardware(self) -> tuple[str, int]:
        """Name the device, and say how many cores work."""
        import torch

        device = self._where()
        if device.startswith("cuda"):
            return torch.cuda.get_device_name(device), 1
        return device, torch.get_num_threads()

    def _where(self) -> str:
        if self.device is None:
            import torch

            self.device = "cuda" if torch.cuda.is_available() else "cpu"
        return self.device

    def _dtype_name(self) -> str:
        if self.precision != "auto":
            return self.precision
        if not self._where().startswith("cuda"):
            return "float32"
        return "bfloat16" if self.vocabulary.family == "t5" else "float16"

    def _generation_config(self) -> Any:
        """Plain search: a checkpoint's own beams, penalties and length limits are not to sneak in."""
        from transformers import GenerationConfig

        own = self._model.generation_config
        tokenizer = self.vocabulary.tokenizer
        start = own.decoder_start_token_id
        return GenerationConfig(
            num_beams=self.beam,
            do_sample=False,
            decoder_start_token_id=self._model.config.decoder_start_token_id if start is None else start,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            suppress_tokens=[tokenizer.pad_token_id],
        )


class _NotANumber:
    """Watch the logits, and remember the rows in which one was not a number."""

    def __init__(self, beam: int) -> None:
        self._beam = beam
        self._seen: Any = None

    def __call__(self, input_ids: Any, scores: Any) -> Any:  # noqa: ARG002
        rows = scores.isnan().any(dim=-1)
        self._seen = rows if self._seen is None else self._seen | rows
        return scores

    def rows(self, count: int) -> list[bool]:
        if self._seen is None:
            return [False] * count
        return [bool(row) for row in self._seen.view(count, -1).any(dim=-1).tolist()]


def _cut(ids: list[int], end: int, broken: bool) -> Generated:
    """Cut a row of output at its end token."""
    if end in ids:
        return Generated(ids[: ids.index(end)], True, broken)
    return Generated(ids, False, broken)
