"""Quality measures, each equal to its official script; only numpy is needed."""
