"""Sequence-to-sequence checkpoints through CTranslate2: 8-bit on a CPU, several times faster.

A checkpoint is converted once into the cache folder. Settings that CTranslate2 would choose silently
(beam 2, at most 256 tokens out, inputs cut at 1024) are always given.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from crossfare.errors import ConfigError, CrossfareError, EngineError
from crossfare.meter import threads_to_use
from crossfare.pretrained.loading import load_config, load_model, load_tokenizer, quiet
from crossfare.settings import Count
from crossfare.store import cache_folder, changed, mark
from crossfare.translate.engines.seq2seq import Generated, Seq2SeqEngine, batches
from crossfare.translate.sentences import Span
from crossfare.translate.words import find_pieces
from crossfare.types import digest

CONVERSION_VERSION = 2
_ALIGNING = 0.8  # of the way up the decoder: the layer whose cross-attention aligns (5 of 6, 2 of 2)
Quantization = Literal[
    "auto", "int8", "int8_float32", "int8_float16", "int8_bfloat16", "int16", "float16", "bfloat16", "float32"
]


class CrossAttention(NamedTuple):
    """How a model that writes a translation attends to its source.

    ``weights`` has a row for each piece of the translation and a column for each piece of the source; rows
    add up to 1. ``written`` and ``read`` say where the pieces stand in their texts: special tokens, which
    are read too, nowhere.
    """

    weights: npt.NDArray[np.float32]
    written: list[Span]
    read: list[Span]


@dataclass(kw_only=True, eq=False, repr=False)
class CTranslate2Engine(Seq2SeqEngine):
    """Marian, M2M-100, NLLB, mBART-50 and T5 checkpoints, run by CTranslate2.

    Args:
        model: a folder, an embedded name, or a hub id.
        quantization: how weights are stored and computed; "auto" is int8 on a CPU and float16 on a GPU.
        device: "cpu" or "cuda"; the GPU where there is one by default.
        threads: cores to use; $OMP_NUM_THREADS, or up to 4, by default. Does not change the result.
        guided: that the model was trained with guided alignment, as opus-mt's "transformer-align" models were:
            Marian teaches the first head of the last layer to align, and that is what `cross_attention` returns.

    Further arguments and errors: see `Seq2SeqEngine`.
    """

    registered = "ctranslate2"
    quantization: Quantization = "auto"
    device: Literal["cpu", "cuda"] | None = None
    threads: Count | None = None
    guided: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._translator: Any = None

    def decoding(self) -> dict[str, Any]:
        """Everything but the weights that can change the result."""
        guided = {"guided": True} if self.guided else {}
        return {**super().decoding(), "backend": "ctranslate2", "quantization": self._stored_as(), **guided}

    def check_pair(self, source: str, target: str) -> None:
        """ConfigError if the model does not know one of the languages, or the device cannot compute as is asked."""
        import ctranslate2

        super().check_pair(source, target)
        if self._where() == "cuda" and not ctranslate2.get_cuda_device_count():
            raise ConfigError(f"engine {self.name!r}: there is no GPU here for device cuda; leave it out")
        known = ctranslate2.get_supported_compute_types(self._where())
        if self._stored_as() not in known:
            raise ConfigError(
                f"engine {self.name!r}: quantization {self._stored_as()} cannot be computed on this {self._where()}; "
                f"choose auto or one of {', '.join(sorted(known))}"
            )

    def load(self) -> None:
        """Convert the checkpoint, if that was never done, and load it, if it is not yet."""
        if self._translator is not None:
            return
        import ctranslate2

        folder = converted(
            str(self._resolved.path), self._resolved.revision, self._stored_as(), self.model, guided=self.guided
        )
        self._translator = ctranslate2.Translator(
            str(folder),
            device=self._where(),
            compute_type=self._stored_as(),
            inter_threads=1,
            intra_threads=self.threads or threads_to_use(),
        )

    def generate(self, batch: Sequence[list[int]], forced: int | None, max_tokens: int) -> list[Generated]:
        """Translate token ids into token ids."""
        tokenizer = self.vocabulary.tokenizer
        # Reduced floats can overflow; only then are scores worth their computation.
        risky = "float16" in self._stored_as()
        pad = [] if self.vocabulary.family == "marian" else [[tokenizer.pad_token]]
        results = self._translator.translate_batch(
            [tokenizer.convert_ids_to_tokens(ids) for ids in batch],
            target_prefix=None if forced is None else [[tokenizer.convert_ids_to_tokens(forced)]] * len(batch),
            beam_size=self.beam,
            max_batch_size=0,
            max_input_length=0,
            max_decoding_length=max_tokens + 2,
            suppress_sequences=pad or None,
            return_end_token=True,
            return_scores=risky,
        )
        skipped = 0 if forced is None else 1
        answers = []
        for result in results:
            tokens = result.hypotheses[0][skipped:]
            ended = bool(tokens) and tokens[-1] == tokenizer.eos_token
            ids = tokenizer.convert_tokens_to_ids(tokens[:-1] if ended else tokens)
            answers.append(Generated(ids, ended, risky and not math.isfinite(result.scores[0])))
        return answers

    def cross_attention(
        self, pairs: Sequence[tuple[str, str]], *, source: str, target: str
    ) -> list[CrossAttention | None]:
        """Make the model write given translations (source text, translation), and say what it attends to.

        The weights are the mean over the heads of one decoder layer, four fifths up, at the step that writes
        the piece; of a guided model those of the head that was taught. Texts are read as one line each. None
        where one is blank or longer than the model's limit.

        Raises:
            ConfigError: the model does not know one of the languages.
        """
        route = self._route(source, target)
        self.load()
        vocabulary = self.vocabulary
        read = vocabulary.encode([text for text, _ in pairs], route) if pairs else []
        written = vocabulary.encode_translations([text for _, text in pairs]) if pairs else []
        lengths = [max(len(one), len(other) + 2) for one, other in zip(read, written, strict=True)]
        kept = [i for i, (text, _) in enumerate(pairs) if text.strip() and written[i]]
        order = sorted((i for i in kept if lengths[i] <= vocabulary.limit), key=lambda i: (lengths[i], i))
        made: list[CrossAttention | None] = [None] * len(pairs)
        for batch in batches(order, lengths, self.max_batch_tokens):
            weights = self._attend([read[i] for i in batch], [written[i] for i in batch], route.forced)
            for i, matrix in zip(batch, weights, strict=True):
                text, translation = pairs[i]
                # The prefix that asks for the language is read with the text, but no part of it.
                pieces = find_pieces(vocabulary.pieces(read[i]), route.prefix + text)
                before = len(route.prefix)
                places = [(max(0, start - before), max(0, end - before)) for start, end in pieces]
                made[i] = CrossAttention(matrix, find_pieces(vocabulary.pieces(written[i]), translation), places)
        return made

    def _attend(
        self, read: Sequence[list[int]], written: Sequence[list[int]], forced: int | None
    ) -> list[npt.NDArray[np.float32]]:
        """Return a row of weights for each written token, over the tokens read."""
        to_tokens = self.vocabulary.tokenizer.convert_ids_to_tokens
        first = [] if forced is None else [forced]
        prefixes = [to_tokens([*first, *ids]) for ids in written]
        results = self._translator.translate_batch(
            [to_tokens(ids) for ids in read],
            target_prefix=prefixes,
            beam_size=1,
            max_batch_size=0,
            max_input_length=0,
            max_decoding_length=max(map(len, prefixes)),
            return_attention=True,
        )
        return [
            np.array(result.attention[0][len(first) : len(prefix)], dtype=np.float32)[:, : len(ids)]
            for result, prefix, ids in zip(results, prefixes, read, strict=True)
        ]

    def hardware(self) -> tuple[str, int]:
        """Name the device, and say how many cores work."""
        if self._where() == "cpu":
            return "cpu", self.threads or threads_to_use()
        import torch

        return (torch.cuda.get_device_name(0) if torch.cuda.is_available() else self._where()), 1

    def _where(self) -> str:
        if self.device is None:
            import ctranslate2

            self.device = "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
        return self.device

    def _stored_as(self) -> str:
        if self.quantization != "auto":
            return self.quantization
        return "int8" if self._where() == "cpu" else "float16"


def converted(path: str, revision: str, quantization: str, model: str, *, guided: bool) -> Path:
    """Return the folder of the converted checkpoint; convert it if that was never done.

    Raises:
        EngineError: CTranslate2 cannot convert the model.
    """
    import ctranslate2

    key = digest([CONVERSION_VERSION, ctranslate2.__version__, revision, quantization, guided])
    folder = cache_folder() / "ctranslate2" / key
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if folder.exists() and changed(folder):  # converting again costs less than asking what to do
            shutil.rmtree(folder)
        if not folder.exists():
            partial = folder.with_name(f".{key}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            try:
                with quiet():
                    _converter(path, model, guided).convert(str(partial), quantization=quantization)
            except CrossfareError:
                raise
            except Exception as error:  # whatever the converter meets in a foreign checkpoint
                line = str(error).strip().partition("\n")[0]
                raise EngineError(
                    f"CTranslate2 cannot convert {model!r} ({type(error).__name__}: {line}); use engine 'transformers'"
                ) from error
            mark(partial)
            partial.replace(folder)
    return folder


def _converter(path: str, name: str, guided: bool) -> Any:
    """CTranslate2's converter for a checkpoint, which it knows by ``name``; it loads by our `loading` alone."""
    import torch
    from ctranslate2.converters import TransformersConverter

    config = load_config(path, name)

    class Converter(TransformersConverter):  # type: ignore[misc]
        """CTranslate2's converter, with what it expects of transformers 4 and transformers 5 no longer has."""

        def _load(self) -> Any:
            spec = super()._load()
            # CTranslate2 returns the attention of one layer only: the mean of its first heads, or of all (0).
            layer, heads = (-1, 1) if guided else (round(_ALIGNING * len(spec.decoder.layer)) - 1, 0)
            spec.decoder.alignment_layer, spec.decoder.alignment_heads = np.int16(layer), np.int16(heads)
            return spec

        def load_model(self, model_class: Any, _: str, **kwargs: Any) -> Any:
            # Weights stored in half precision are read as float32, so that they are rounded once only.
            model = load_model(path, model_class.__name__, kwargs["config"], name, dtype=torch.float32)[0]
            if model.config.model_type == "mbart":
                model.config.normalize_before = model.config.normalize_embedding = True
                model.config.tokenizer_class = "MBart50Tokenizer"  # decoding starts with </s>, then the language
            return model

        def load_tokenizer(self, *_: Any, **__: Any) -> Any:
            tokenizer = load_tokenizer(path, config, name)
            if tokenizer.bos_token is None:  # mBART-50, whose converter writes it down
                tokenizer.bos_token = tokenizer.cls_token
            languages = getattr(tokenizer, "lang_token_to_id", None)
            if languages:  # M2M-100: its language codes are no longer part of the vocabulary
                vocabulary = {**tokenizer.encoder, **languages}
                tokenizer.get_vocab = lambda: vocabulary
            return tokenizer

    return Converter(path)
