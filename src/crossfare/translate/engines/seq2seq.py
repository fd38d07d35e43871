"""What all local sequence-to-sequence engines share: tokens, languages, lengths and batches.

Covered: Marian (opus-mt), M2M-100, NLLB-200, mBART-50, T5 and its kin (mT5, MADLAD). How tokens are
generated is left to the subclasses, so that two backends given one checkpoint differ in nothing else.

Rules kept here:
- Blank text never reaches a model (it would make up a sentence). Line ends and outer blanks stay.
- Nothing is truncated silently: a line that the model cannot read whole, and a translation that does
  not come to an end, make the text None, with the reason. A translation has come to no end when it is
  longer than twice its source and 32 tokens; this does not depend on what else is in the batch.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import Field

from crossfare.errors import ConfigError
from crossfare.languages import has_usual_script, language_name, name_is_pinned
from crossfare.languages.codes import OPTION, find_code, listed, meant, named, offers
from crossfare.meter import meter
from crossfare.pretrained import resolve
from crossfare.pretrained.loading import load_config, load_model, load_tokenizer
from crossfare.settings import Count
from crossfare.strict import read_json
from crossfare.translate.engines.lines import Lines
from crossfare.translate.outcome import ExplainedTranslation
from crossfare.translate.sentences import Granularity
from crossfare.types import digest

VERSION = 1
_WIDEST = 1000  # hypotheses of a beam
_DEFAULT_LIMIT = 512  # for models with relative positions, which state none
_FAMILIES = {
    "marian": "marian",
    "m2m_100": "m2m",
    "nllb": "m2m",
    "mbart": "mbart",
    "t5": "t5",
    "mt5": "t5",
    "umt5": "t5",
}
_ODD = "\ufffd"
_MADLAD, _MBART, _NLLB = map(re.compile, (r"<2[A-Za-z_]+>", "[a-z]{2}_[A-Z]{2}", "[a-z]{3}_[A-Z][a-z]{3}"))
_CONTROL_TOKEN = re.compile(r">>.*<<|__\w+__|[a-z]{2,3}_[A-Za-z]{2,4}|<extra_id_\d+>|<2\w+>|<eop>|<eod>")


class Generated(NamedTuple):
    """What a model generated for one input: token ids without start and end, and whether it ended.

    ``broken`` says that the model computed something that is not a number.
    """

    ids: list[int]
    ended: bool
    broken: bool = False


@dataclass(frozen=True, slots=True)
class PairRoute:
    """How one model is asked for one language pair: a text prefix, or language codes.

    ``source_code`` is set on the tokenizer; ``forced`` is the token every output starts with.
    """

    prefix: str = ""
    source_code: str | None = None
    forced: int | None = None


@dataclass(slots=True)
class Vocabulary:
    """A checkpoint's tokenizer and limits, without its weights."""

    tokenizer: Any
    family: str
    limit: int
    controls: frozenset[int]

    def encode(self, texts: Sequence[str], route: PairRoute) -> list[list[int]]:
        """Turn texts into token ids, special tokens included, never truncated."""
        if route.source_code:
            self.tokenizer.src_lang = route.source_code
        encoded = self.tokenizer([route.prefix + text for text in texts], truncation=False, verbose=False)
        return [list(map(int, ids)) for ids in encoded["input_ids"]]

    def encode_translations(self, texts: Sequence[str]) -> list[list[int]]:
        """Turn translations into token ids, without special tokens, never truncated."""
        # Marian has two tokenizers; in all others both sides share one.
        given: dict[str, Any] = {"text_target" if self.family == "marian" else "text": list(texts)}
        encoded = self.tokenizer(**given, add_special_tokens=False, truncation=False, verbose=False)
        return [list(map(int, ids)) for ids in encoded["input_ids"]]

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """What each token stands for in its text: control tokens for nothing, an unknown word for one odd sign."""
        unknown = self.tokenizer.unk_token_id
        tokens = self.tokenizer.convert_ids_to_tokens(list(ids))
        return [
            _ODD if i == unknown else "" if i in self.controls else token.replace("\u2581", " ")
            for i, token in zip(ids, tokens, strict=True)
        ]

    def decode(self, ids: Sequence[int]) -> str:
        """Turn token ids into text, without control tokens; markers stay, even if they are special tokens."""
        kept = [i for i in ids if i not in self.controls]
        text: str = self.tokenizer.decode(kept, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return text.strip()


@dataclass(eq=False, repr=False)
class Seq2SeqEngine(ABC):
    """A local sequence-to-sequence checkpoint.

    Args:
        model: what `crossfare.pretrained.resolve` takes: a folder, an embedded name, or a hub id.
        name: how specs, tables and prices call the engine.
        beam: beam size; 1 is greedy search.
        prefix: what a T5 expects before its input, with ``{source}`` and ``{target}`` for the
            languages' English names; "translate {source} to {target}: " by default.
        max_batch_tokens: padded source tokens in a batch. Does not change the result.
        codes: what the model calls a language, by its tag: {"zh-TW": ">>cmn_Hant<<"} or, for T5, a name in the prefix.

    Raises:
        ConfigError: the model's architecture, or an option, is not supported.
    """

    model: str
    _: KW_ONLY
    name: str = ""
    beam: Annotated[int, Field(strict=True, ge=1, le=_WIDEST)] = 1
    prefix: str | None = None
    max_batch_tokens: Count = 4096
    codes: Mapping[str, str] = field(default_factory=dict)

    registered: ClassVar[str]
    billing: ClassVar[str] = "seconds"
    granularity: ClassVar[Granularity] = "sentence"

    def __post_init__(self) -> None:
        self.name = self.name or self.registered
        self.label = f"{self.name} ({self.model})"
        self.codes = named(self.codes)
        self._resolved = resolve(self.model)
        self._vocabulary: Vocabulary | None = None
        self._routes: dict[tuple[str, str], PairRoute] = {}

    @property
    def revision(self) -> str:
        """The model's revision, and a hash of what decoding depends on."""
        return f"{self._resolved.revision[:16]}-{digest(self.decoding(), 8)}"

    def decoding(self) -> dict[str, Any]:
        """Everything but the weights that can change the result."""
        own = {"codes": self.codes} if self.codes else {}
        return {"version": VERSION, "beam": self.beam, "prefix": self.prefix, "moses": _has_moses(), **own}

    def revision_for(self, source: str, target: str) -> str:
        """The revision; a new one of a language in another script than its usual one, whose code it once had.

        A T5 is told names; those that are CLDR's may change with its next version.
        """
        known = name_is_pinned if self._is_told_names() else has_usual_script
        others = {tag: language_name(tag) for tag in (source, target) if tag not in self.codes and not known(tag)}
        return f"{self.revision}+{digest(others, 8)}" if others else self.revision

    def _is_told_names(self) -> bool:
        path = Path(self._resolved.path) / "config.json"
        config = read_json(path) if path.is_file() else {}
        return isinstance(config, dict) and _FAMILIES.get(str(config.get("model_type"))) == "t5"

    @property
    def vocabulary(self) -> Vocabulary:
        """The tokenizer and limits, loaded on first use."""
        if self._vocabulary is None:
            self._vocabulary = load_vocabulary(str(self._resolved.path), self.model)
        return self._vocabulary

    @abstractmethod
    def load(self) -> None:
        """Load the weights, if they are not yet."""

    @abstractmethod
    def generate(self, batch: Sequence[list[int]], forced: int | None, max_tokens: int) -> list[Generated]:
        """Translate token ids into token ids; ``forced`` is the token every output starts with."""

    @abstractmethod
    def hardware(self) -> tuple[str, int]:
        """Name the device, and say how many of its kind work."""

    def translate(self, texts: Sequence[str], *, source: str, target: str) -> ExplainedTranslation:
        """Translate texts line by line, in batches of similar length."""
        route = self._route(source, target)
        self.load()
        lines = Lines(texts)
        device, count = self.hardware()
        with meter(device, count) as running:
            done = self._translate_lines(lines.distinct, route)
        usage = replace(
            running.usage,
            characters=lines.characters,
            input_tokens=sum(line.read for line in done.values()),
            output_tokens=sum(line.written for line in done.values()),
        )
        failures = {line: found.failure for line, found in done.items() if found.failure}
        return lines.joined({line: found.text for line, found in done.items()}, failures, usage)

    def check_pair(self, source: str, target: str) -> None:
        """ConfigError if the model does not know one of the languages; its weights are not loaded."""
        self._route(source, target)

    def _route(self, source: str, target: str) -> PairRoute:
        if (source, target) not in self._routes:
            self._routes[source, target] = find_route(
                self.vocabulary, source, target, self.prefix, self.model, self.codes
            )
        return self._routes[source, target]

    def _translate_lines(self, lines: Sequence[str], route: PairRoute) -> dict[str, _Line]:
        vocabulary = self.vocabulary
        encoded = vocabulary.encode(lines, route) if lines else []
        done = {
            line: _Line(failure=f"{len(ids)} tokens are too many: the model reads {vocabulary.limit}")
            for line, ids in zip(lines, encoded, strict=True)
            if len(ids) > vocabulary.limit
        }
        order = sorted((i for i, line in enumerate(lines) if line not in done), key=lambda i: (len(encoded[i]), i))
        for batch in batches(order, [len(ids) for ids in encoded], self.max_batch_tokens):
            longest = len(encoded[batch[-1]])
            answers = self.generate([encoded[i] for i in batch], route.forced, self._most_tokens(longest))
            for i, generated in zip(batch, answers, strict=True):
                done[lines[i]] = self._line(generated, len(encoded[i]))
        return done

    def _most_tokens(self, read: int) -> int:
        return min(2 * read + 32, self.vocabulary.limit - 2)

    def _line(self, generated: Generated, read: int) -> _Line:
        written = len(generated.ids)
        most = self._most_tokens(read)
        if generated.broken:
            return _Line(failure="the model computed something that is not a number; use precision float32", read=read)
        if not generated.ended or written > most:
            return _Line(failure=f"the translation did not end within {most} tokens", read=read, written=written)
        text = self.vocabulary.decode(generated.ids)
        return _Line(text, "" if text else "the model returned nothing", read, written)


class _Line(NamedTuple):
    """A translated line, or why there is none; and the tokens read and written for it."""

    text: str = ""
    failure: str = ""
    read: int = 0
    written: int = 0


def load_vocabulary(path: str, model: str) -> Vocabulary:
    """Load a checkpoint's tokenizer and limits.

    Raises:
        ConfigError: they cannot be loaded, or the architecture is not supported.
    """
    config = load_config(path, model)
    family = _FAMILIES.get(config.model_type)
    if family is None:
        known = ", ".join(sorted(_FAMILIES))
        raise ConfigError(f"model {model!r} is a {config.model_type!r}; translation models are: {known}")
    tokenizer = load_tokenizer(path, config, model)
    if family == "mbart" and "50" not in type(tokenizer).__name__:
        raise ConfigError(f"model {model!r} is an mBART of 25 languages, which is asked differently; use an mBART-50")
    positions = getattr(config, "max_position_embeddings", None) or _DEFAULT_LIMIT
    return Vocabulary(tokenizer, family, min(tokenizer.model_max_length, positions), _controls(tokenizer))


def load_seq2seq(path: str, model: str, dtype: Any) -> Any:
    """Load a checkpoint's weights in a precision of torch.

    Raises:
        ConfigError: they cannot be loaded.
    """
    return load_model(path, "AutoModelForSeq2SeqLM", load_config(path, model), model, dtype=dtype)[0]


def find_route(
    vocabulary: Vocabulary, source: str, target: str, prefix: str | None, model: str, own: Mapping[str, str]
) -> PairRoute:
    """Say how the model is asked for a language pair: by the codes in its own vocabulary, or as ``own`` names them.

    Raises:
        ConfigError: the model does not know one of the languages.
    """
    tokenizer = vocabulary.tokenizer
    if vocabulary.family == "marian":
        return PairRoute(prefix=_marian_prefix(tokenizer, target, model, own))
    if vocabulary.family == "t5":
        return PairRoute(prefix=_t5_prefix(tokenizer, source, target, prefix, model, own))
    tokens = _language_tokens(tokenizer, vocabulary.family)
    found = {tag: _code(tag, tokens, model, own, reading=tag == source) for tag in (source, target)}
    return PairRoute(source_code=found[source], forced=int(tokenizer.convert_tokens_to_ids(tokens[found[target]])))


def _marian_prefix(tokenizer: Any, target: str, model: str, own: Mapping[str, str]) -> str:
    codes = {token[2:-2]: token for token in tokenizer.get_vocab() if token.startswith(">>") and token.endswith("<<")}
    if not codes and target not in own:
        return ""  # a model of one target language
    own = {tag: code.removeprefix(">>").removesuffix("<<") for tag, code in own.items()}
    code = find_code(target, offers(codes), own)
    if code is None:
        known = listed(target, {codes[code]: means for code, means in offers(codes).items()})
        raise ConfigError(f"model {model!r} does not translate into {target!r}; {known}; {OPTION}")
    return f"{codes[code]} "


def _t5_prefix(tokenizer: Any, source: str, target: str, prefix: str | None, model: str, own: Mapping[str, str]) -> str:
    madlad = {token[2:-1]: token for token in tokenizer.get_vocab() if _MADLAD.fullmatch(token)}
    if prefix is None and madlad:
        own = {tag: code.removeprefix("<2").removesuffix(">") for tag, code in own.items()}
        return f"{madlad[_code(target, madlad, model, own)]} "
    template = "translate {source} to {target}: " if prefix is None else prefix
    names = {tag: own.get(tag) or language_name(tag) for tag in (source, target)}
    return template.format(source=names[source], target=names[target])


def _language_tokens(tokenizer: Any, family: str) -> dict[str, str]:
    """The codes of the languages that a multilingual model knows, each with its token."""
    if family == "mbart":
        return {token: token for token in tokenizer.get_vocab() if _MBART.fullmatch(token)}
    if hasattr(tokenizer, "get_lang_id"):  # M2M-100; NLLB's tokenizer has no such method
        return dict(tokenizer.lang_code_to_token)
    return {token: token for token in tokenizer.get_vocab() if _NLLB.fullmatch(token)}


def _code(tag: str, tokens: Mapping[str, str], model: str, own: Mapping[str, str], *, reading: bool = False) -> str:
    # The region in a code of mBART-50 says where its texts were from, but for Chinese, where it says the script.
    means = {code: meant(code if not _MBART.fullmatch(code) or code == "zh_CN" else code[:2]) for code in tokens}
    keys = {token: code for code, token in tokens.items()}  # the user may name either
    found = find_code(tag, means, {name: keys.get(code, code) for name, code in own.items()}, reading=reading)
    if found is None:
        raise ConfigError(f"model {model!r} does not know the language {tag!r}; {listed(tag, means)}; {OPTION}")
    return found


def _controls(tokenizer: Any) -> frozenset[int]:
    named = ("pad_token_id", "eos_token_id", "bos_token_id", "unk_token_id", "sep_token_id", "cls_token_id")
    ids = {getattr(tokenizer, name, None) for name in (*named, "mask_token_id")}
    special = dict(zip(tokenizer.all_special_tokens, tokenizer.all_special_ids, strict=True))
    ids |= {i for token, i in special.items() if _CONTROL_TOKEN.fullmatch(token)}
    ids |= {i for token, i in tokenizer.get_vocab().items() if token.startswith(">>") and token.endswith("<<")}
    return frozenset(int(i) for i in ids if i is not None)


def batches(order: Sequence[int], lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Pack indices, shortest first, so that no batch has more than ``budget`` padded tokens."""
    batch: list[int] = []
    for i in order:
        if batch and lengths[i] * (len(batch) + 1) > budget:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def _has_moses() -> bool:
    """Whether Marian tokenizers will normalise punctuation: they do so only where sacremoses is installed."""
    from importlib.util import find_spec

    return find_spec("sacremoses") is not None
