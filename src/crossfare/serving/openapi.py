"""The description of a server's calls in OpenAPI's form, made of the types that requests and answers are checked by."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

import crossfare
from crossfare.tasks import TASKS
from crossfare.types import TaskName

_REFS = "#/components/schemas/{model}"
_ERRORS = {
    "400": "no JSON",
    "402": "the spending limit is reached",
    "408": "the body did not arrive in time",
    "413": "too long, or too many requests at once",
    "415": "not application/json",
    "422": "not a request of this task",
    "500": "the request could not be answered",
    "502": "the translation engine failed",
    "503": "overloaded, or the engine is away; see Retry-After",
    "504": "not answered in time",
}


class Problem(BaseModel):
    """What every error says."""

    error: str


def describe(task: TaskName) -> dict[str, Any]:
    """What GET /openapi.json shows of a server of ``task`` (OpenAPI 3.1)."""
    request, answer = TASKS[task].request, TASKS[task].answer
    _, schemas = models_json_schema(
        [(request, "validation"), (answer, "serialization"), (Problem, "serialization")], ref_template=_REFS
    )
    predict = {
        "summary": "Answer one request, or a list of them in the same form",
        "requestBody": {"required": True, "content": _json(_one_or_list(request))},
        "responses": {
            "200": {
                "description": "One answer for each request, in their order",
                "content": _json(_one_or_list(answer)),
            },
            **{code: {"description": why, "content": _json(_ref(Problem))} for code, why in _ERRORS.items()},
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": f"crossfare: {TASKS[task].title}", "version": crossfare.__version__},
        "paths": {
            "/predict": {"post": predict},
            "/info": {"get": _plain("What answers, how well it did, and what it costs")},
            "/health": {"get": _plain("Whether requests are being answered, and how many wait")},
            "/health/live": {"get": _plain("Whether the process works: 503 asks for a restart")},
            "/health/ready": {"get": _plain("Whether further requests are taken on: 503 asks to send them elsewhere")},
            "/metrics": {"get": _plain("Counts and times, in Prometheus's text format")},
        },
        "components": {"schemas": schemas["$defs"]},
    }


def _ref(kind: type[BaseModel]) -> dict[str, Any]:
    return {"$ref": _REFS.format(model=kind.__name__)}


def _one_or_list(kind: type[BaseModel]) -> dict[str, Any]:
    return {"anyOf": [_ref(kind), {"type": "array", "items": _ref(kind)}]}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _plain(summary: str) -> dict[str, Any]:
    return {"summary": summary, "responses": {"200": {"description": summary}}}
