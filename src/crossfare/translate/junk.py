"""Junk: what no translation holds, whatever was translated, and what its source has not.

Engines leave such things behind: dots for a text that they could not read, escapes of the markup that it was sent in,
codes of the subtitles that they learnt from, pieces of their own vocabulary, what a chat model says around its answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence

from crossfare.languages import is_unspaced
from crossfare.translate.correspondence import same_for_many

_LEFT = 0.2
"""A translation keeps more letters than this among its signs, if its source has `_ENOUGH`."""

_ENOUGH = 0.5
_FEW_WORDS = 6
"""So many words may be a number written out."""

_LETTERS = 3
_SHORTEST = 4
"""Words of sources that do not all have one translation: shorter ones may ("Yes.", "Yeah." and "Yep.")."""

_SHORTEST_UNSPACED = 12
_WORD = re.compile(r"\w+")

_MARKUP = re.compile(
    r"[<\uff1c]/?(?P<tag>[a-zA-Z][\w:-]*)(?:\s[^<>]*)?/?[>\uff1e]"
    r"|&\s?(?:[a-zA-Z]{2,31}|\#\s?\d{2,6}|\#[xX][0-9a-fA-F]{2,6})\s?;"
    r"|\\u[0-9a-fA-F]{4}|u00[23][0-9a-fA-F]|\\x[0-9a-fA-F]{2}|\\[nrt\"'](?![a-zA-Z])"
    r"|(?<!\d)%(?:20|2[CF]|3[A-F])|%C[23]%[89AB][0-9A-F]"
    r"|\ufffd|Ã[\x80-\xbf]|â€|Â[\xa0-\xbf]"  # UTF-8 read as something else
    # a model's own pieces, and its codes of languages
    r"|▁|⁇|@@(?=\s|$)|<0x[0-9A-F]{2}>|<\|\w+\|>|>>\w+<<|\[(?:UNK|unk|PAD|CLS|SEP|MASK|/?INST)\]"
    r"|__[a-z]{2,3}__|\b[a-z]{3}_(?:Latn|Cyrl|Arab|Deva|Hans|Hant|Jpan|Hang)\b"
    r"|```|\*\*(?=\w)|^\#{1,6}\s|\{\s*\"\w+\"\s*:|\\(?:text\w*|emph|begin|end|item)\b"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f]|^\ufeff"
)
_SUBTITLE = re.compile(
    r"\{\\[^{}]*\}|\{[a-zA-Z]{1,2}:[^{}]*\}|\{\d+\}\s?\{\d+\}|\d\d:\d\d:\d\d[,.]\d{3}|-->|[♪♫]|\\[Nh](?=[\W_]|[A-Z])"
    r"|\b(?:subtitles|subtitled|legendas|untertitel(?:ung)?|sous-titres|subtítulos|subtitulad[oa]s?)\s*"
    r"(?::|by\b|por\b|pel[ao]s?\b|von\b|durch\b|par\b|im auftrag\b|der amara)|\bamara\.org\b"
    r"|\b(?:phụ đề\s*(?::|bởi)|字幕\s*[:：])",
    re.IGNORECASE,
)

# A word for "translation" in whatever language a preamble may be; a source that has one itself may speak of it.
_TRANSLATION = re.compile(
    r"translat|tradu[cçzt]|tradui|traduit|übersetz|uebersetz|vertal|overs[æe]t|översät|tłumacz|překlad|preklad|prijevod"
    r"|prevod|traducer|fordít|käännö|tõlge|tulkojum|vertim|çevir|terjemah|dịch|перев[оеё]д|переклад|превод|μετ[αά]φρασ"
    r"|תרגום|ترجم|अनुवाद|অনুবাদ|การแปล|คำแปล|翻译|翻譯|译文|譯文|翻訳|訳文|번역",
    re.IGNORECASE,
)
_OPENING = 80
_COLON = re.compile(r"[:：\n]")
_ANSWER = re.compile(
    r"\s*[\"'«“]?(?:(?:sure|certainly|absolutely|understood|got it|of course|okay|great)[!.,]?\s+"
    r"(?:here|i['’]?(?:ll| will| can)\b)"
    r"|(?:sure|certainly|absolutely)!"
    r"|(?:(?:sure|certainly|of course)[!.,]?\s+)?i(?:['’]d| would) be (?:happy|glad) to\b"
    r"|(?:i['’]?m|i am) sorry,? (?:but )?i (?:can['’]?t|cannot|am unable|['’]m unable)"
    r"|i (?:can['’]?t|cannot|am unable to) (?:assist|help|translate|provide|fulfill|comply)"
    r"|as an ai\b|no translation (?:is )?(?:needed|available)|\(?note:)",
    re.IGNORECASE,
)
_SORRY = re.compile(
    r"(?<![a-z])(?:sorry|apolog|desculp|lament|sinto|siento|perd[oó]n|disculp|entschuldig|leid\b|bedauer|xin lỗi|désol"
    r"|pardon|spiace|scus)|przepra|promiň|извин|прост|вибач|üzgün|özür|maaf|抱歉|对不起|對不起|申し訳|すみません|ごめん|죄송|미안|آسف|מצטער|क्षमा|ขอโทษ",
    re.IGNORECASE,
)
_REGRETS = re.compile(rf"{_SORRY.pattern}|regret|afraid|unfortunate|excuse|forgive", re.IGNORECASE)
_CANNOT = re.compile(
    r"\b(?:não (?:posso|consigo)|no puedo|ich kann|kann ich|je ne peux|non posso|ik kan|nie mogę|không thể|не могу)\b"
    r"|我(?:[无無]法|不能)|できません|없습니다",
    re.IGNORECASE,
)
"""What an assistant says of itself in an excuse."""

_LABEL = re.compile(r"\W*(?P<word>\w[\w ]*?)\s*(?:\([^()]*\)\s*)?[:：]")
_LABELS = frozenset(["translation", "output", "result", "response", "answer"])
_REMARK = re.compile(r"[(\[](?:note|n\.b\.|nota|hinweis|anmerkung|lưu ý|ghi chú|примечание|注)\s*[:：]", re.IGNORECASE)
_ASIDE = re.compile(r"\s*[(\[][^()\[\]]{1,60}[)\]][.!]?\s*")
"""A text that is one remark in brackets, as subtitles have for sounds."""

_OPENERS = re.compile(
    r"sure|certain|clar|cert[oae]|segur|sicher|natürlich|chắc|absolut|bien sûr|конечно|当然|當然|もちろん|물론"
    r"|note|nota|notiz|hinweis|lưu ý|注|\bIA\b|\bAI\b|\bKI\b|trí tuệ|not able|unable|can['’]?t|cannot",
    re.IGNORECASE,
)


def letterless(given: str, made: str) -> bool:
    """Next to no letter is left of a text of letters; a few words may be a number written out."""
    if sum(map(str.isalpha, given)) < _LETTERS or _letters(given) < _ENOUGH:
        return False
    if any(map(str.isdigit, made)) and len(_WORD.findall(given)) <= _FEW_WORDS:
        return False
    return _letters(made) < _LEFT


def _letters(text: str) -> float:
    """The share of letters among the signs of a text, with the marks that stand on them."""
    signs = [unicodedata.category(sign)[0] for sign in text if not sign.isspace()]
    return (signs.count("L") + signs.count("M")) / max(1, len(signs))


def marked_up(given: str, made: str) -> bool:
    """Tags, entities, escapes or a model's own pieces of words that the source has not."""
    return not _found(_MARKUP, made) <= _found(_MARKUP, given)


def subtitled(given: str, made: str) -> bool:
    """Codes of subtitles, their credits, or a sound in brackets, in what is the translation of none."""
    if _ASIDE.fullmatch(made) and not any(mark in given for mark in "()[]"):
        return True
    return bool(_SUBTITLE.search(made)) and not _SUBTITLE.search(given)


def _found(pattern: re.Pattern[str], text: str) -> set[str]:
    """What stands in a text; tags by their names."""
    return {(found["tag"] or found[0]).casefold() for found in pattern.finditer(text)}


def announced(given: str, made: str, names: Collection[str] = ()) -> bool:
    """It begins or ends as an assistant's answer does: with talk of the translation, help, a remark, or an excuse.

    ``names`` are those of its language, in lower case: it may be headed by one.
    """
    if made.strip().count("\n") > given.strip().count("\n") or (_REMARK.search(made) and not _REMARK.search(given)):
        return True
    label = _LABEL.match(made[:_OPENING])
    if label and label["word"].casefold() in {*_LABELS, *names} and not _COLON.search(given[:_OPENING]):
        return True
    if _SORRY.search(made[:_OPENING]) and _CANNOT.search(made[:_OPENING]) and not _REGRETS.search(given):
        return True
    opening, colon, rest = _parted(made)
    inside = "(" in opening[1:]  # a remark of the text's own
    if colon and rest.strip() and not inside and _TRANSLATION.search(opening) and not _TRANSLATION.search(given):
        return True
    if not (found := _ANSWER.match(made)):
        return False
    said = _SORRY if "sorry" in found[0].casefold() else _OPENERS
    return not (_ANSWER.match(given) or said.search(given))


def _parted(text: str) -> tuple[str, str, str]:
    """A text before its first colon or line end, that, and what follows, if that comes early."""
    found = _COLON.search(text.lstrip()[:_OPENING])
    return (text.lstrip()[: found.start()], found[0], text.lstrip()[found.end() :]) if found else ("", "", "")


def one_for_many(pairs: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """The pairs whose translation is also that of other sources that have little in common with theirs."""
    long = [pair for pair in pairs if _long(pair[0])]
    places = same_for_many([given for given, _ in long], [made for _, made in long])
    return {long[place] for same in places for place in same}


def _long(text: str) -> bool:
    return len(_WORD.findall(text)) >= _SHORTEST or sum(map(is_unspaced, text)) >= _SHORTEST_UNSPACED
