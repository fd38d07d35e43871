"""Examples to tensors, logits to predictions. Each task's module has the same four verbs: load, training features,
inference features, decode."""
