"""Forecast what a run will cost, without running anything."""

from __future__ import annotations

from crossfare.experiment.forecast.basis import Basis
from crossfare.experiment.forecast.checking import check_rates, check_saved, save
from crossfare.experiment.forecast.forecasting import Forecaster, priced
from crossfare.experiment.forecast.rates import Rate, parse
from crossfare.experiment.forecast.stated import Stated, StatedSpec, stated_spec
from crossfare.experiment.forecast.usage import StepForecast

__all__ = [
    "Basis",
    "Forecaster",
    "Rate",
    "Stated",
    "StatedSpec",
    "StepForecast",
    "check_rates",
    "check_saved",
    "parse",
    "priced",
    "save",
    "stated_spec",
]
