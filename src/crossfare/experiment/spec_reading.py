"""What is said of the files of a spec beside it: on the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from crossfare.data.columns import NAMES
from crossfare.data.reading import FileReading
from crossfare.errors import ConfigError
from crossfare.experiment.spec import Spec, TaskSpec
from crossfare.experiment.spec_engine import DataRef


def read_as(spec: Spec, tasks: Iterable[str], told: Mapping[str, Any]) -> Spec:
    """The spec with what is said of its files, where they do not say it themselves.

    ``tasks`` are those whose files are meant; all of the spec's, if none is named. Labels are said of files that have
    them, and a column of those of a task that has such a part; embedded data say all themselves.

    Raises:
        ConfigError: it means nothing, or there is no file that it could be said of.
    """
    FileReading.of(**told)
    if not told:
        return spec
    meant = [name for name in spec.tasks if name in (tuple(tasks) or spec.tasks)]
    made = {name: _task(name, task, told) if name in meant else task for name, task in spec.tasks.items()}
    engines = {
        name: engine.model_copy(
            update={
                "existing": {
                    task: {target: _ref(task, ref, told) for target, ref in refs.items()} if task in meant else refs
                    for task, refs in engine.existing.items()
                }
            }
        )
        for name, engine in spec.engines.items()
    }
    changed = spec.model_copy(update={"tasks": made, "engines": engines})
    if changed == spec:
        raise ConfigError(f"spec {spec.name!r} has no file that {', '.join(told)} could be said of; leave it out")
    return changed


def _task(name: str, task: TaskSpec, told: Mapping[str, Any]) -> TaskSpec:
    update: dict[str, Any] = {"train": _ref(name, task.train, told)}
    if task.validation:
        update["validation"] = _ref(name, task.validation, told)
    for part in ("test", "gold"):
        update[part] = {target: _ref(name, ref, told) for target, ref in getattr(task, part).items()}
    return task.model_copy(update=update)


def _ref(task: str, ref: DataRef, told: Mapping[str, Any]) -> DataRef:
    if ref.ref.startswith("world:"):
        return ref
    parts = NAMES.get(task, {})
    said = {key: value for key, value in told.items() if getattr(ref, key) is None}
    if "label" not in parts:
        said.pop("labels", None)
    if ref.ref.startswith("hub:") or not parts:
        said.pop("separator", None)
    if "columns" in said:
        said["columns"] = {role: name for role, name in said["columns"].items() if role in parts}
    said = {key: value for key, value in said.items() if value}
    return DataRef.model_validate({**ref.model_dump(exclude_none=True), **said}) if said else ref
