"""The generator of the embedded world (`crossfare.data.world`), whose texts scripts/make_world.py writes.

``grammar`` inflects and assembles, ``lexicon`` holds the words, ``relations`` what can be said, ``facts`` draws what is
said, ``passages``, ``pairs`` and ``retrieval`` make the texts of the three tasks, ``tasks`` what the files hold, and
the text that checkpoints are pretrained on. Everything is drawn from `random.Random` seeded by strings, so that the
same texts come out everywhere.
"""
