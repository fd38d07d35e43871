"""How the shipped checkpoints are made; run ``scripts/make_checkpoints.py``."""
