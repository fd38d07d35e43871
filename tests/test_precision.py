"""What ``precision: auto`` comes to on processors that know bf16 and on those that do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
import yaml

from crossfare import hardware, precision
from crossfare.experiment.spec import load_spec
from crossfare.experiment.steps import Planner
from crossfare.finetune import Hyperparameters
from crossfare.predict import PredictOptions

Processor = Callable[..., None]


@pytest.fixture
def processor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Processor]:
    """Make Linux, or else torch, say which instructions there are."""

    def knows(*instructions: str, gpu: bool | None = None, linux: bool = True) -> None:
        forget()
        said = {"avx512_f": True, "amx_bf16": False, **dict.fromkeys(instructions, True)}
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {} if linux else said)
        monkeypatch.setattr(hardware, "CPUINFO", tmp_path / "cpuinfo")
        flags = "model name\t: amx_bf16 in its name\nflags\t\t: fpu avx512f " + " ".join(instructions)
        (tmp_path / "cpuinfo").write_text(flags) if linux else (tmp_path / "cpuinfo").unlink(missing_ok=True)
        driver = (Path(__file__) if gpu is not None else Path(__file__) / "no",)
        monkeypatch.setattr(precision, "_DRIVERS", driver)
        monkeypatch.setattr(precision.shutil, "which", lambda _: None)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu is not None)
        monkeypatch.setattr(
            torch.cuda, "is_bf16_supported", lambda including_emulation=True: gpu or including_emulation
        )

    def forget() -> None:
        precision._on_gpu.cache_clear()
        precision._on_processor.cache_clear()

    yield knows
    forget()


@pytest.mark.parametrize("instruction", ["avx512_bf16", "amx_bf16", "sve_bf16"])
@pytest.mark.parametrize("linux", [True, False])
def test_auto_is_bf16_where_the_processor_computes_in_it(processor: Processor, instruction: str, linux: bool) -> None:
    processor(instruction, linux=linux)
    assert [precision.resolved(each) for each in ("auto", None, "fp32", "fp16")] == ["bf16", "fp32", "fp32", "fp16"]


@pytest.mark.parametrize("linux", [True, False])
def test_auto_is_fp32_where_it_would_be_emulated(processor: Processor, linux: bool) -> None:
    processor("avx512_vnni", "amx_int8", linux=linux)
    assert [precision.resolved(each) for each in ("auto", None, "bf16")] == ["fp32", "fp32", "bf16"]


@pytest.mark.parametrize(("native", "expected"), [(True, "bf16"), (False, "fp32")])
def test_a_gpu_is_asked_before_the_processor(processor: Processor, native: bool, expected: str) -> None:
    processor("avx512_bf16", gpu=native)
    assert precision.resolved("auto") == precision.resolved(None) == expected


def test_an_identity_says_what_auto_came_to(processor: Processor) -> None:
    def training(wanted: str | None) -> object:
        return Hyperparameters(precision=wanted).identity()["precision"]  # type: ignore[arg-type]

    def prediction(wanted: str | None) -> object:
        return PredictOptions(precision=wanted).identity().get("precision")  # type: ignore[arg-type]

    processor("amx_bf16")
    assert [training(each) for each in ("auto", None, "fp32", "bf16")] == ["bf16", "auto", "fp32", "bf16"]
    assert [prediction(each) for each in ("auto", None, "fp32", "bf16")] == ["bf16", None, "fp32", "bf16"]
    processor()
    assert [training(each) for each in ("auto", None, "bf16")] == ["fp32", "auto", "bf16"]
    assert [prediction(each) for each in ("auto", None, "bf16")] == ["fp32", None, "bf16"]
    processor(gpu=True)  # what a GPU makes of a spec that says nothing is not what a processor makes of it
    assert (training(None), prediction(None)) == ("bf16", "bf16")


def test_steps_of_auto_are_those_of_what_it_came_to(processor: Processor, tmp_path: Path) -> None:
    def steps(wanted: str) -> list[str]:
        tasks = {
            "nli": {
                "train": "world:nli",
                "test": "world:nli",
                "training": {"precision": wanted},
                "prediction": {"precision": wanted},
            },
            "ranking": {
                "train": "world:ranking",
                "test": "world:ranking",
                "ranking": {"embedding": {"precision": wanted}},
            },
        }
        spec = {
            "name": "precise",
            "source": "en",
            "targets": ["pt"],
            "tasks": tasks,
            "methods": ["zero-shot", "bi-encoder"],
            "models": {"target-encoder": "embedded:multilingual-encoder"},
        }
        path = tmp_path / "spec.yaml"
        path.write_text(yaml.safe_dump(spec), encoding="utf-8")
        return [step.id for cell in Planner(load_spec(path)).plan() for step in cell.all]

    processor("avx512_bf16")
    assert steps("auto") == steps("bf16") != steps("fp32")
    processor()
    assert steps("auto") == steps("fp32") != steps("bf16")
