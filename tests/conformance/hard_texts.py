"""Texts that every engine is given."""

TEXTS = (
    "the house is red",
    "a cat sat on the mat",
    "hello",
    "world",
    "the cat is red . a mat",
    "the cat\nthe house\n\nhello",
    "  the mat ",
    "the <a>cat</a> sat",
    "hello 😀 👩🏽‍🚀",
    "caf\u00e9",
    "cafe\u0301",
    "</s> <pad> the <unk> mat",
    ">>xx<< the mat",
)
