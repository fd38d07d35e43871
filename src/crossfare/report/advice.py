"""The recommendation in sentences: which method, how sure that is, why not the others, and what would change it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from crossfare.compare import (
    CONFIDENCE,
    SEED_SD,
    Aim,
    Constraints,
    Decision,
    Flip,
    More,
    Option,
    Recommendation,
    Verdict,
    as_cheap,
    price_flips,
    settle,
    volume_flips,
)
from crossfare.report import numbers
from crossfare.report.decision import BEFORE_BASELINES, FAR, Horizon, count, interval, latency, money, near, option_name
from crossfare.report.names import metric_name, subject, trivial_name


def rule(aim: Aim) -> str:
    """What is recommended, as the predicate of a sentence."""
    if aim.worth is not None:
        return f"the method with the greatest expected net benefit, at {money(aim.worth)} for an error less"
    return (
        f"the cheapest method that is shown to be within {_points(aim.margin)} of the best one (in {CONFIDENCE:.0%} of "
        "joint draws over test examples and training runs)"
    )


@dataclass(frozen=True, slots=True)
class Changes:
    """What would settle a choice that is open, and what would change one that is made; finding it takes a while."""

    ways: tuple[More, ...]
    prices: tuple[Flip, ...]
    volumes: tuple[Flip, ...]

    @classmethod
    def of(cls, made: Recommendation) -> Changes:
        """Those that are near enough to be told."""
        if made.chosen is None:
            return cls(settle(made), (), ())
        prices, volumes = (tuple(flip for flip in flips(made) if near(flip)) for flips in (price_flips, volume_flips))
        return cls((), prices, volumes)


def advice(made: Recommendation, changes: Changes | None = None) -> str:
    """The choice in one or two sentences, with how sure it is: the same wherever crossfare says it."""
    if made.leading is None:
        return f"No method {_demanded(made)}."
    if made.chosen is None:
        ahead, ways = made.verdict(made.leading), (changes or Changes.of(made)).ways
        return (
            f"Not enough evidence: no method is shown to be within {_points(made.aim.margin)} of the best one. "
            f"Ahead is {_describe(made.leading, made)}; {_chances(ahead)}. {_settled(made, ways)}"
        )
    return f"Recommended: {_describe(made.chosen, made)}; {_chances(made.verdict(made.chosen))}."


def brief(made: Recommendation, changes: Changes) -> str:
    """The advice for a table that has the figures: what to choose, how sure that is, and what would change it."""
    if made.leading is None:
        return advice(made)
    option = made.chosen or made.leading
    named = f"{option.label}, {money(made.decision.total_usd(option, made.examples))} in all"
    told = f"{named}; {_chances(made.verdict(option))}."
    if made.chosen is None:
        ways = " or ".join(_told_ways(made, changes.ways))
        return f"Not enough evidence. Ahead is {told} {f'{ways} would settle it.' if ways else _least(made)}"
    nearest = min(changes.prices, key=lambda flip: abs(flip.factor.ln()) if flip.factor else Decimal(0), default=None)
    return f"Recommended: {told}" + (f" It would change {_flip_text(nearest, made.decision)}." if nearest else "")


def heading(made: Recommendation, horizon: Horizon) -> str:
    """What is decided: for which task, languages and volume, under which constraints."""
    return f"{subject(made.decision)}, {horizon}{_constraints(made.constraints)}:"


def explain(made: Recommendation, horizon: Horizon, changes: Changes | None = None) -> tuple[str, ...]:
    """Heading, choice, reason, why not the others, what would change it."""
    changes, named = changes or Changes.of(made), made.chosen or made.leading
    told = [f"- {_why_not(verdict, made)}" for verdict in made.verdicts if verdict.option != named]
    if made.chosen is None:
        return (heading(made, horizon), advice(made, changes), *_assumed(made), *told)
    return (
        heading(made, horizon),
        advice(made),
        _reason(made),
        *_warnings(made),
        *_assumed(made),
        *told,
        *_told_changes(made, horizon, changes),
    )


def _describe(option: Option, made: Recommendation) -> str:
    decision = made.decision
    total, once = decision.total_usd(option, made.examples), decision.once_usd(option)
    per_1k = decision.recurring_usd_per_1k(option)
    kept = f", {money(decision.kept_usd_per_month(option))} a month to keep translations" if option.kept else ""
    quality = f"{metric_name(decision.metric)} {numbers.score(option.quality)} ({interval(option)})"
    paid = f"{money(total)} in all ({money(once)} once{kept}, {money(per_1k)} per 1,000 examples)"
    return f"{option.label}: {quality}, {paid}, {_added(option)}"


def _chances(found: Verdict) -> str:
    lost = "" if found.regret_usd is None else f" and {numbers.amount(Decimal(found.regret_usd))} USD"
    return f"best with probability {found.best:.0%}, expected regret {_points(found.regret)}{lost}"


def _settled(made: Recommendation, ways: Sequence[More]) -> str:
    """What would be enough evidence."""
    told = " or ".join(_told_ways(made, ways))
    if not told:
        return f"{_least(made)} No number of seeds or test examples that was tried would settle it for this one."
    return f"If scores stay as they are, {told} would settle it. {_least(made)}"


def _least(made: Recommendation) -> str:
    return f"It would be enough for a margin of {_points(made.least_margin)}."


def _told_ways(made: Recommendation, ways: Sequence[More]) -> list[str]:
    now = min(verdict.option.seeds for verdict in made.verdicts if not verdict.broken)
    return [_way(each, now, made.decision.tested) for each in ways]


def _way(more: More, seeds: int, tested: int) -> str:
    parts = []
    if more.seeds > seeds:
        parts.append(f"{more.seeds} seeds in place of {seeds}")
    if more.examples > tested:
        paid = "" if more.labels_usd is None else f", {money(more.labels_usd)} to label"
        parts.append(f"{more.examples:,} test examples in place of {tested:,}{paid}")
    return f"{' and '.join(parts)} ({money(more.usd)} to run)"


def _assumed(made: Recommendation) -> list[str]:
    if not made.assumed:
        return []
    return [
        f"One seed each: that the luck of training moves scores by {100 * SEED_SD:g} points (standard deviation) is "
        "assumed, not measured; three seeds measure it."
    ]


def _reason(made: Recommendation) -> str:
    allowed = [verdict for verdict in made.verdicts if not verdict.broken]
    if len(allowed) == 1:
        return f"It is the only method that {_demanded(made)}." if made.verdicts[1:] else "There is no other method."
    if made.aim.worth is not None:
        return f"It has the greatest expected net benefit, at {money(made.aim.worth)} for an error less."
    shown = [verdict.option for verdict in allowed if verdict.within >= CONFIDENCE]
    within = f"shown to be within {_points(made.aim.margin)} of the best one"
    if len(shown) == 1:
        return f"It is the only method {within}."
    same = as_cheap(made.decision, shown, made.examples)
    if len(same) == 1:
        return f"It is the cheapest of {len(shown)} methods {within}."
    return (
        f"Of {len(shown)} methods {within}, {len(same)} may be the cheapest, as far as timings tell: it scores highest "
        "of these."
    )


def _demanded(made: Recommendation) -> str:
    """What the methods that are left out fail to do, as the predicate of a sentence."""
    rules = {rule for verdict in made.verdicts for rule in verdict.broken}
    parts = ["keeps the constraints"] if rules - {"baseline"} else []
    if "baseline" in rules:
        parts.append(f"is shown to be above the trivial baseline ({trivial_name(made.decision.task)})")
    return " and ".join(parts)


def _warnings(made: Recommendation) -> list[str]:
    chosen, asked = made.chosen, made.constraints
    assert chosen is not None
    found = []
    if chosen.reference:
        found.append(
            f"Mind that this is no system's translation: {chosen.note}. Leave such rows out with `--without reference`."
        )
    elif chosen.note:
        found.append(f"{chosen.label}: {chosen.note}.")
    if asked.min_quality is not None and chosen.low < asked.min_quality:
        found.append(
            f"Its interval reaches below the asked {asked.min_quality:g}: more test examples would settle that."
        )
    if chosen.baseline is None:
        found.append(
            f"Whether it is above the trivial baseline ({trivial_name(made.decision.task)}) is not known: "
            f"{BEFORE_BASELINES}."
        )
    return found


def _why_not(verdict: Verdict, made: Recommendation) -> str:
    name, margin = verdict.option.label, _points(made.aim.margin)
    if verdict.broken:
        trivial = verdict.status == "not-above-baseline"
        failed = "is not shown to be above the trivial baseline" if trivial else "breaks a constraint"
        return f"{name} {failed}: {', '.join(_broken(each, verdict.option, made) for each in verdict.broken)}."
    if verdict.status == "worse":
        p = "p < 0.001" if (verdict.p or 0) < 0.001 else f"p = {verdict.p:.3f}"
        return f"{name} is worse than the best: {numbers.score(verdict.difference)} less ({p}); {_chances(verdict)}."
    if verdict.status == "within" and made.chosen and made.aim.worth is None:
        own, other = (made.decision.total_usd(each, made.examples) for each in (verdict.option, made.chosen))
        costs = f"{money(own)} against {money(other)}"
        return f"{name} is within {margin} of the best too, but dearer: {costs}; {_chances(verdict)}."
    return f"{name}: {_chances(verdict)}, within {margin} of the best with probability {verdict.within:.0%}."


def _broken(name: str, option: Option, made: Recommendation) -> str:
    asked, metric = made.constraints, metric_name(made.decision.metric)
    if name == "min-quality":
        return f"{metric} {numbers.score(option.quality)} is below {asked.min_quality:g}"
    if name == "max-latency":
        return f"it adds {latency(option)} ms, more than {asked.max_latency_ms:g}"
    if name == "baseline":
        trivial = f"{numbers.score(option.baseline or 0.0)} of {trivial_name(made.decision.task)}"
        return f"{metric} {numbers.score(option.quality)} ({interval(option)}) against {trivial}"
    if name == "latency-not-measured":
        return "its added latency was not measured"
    total = made.decision.total_usd(option, made.examples)
    return f"{money(total)} is over {money(asked.max_usd or Decimal(0))}"


def _told_changes(made: Recommendation, horizon: Horizon, changes: Changes) -> list[str]:
    found = [_flip_text(flip, made.decision) for flip in changes.prices]
    found += [_volume_text(flip, horizon) for flip in changes.volumes]
    if not found:
        return [f"No single price, nor the volume, within a factor of {FAR:,} changes the choice."]
    return [f"It would change {_listed(found)}."]


def _flip_text(flip: Flip, decision: Decision) -> str:
    rate = decision.rates[flip.what]
    then, now = numbers.amount(rate.stated_usd(flip.threshold)), numbers.amount(rate.stated_usd(flip.current))
    return f"to {option_name(flip.chosen)} with {flip.what} {flip.side} {then} USD per {rate.stated} (now {now})"


def _volume_text(flip: Flip, horizon: Horizon) -> str:
    return f"to {option_name(flip.chosen)} {flip.side} {count(flip.threshold / horizon.months)} examples a month"


def _constraints(asked: Constraints) -> str:
    parts = []
    if asked.min_quality is not None:
        parts.append(f"quality at least {asked.min_quality:g}")
    if asked.max_latency_ms is not None:
        parts.append(f"at most {asked.max_latency_ms:g} ms added")
    if asked.max_usd is not None:
        parts.append(f"at most {money(asked.max_usd)}")
    return f", {', '.join(parts)}" if parts else ""


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _points(fraction: float) -> str:
    """A hundredth of a score is a point."""
    return f"{100 * fraction:.1f}".removesuffix(".0") + (" point" if round(fraction, 3) == 0.01 else " points")


def _added(option: Option) -> str:
    if option.latency_ms is None:
        return "added latency not measured"
    return f"{latency(option)} ms added to a request" if option.latency_ms else "no added latency"
