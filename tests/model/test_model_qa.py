from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny_models
from crossfare.errors import ConfigError
from crossfare.model import qa
from crossfare.model.encoder import Encoder
from crossfare.model.qa import Windows
from crossfare.types import Answer, QAExample

pytest.importorskip("torch")

_WORDS = ["Ana", "lives", "in", "Hà", "Nội", "São", "Paulo.", "München", "(city)", "1999", "\u200b", "—", "x\u0304y"]
_SPACE = st.sampled_from([" ", "  ", "\n", "\u00a0", " \t"])


@st.composite
def qa_examples(draw: st.DrawFn) -> QAExample:
    words = draw(st.lists(st.sampled_from(_WORDS), min_size=1, max_size=60))
    context = "".join(word + draw(_SPACE) for word in words)
    form = draw(st.sampled_from(["NFC", "NFD"]))
    pieces = [unicodedata.normalize(form, word) for word in words]
    context = draw(st.sampled_from(["", " "])) + " ".join(pieces) + draw(st.sampled_from(["", " "]))
    first = draw(st.integers(0, len(words) - 1))
    last = draw(st.integers(first, min(first + 3, len(words) - 1)))
    text = " ".join(pieces[first : last + 1])
    start = len(context) - len(context.lstrip(" ")) + len("".join(f"{piece} " for piece in pieces[:first]))
    question = " ".join(draw(st.lists(st.sampled_from(_WORDS), max_size=50)))
    return QAExample("q", context, question, (Answer(text, start),))


@pytest.fixture(scope="module", params=["bert", "xlm-roberta"])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    return qa.load(tiny_models.checkpoint(request.param))


@pytest.fixture(scope="module")
def bert() -> Encoder:
    return qa.load(tiny_models.checkpoint("bert"))


@pytest.mark.parametrize("kind", tiny_models.ARCHITECTURES)
@pytest.mark.parametrize(("max_length", "stride"), [(40, 8), (64, 0), (96, 40), (512, 64)])
def test_windows_equal_the_tokenizers_own(kind: str, max_length: int, stride: int) -> None:
    encoder = qa.load(tiny_models.checkpoint(kind))
    contexts = [" ".join(f"{text}." for text in tiny_models.texts()[at : at + size]) for at, size in ((0, 1), (3, 9))]
    examples = [QAExample(str(i), context, "where does Ana live?", ()) for i, context in enumerate(contexts)]
    windows = qa.inference_windows(encoder, examples, max_length=max_length, stride=stride)
    expected = encoder.tokenizer(
        [example.question for example in examples],
        [example.context for example in examples],
        truncation="only_second",
        max_length=min(max_length, 128),
        stride=stride,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        return_token_type_ids=True,
    )
    assert [feature["input_ids"].tolist() for feature in windows.features] == expected["input_ids"]
    assert windows.example.tolist() == expected["overflow_to_sample_mapping"]
    if encoder.segments:
        assert [feature["token_type_ids"].tolist() for feature in windows.features] == expected["token_type_ids"]
    for w, offsets in enumerate(expected["offset_mapping"]):
        first, width, base = int(windows.first[w]), int(windows.width[w]), int(windows.base[w])
        context = contexts[windows.example[w]]
        for token in range(width):
            mine = context[windows.starts[base + token] : windows.ends[base + token]]
            left, right = offsets[first + token]
            assert mine == context[left:right].strip()


@settings(max_examples=150, deadline=None)
@given(example=qa_examples(), max_length=st.sampled_from([40, 64, 128]), crop=st.sampled_from([None, 4, 20]))
def test_targets_lead_back_to_the_answer(
    encoder: Encoder, example: QAExample, max_length: int, crop: int | None
) -> None:
    """Decoding the target positions gives text that holds the answer, up to characters no token covers."""
    answer = example.answers[0]
    made = qa.training_features(encoder, [example], max_length=max_length, stride=16, crop=crop)
    windows = qa.inference_windows(encoder, [example], max_length=max_length, stride=16)
    context = qa._tokenise(encoder, [example.context])[example.context]
    span = context.cover(answer)
    if span is None:
        assert made.unreachable == ("q",)
        return
    if made.unreachable:  # only an answer longer than the overlap can lie in no window
        capacity = int(windows.width.max())
        assert span[1] + 1 - span[0] > (16 if capacity > 16 else capacity // 2)
        return
    covered = example.context[context.starts[span[0]] : context.ends[span[1]]]
    assert answer.text.strip(" \u200b\u00a0") in covered
    first = len(qa._layout(encoder).before)
    for feature in made.features:
        start, end = feature["start_positions"], feature["end_positions"]
        assert 0 <= start <= end < len(feature["input_ids"])
        if end:
            assert start > first
            assert feature["input_ids"][start : end + 1].tolist() == context.ids[span[0] : span[1] + 1].tolist()
    if crop is None:
        assert len(made.features) == len(windows.features)
    else:
        (feature,) = made.features
        assert feature["end_positions"]


def test_prediction_is_a_slice_of_decomposed_text(encoder: Encoder) -> None:
    """What composes is composed for the model; the answer still is the original text with all its marks."""
    context = unicodedata.normalize("NFD", "Chi lives in Hà Nội .")
    wanted = unicodedata.normalize("NFD", "Hà Nội")
    example = QAExample("q", context, "where?", (Answer(wanted, context.index(wanted)),))
    (feature,) = qa.training_features(encoder, [example], max_length=64).features
    composed = QAExample("q", unicodedata.normalize("NFC", context), "where?", (Answer("Hà Nội", 13),))
    (same,) = qa.training_features(encoder, [composed], max_length=64).features
    assert feature["input_ids"].tolist() == same["input_ids"].tolist()
    windows = qa.inference_windows(encoder, [example], max_length=64)
    logits = np.full((2, 1, len(feature["input_ids"])), -5.0, dtype=np.float32)
    logits[0, 0, feature["start_positions"]] = logits[1, 0, feature["end_positions"]] = 5
    (prediction,) = qa.decode(windows, *logits)
    assert prediction.output == wanted
    assert prediction.start == context.index(wanted)


def test_marks_that_a_tokenizer_drops_stay_in_the_answer() -> None:
    text = "a x\u0304\u0301 b"
    starts, ends = qa._fit(text, np.array([0, 2, 6]), np.array([1, 3, 7]))
    assert [text[i:j] for i, j in zip(starts, ends, strict=True)] == ["a", "x\u0304\u0301", "b"]
    starts, ends = qa._fit(" ab c", np.array([0, 3, 3]), np.array([4, 5, 4]))
    assert [" ab c"[i:j] for i, j in zip(starts, ends, strict=True)] == ["ab", "c", ""]


@pytest.mark.parametrize("place", ["start", "middle", "end"])
def test_every_answer_of_a_long_context_is_in_a_window(bert: Encoder, place: str) -> None:
    words = [f"city {i}" for i in range(300)]
    target = {"start": 0, "middle": 150, "end": 299}[place]
    words[target] = "Hà Nội"
    context = " ".join(words)
    example = QAExample("q", context, "where ?", (Answer("Hà Nội", context.index("Hà Nội")),))
    made = qa.training_features(bert, [example], max_length=64, stride=16)
    assert not made.unreachable
    assert len(made.features) > 10
    holding = [feature for feature in made.features if feature["end_positions"]]
    assert 1 <= len(holding) <= 2
    assert all(len(feature["input_ids"]) <= 64 for feature in made.features)


def test_an_answer_too_long_for_any_window_is_reported(bert: Encoder) -> None:
    context = "city " * 200
    example = QAExample("q7", context, "where ?", (Answer(context.strip(), 0),))
    for crop in (None, 8):
        made = qa.training_features(bert, [example], max_length=64, stride=16, crop=crop)
        assert made.unreachable == ("q7",)
        assert {feature["end_positions"] for feature in made.features} == {0}


def test_crop_puts_the_answer_anywhere_by_seed(bert: Encoder) -> None:
    context = "city " * 50 + "Lisboa" + " city" * 50
    example = QAExample("q", context, "where ?", (Answer("Lisboa", context.index("Lisboa")),))
    made = qa.training_features(bert, [example] * 40, max_length=128, crop=20)
    assert all(len(feature["input_ids"]) <= 20 + 3 + 3 for feature in made.features)
    assert len({feature["start_positions"] for feature in made.features}) > 10
    again, other = (qa.training_features(bert, [example] * 40, max_length=128, crop=20, seed=s) for s in (0, 1))
    places = [[f["start_positions"] for f in m.features] for m in (made, again, other)]
    assert places[0] == places[1] != places[2]


def test_a_long_question_leaves_room_for_the_context(bert: Encoder) -> None:
    example = QAExample("q", "Ana lives in Berlin", "where " * 500, ())
    (feature,) = qa.inference_windows(bert, [example], max_length=48).features
    assert len(feature["input_ids"]) == 24 + 3 + len(qa._tokenise(bert, [example.context])[example.context].ids)
    with pytest.raises(ConfigError, match="leaves no room"):
        qa.inference_windows(bert, [example], max_length=5)


def test_windows_of_no_examples_and_of_an_empty_context(bert: Encoder) -> None:
    assert qa.decode(qa.inference_windows(bert, []), np.zeros((0, 0)), np.zeros((0, 0))) == ()
    windows = qa.inference_windows(bert, [QAExample("q", " ", "?", ())])
    logits = np.zeros((1, len(windows.features[0]["input_ids"])), dtype=np.float32)
    (prediction,) = qa.decode(windows, logits, logits)
    assert (prediction.output, prediction.start, prediction.scores) == ("", None, ())


# -- n-best ----------------------------------------------------------------------------------------------------


def brute_force(
    windows: Windows, start: np.ndarray, end: np.ndarray, n_best: int, longest: int
) -> list[list[tuple[float, int, int]]]:
    """All spans of all windows, one at a time."""
    found: list[dict[tuple[int, int], float]] = [{} for _ in windows.examples]
    for w in range(len(windows.example)):
        first, width, base = windows.first[w], windows.width[w], windows.base[w]
        for s in range(width):
            for e in range(s, min(s + longest, width)):
                left, right = int(windows.starts[base + s]), int(windows.ends[base + e])
                empty = [windows.starts[base + t] == windows.ends[base + t] for t in (s, e)]
                if any(empty):
                    continue
                score = float(np.float32(start[w, first + s] + end[w, first + e]))
                spans = found[windows.example[w]]
                spans[left, right] = max(score, spans.get((left, right), -np.inf))
    return [sorted(((-score, *span) for span, score in spans.items()))[:n_best] for spans in found]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_n_best_equals_brute_force(data: st.DataObject) -> None:
    n_best, longest = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 7))
    seed, whole = data.draw(st.integers(0, 10**6)), data.draw(st.booleans())
    lengths = data.draw(st.lists(st.integers(0, 25), min_size=1, max_size=4))
    stride, capacity = data.draw(st.integers(0, 3)), data.draw(st.integers(4, 12))
    rng = np.random.default_rng(seed)
    rows, starts, ends, base = [], [], [], 0
    for number, length in enumerate(lengths):
        for left, right in qa._spans(length, capacity, stride):
            rows.append((number, rng.integers(1, 5), right - left, base + left))
        at = 2 * np.arange(length)
        starts.append(at)
        ends.append(at + (rng.random(length) > 0.15))  # some tokens cover nothing
        base += length
    example, first, width, bases = np.array(rows, dtype=np.int64).T
    examples = tuple(QAExample(str(i), "x" * 60, "?", ()) for i in range(len(lengths)))
    windows = Windows(examples, [], example, first, width, bases, np.concatenate(starts), np.concatenate(ends))
    shape = (len(rows), int((first + width).max()) + 1)
    values = rng.integers(-3, 4, (2, *shape)) if whole else rng.normal(size=(2, *shape))  # whole numbers make ties
    start, end = values.astype(np.float32)
    predictions = qa.decode(windows, start, end, n_best=n_best, max_answer_length=longest)
    expected = brute_force(windows, start, end, n_best, longest)
    for prediction, spans in zip(predictions, expected, strict=True):
        assert [score for _, score in prediction.scores] == [-score for score, _, _ in spans]
        if spans and not whole:
            assert [len(text) for text, _ in prediction.scores] == [right - left for _, left, right in spans]
        if spans:
            best = [span for span in spans if span[0] == spans[0][0]]
            assert prediction.start == min(left for _, left, _ in best)
            assert len(prediction.output) == min(right - left for _, left, right in best if left == prediction.start)


def test_chunks_do_not_change_the_answer(bert: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = tiny_models.qa_data().examples
    windows = qa.inference_windows(bert, examples, max_length=20, stride=2)  # type: ignore[arg-type]
    shape = (len(windows.features), max(len(feature["input_ids"]) for feature in windows.features))
    start, end = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    whole = qa.decode(windows, start, end)
    monkeypatch.setattr(qa, "_CHUNK", 1)
    assert qa.decode(windows, start, end) == whole


def test_contexts_that_are_tokenised_in_parts_read_the_same(bert: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = [example for example in tiny_models.qa_data().examples if isinstance(example, QAExample)]
    whole = qa.inference_windows(bert, examples, max_length=32, stride=8)
    monkeypatch.setattr(qa, "_CHARACTERS_AT_ONCE", 100)
    parts = qa.inference_windows(bert, examples, max_length=32, stride=8)
    assert [f["input_ids"].tolist() for f in parts.features] == [f["input_ids"].tolist() for f in whole.features]
