"""What is asked of a served model and what it answers, of whatever task: the JSON of `predict` and of `serve`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

Id = str | int | None


class Request(BaseModel):
    """One object asks one thing. Further keys are ignored: a line of a labelled dataset is a request.

    ``id`` may be left out; it comes back as it was given.
    """

    model_config = ConfigDict(strict=True, frozen=True)

    id: Id = None


class Answer(BaseModel):
    """``note`` is null, or says why there is no answer, or what of the request was left out."""

    model_config = ConfigDict(frozen=True)

    id: Id = None
    note: str | None = None
