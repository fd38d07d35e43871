"""What hardware costs that is kept for serving, beside the seconds that the volume needs."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import made
import pytest

from crossfare.compare import (
    Component,
    Decision,
    Option,
    UnitPrice,
    always_on,
    always_on_usd,
    decisions,
    read_run,
    recommend,
)
from crossfare.errors import ConfigError
from crossfare.report.decision import Horizon, front_table

CORE = UnitPrice(Decimal("0.28678"), Decimal(8 * 3600), "second", "cpu-core@2026-11-22")
API = UnitPrice(Decimal(20), Decimal(1_000_000), "character", "google-translate@2026-11-22")


def serving(**per_1k: str) -> tuple[Decision, Option]:
    """A method that uses so much of each resource for a thousand examples."""
    used = tuple(Component("inference", name, Decimal(quantity)) for name, quantity in per_1k.items())
    option = replace(made.option("a", 0.5, "0", "0"), fixed=(), recurring=used)
    return replace(made.decision([option]), rates={"compute": CORE, "api": API}), option


def test_one_core_kept_on_for_a_year_is_314_dollars() -> None:
    decision, option = serving(compute="0.5")
    (found,) = always_on(decision, option, Decimal(1_200_000))
    assert (found.resource, found.count, round(found.usd_per_year)) == ("compute", 1, 314)
    assert found.busy == pytest.approx(Decimal(600) / (365 * 24 * 3600))
    assert always_on_usd([found]) == found.usd_per_year


def test_as_many_instances_are_kept_as_the_volume_needs() -> None:
    decision, option = serving(compute="1000")  # a second an example
    (found,) = always_on(decision, option, Decimal(365 * 24 * 3600) * 5 / 2)
    assert (found.count, found.busy) == (3, Decimal("2.5"))
    assert round(found.usd_per_year) == round(3 * 8760 * 0.28678 / 8)


def test_what_is_billed_by_what_is_sent_needs_no_instance() -> None:
    decision, option = serving(api="50000")
    assert always_on(decision, option, Decimal(1_200_000)) == ()


def test_hardware_that_stands_idle_is_paid_for_too(tmp_path: Path) -> None:
    record = read_run(made.run(tmp_path))
    (needed,), (third,) = decisions([record]), decisions([record], utilisation=Decimal("0.25"))
    for before, after in zip(needed.options, third.options, strict=True):
        assert after.fixed == before.fixed
        for one, other in zip(before.recurring, after.recurring, strict=True):
            times = 4 if one.resource == "compute" else 1
            assert other.quantity == one.quantity * times
        n = Decimal(1_200_000)
        assert [each.busy for each in always_on(third, after, n)] == pytest.approx(
            [each.busy for each in always_on(needed, before, n)]
        )


@pytest.mark.parametrize("share", ["0", "1.01", "-1"])
def test_a_utilisation_is_a_part_of_the_time(tmp_path: Path, share: str) -> None:
    with pytest.raises(ConfigError, match="more than 0 and at most 1"):
        decisions([read_run(made.run(tmp_path))], utilisation=Decimal(share))


@pytest.mark.parametrize(("share", "said"), [("1", "the volume needs."), ("0.25", "needs at a utilisation of 25 %.")])
def test_the_table_says_for_how_long_hardware_is_paid(tmp_path: Path, share: str, said: str) -> None:
    (decision,) = decisions([read_run(made.run(tmp_path))], utilisation=Decimal(share))
    horizon = Horizon(100_000, 12)
    (note,) = (each for each in front_table(recommend(decision, horizon.examples), horizon).notes if "Serving" in each)
    assert said in note
    assert "One instance kept always on, a year: compute 314.02 USD" in note
