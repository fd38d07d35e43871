"""The embedded world: a small multi-parallel corpus made from a grammar, the same in every language.

    from crossfare.data import world

    world.qa("de", "test")          one task in one language, as a `Dataset`
    world.ranking("vi", "test")     questions; world.collection("vi", "test") are the passages that they are searched in
    world.parallel("nli", "train")  every text of a split in all languages, with aligned spans
    world.corpus(1000, seed=1)      pretraining text

``grammar`` inflects and assembles, ``lexicon`` holds the words, ``relations`` what can be said, ``facts`` draws what is
said, ``passages``, ``pairs`` and ``retrieval`` make the texts of the three tasks, ``tasks`` the datasets. Everything is
drawn from `random.Random` seeded by strings, so that the same texts come out everywhere; checkpoints depend on them, so
any change of the output needs new ones.
"""

from crossfare.data.world.facts import Aligned
from crossfare.data.world.grammar import LANGUAGES
from crossfare.data.world.tasks import Document, collection, corpus, nli, parallel, qa, ranking

__all__ = ["LANGUAGES", "Aligned", "Document", "collection", "corpus", "nli", "parallel", "qa", "ranking"]
