"""Line predictions up with the examples they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crossfare.errors import DataError
from crossfare.types import Example, Prediction


def outputs_by_id(examples: Sequence[Example], predictions: Iterable[Prediction]) -> dict[str, str]:
    """Map example id to predicted output. An example without a prediction is simply absent: it counts as wrong.

    Raises:
        DataError: two examples or two predictions share an id, or a prediction belongs to no example.
    """
    ids: set[str] = set()
    for example in examples:
        if example.id in ids:
            raise DataError(f"two examples have the id {example.id!r}; ids must be unique to be scored")
        ids.add(example.id)
    outputs: dict[str, str] = {}
    for prediction in predictions:
        if prediction.id not in ids:
            raise DataError(
                f"a prediction has the id {prediction.id!r}, which is not in the dataset: "
                "score predictions against the dataset they were made for"
            )
        if prediction.id in outputs:
            raise DataError(f"two predictions have the id {prediction.id!r}; keep one")
        outputs[prediction.id] = prediction.output
    return outputs
