"""Fine-tuning: a thin layer over transformers' Trainer.

The paper's settings are the defaults (section 4.4); mixed precision, several devices, resuming and reporting are
the Trainer's. Importing this package loads neither torch nor transformers.
"""

from __future__ import annotations

from crossfare.finetune.hyperparameters import Hyperparameters
from crossfare.finetune.training import FineTuned, finetune, taken

__all__ = ["FineTuned", "Hyperparameters", "finetune", "taken"]
