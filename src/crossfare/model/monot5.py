"""monoT5: a T5 or mT5 that reads a query with a passage and says whether the passage is relevant.

Nogueira et al. 2020, "Document Ranking with a Pretrained Sequence-to-Sequence Model": the input is
``Query: q Document: d Relevant:``, and the model learns to answer one word for relevant and another for not relevant.
The score is the log-probability of the former when only these two words are considered. One decoder step is made, of
which training takes the softmax over the whole vocabulary, and inference computes the two words only.

Imports torch: load it only to run such a model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from crossfare.errors import ConfigError
from crossfare.model import encoder as encoders
from crossfare.model.encoder import Feature
from crossfare.model.rerankers import Reranker

YES_NO = ("yes", "no")
"""What the paper's models say (section 4.4), relevant first."""

_TRUE_FALSE = ("true", "false")
_PUBLISHED = (
    (r"castorini/monot5-", _TRUE_FALSE),
    (r"unicamp-dl/ptt5-base-.*msmarco", ("sim", "não")),
    (r"unicamp-dl/mt5-13b-mmarco", _TRUE_FALSE),
    (r"unicamp-dl/mt5-3B-mmarco", ("▁true", "▁")),
)
"""Published checkpoints that say other words (pygaggle's ``prediction_tokens``)."""

_IN_CONFIG = "relevance_tokens"


class _Rows(torch.nn.Module):
    """Two rows of an output projection, computed in fp32 so that close scores stay apart under autocast."""

    def __init__(self, projection: Any, rows: Sequence[int]) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(projection.weight.detach()[list(rows)], requires_grad=False)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        with torch.autocast(states.device.type, enabled=False):
            return torch.nn.functional.linear(states.float(), self.weight.float())


@dataclass(frozen=True, slots=True)
class MonoT5(Reranker):
    """A T5 or mT5 with the two ids it answers with: for relevant and for not relevant."""

    relevant: int
    irrelevant: int

    def encode(self, queries: Sequence[str], passages: Sequence[str], limit: int) -> list[Feature]:
        """Encode ``Query: q Document: d Relevant:``; what follows the passage is never cut."""
        heads = dict.fromkeys(queries)
        heads.update(zip(heads, self._tokens([f"Query: {query} Document:" for query in heads], limit), strict=True))
        tail = [*self._tokens(["Relevant:"], limit)[0], self.tokenizer.eos_token_id]
        features = []
        for query, body in zip(queries, self._tokens(passages, limit), strict=True):
            head: Any = heads[query]
            room = max(0, limit - len(head) - len(tail))
            features.append({"input_ids": np.array([*head, *body[:room], *tail], dtype=np.int32)})
        return features

    def _tokens(self, texts: Sequence[str], limit: int) -> list[list[int]]:
        encoded = self.tokenizer(
            list(texts), add_special_tokens=False, truncation=True, max_length=limit, return_attention_mask=False
        )
        tokens: list[list[int]] = encoded["input_ids"]
        return tokens

    def collate(self, features: Sequence[Feature]) -> dict[str, Any]:
        """Pad and stack, with the one token that the decoder starts from."""
        batch = Reranker.collate(self, features)
        config = self.model.config
        start = config.pad_token_id if config.decoder_start_token_id is None else config.decoder_start_token_id
        batch["decoder_input_ids"] = torch.full((len(batch["input_ids"]), 1), start)
        return batch

    def margins(self, outputs: Any) -> Any:
        """How much more the word for relevant is expected than the other one: log-odds."""
        first = outputs["logits"][:, 0].float()
        return first[:, self.relevant] - first[:, self.irrelevant]

    def pointwise(self, outputs: Any, labels: Any) -> Any:
        """The cross-entropy of the word that should be said, over the whole vocabulary, as T5 is trained.

        The end of the sequence that T5 would say next is left out: it tells nothing of the passage.
        """
        words = torch.where(labels.bool(), self.relevant, self.irrelevant)
        return torch.nn.functional.cross_entropy(outputs["logits"][:, 0].float(), words)

    def scores(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """The log-probability of the word for relevant, given that it is one of the two."""
        result: NDArray[np.float32] = -np.logaddexp(np.float32(0), values[:, 1] - values[:, 0])
        return result

    @contextmanager
    def scoring(self) -> Iterator[None]:
        """Within this, the model's logits are those of the two words: relevant, not relevant."""
        whole = self.model.get_output_embeddings()
        self.model.set_output_embeddings(_Rows(whole, (self.relevant, self.irrelevant)))
        try:
            yield
        finally:
            self.model.set_output_embeddings(whole)


def load(
    path: str,
    *,
    dropout: float | None = None,
    trained: bool = False,
    relevance_tokens: tuple[str, str] | None = None,
    name: str = "",
) -> MonoT5:
    """Load a T5 or mT5 and find what it says.

    The words are ``relevance_tokens``, or those in the checkpoint's config.json under that name (where fine-tuning
    notes them), or those of the published checkpoint ``name`` (a reference; a folder of the hub's cache is known too),
    or "yes" and "no". ``trained`` demands a model fine-tuned for ranking: one of the first three must be there.

    Raises:
        ConfigError: see `encoder.load`; a word is not a single token of the vocabulary; or the model is not fine-tuned.
    """
    encoder = encoders.load(path, "AutoModelForSeq2SeqLM", dropout=dropout, trained=True)
    config = encoder.model.config
    known = relevance_tokens or getattr(config, _IN_CONFIG, None) or _published(name or path)
    if trained and not known:
        raise ConfigError(
            f"{path} is not known to be fine-tuned for ranking; fine-tune it first, or say in relevance_tokens what it "
            "answers for relevant and for not relevant"
        )
    words = known or YES_NO
    if len(words) != 2:
        raise ConfigError(f"relevance_tokens are two, for relevant and for not relevant, not {list(words)}")
    relevant, irrelevant = (_token(encoder.tokenizer, word, path) for word in words)
    setattr(config, _IN_CONFIG, list(words))
    return MonoT5(
        **{field.name: getattr(encoder, field.name) for field in fields(encoder)},
        relevant=relevant,
        irrelevant=irrelevant,
    )


def _published(reference: str) -> tuple[str, str] | None:
    plain = reference.replace("--", "/")
    return next((words for pattern, words in _PUBLISHED if re.search(pattern, plain)), None)


def _token(tokenizer: Any, word: str, path: str) -> int:
    """The id of a word at the start of a text (SentencePiece marks it by ▁), or of the very piece."""
    vocabulary = tokenizer.get_vocab()
    for piece in (f"▁{word}", word):
        if piece in vocabulary:
            return int(vocabulary[piece])
    raise ConfigError(
        f"{word!r} is not a single token of {path}: name two pieces of its vocabulary in relevance_tokens, "
        "the one for relevant first"
    )
