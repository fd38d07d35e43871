"""What a step will use: what it sends, as it was counted, and seconds by the rate of its work."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from crossfare.experiment.billing import offers_of
from crossfare.experiment.forecast import billed_tokens, latencies
from crossfare.experiment.forecast.basis import Basis, made_on, same_hardware
from crossfare.experiment.forecast.billed_tokens import TokensTold
from crossfare.experiment.forecast.counting import Counter
from crossfare.experiment.forecast.rates import PROMPT, TOKENS, Rate, Rates, elsewhere, widened
from crossfare.experiment.spec import Spec
from crossfare.experiment.stages import STAGES, keys_of
from crossfare.experiment.stages.work import LEVELS, Level, Work
from crossfare.ledger import Catalogue
from crossfare.translate.engines import declared
from crossfare.types import Step, Usage

Usages = Mapping[Level, Usage]


@dataclass(frozen=True, slots=True)
class StepForecast:
    """What one step will use, at the least, as expected and at the most.

    ``unit`` and ``amount`` are the work that ``rate`` is per; ``lacking`` says what to state where the
    seconds cannot be told. ``bound`` is the most that can be billed, where that is known.
    """

    step: Step
    resources: tuple[str, ...]
    usages: Mapping[Level, Usage]
    exact: bool
    unit: str = ""
    amount: float = 0.0
    rate: Rate | None = None
    source: str = ""
    lacking: str = ""
    note: str = ""
    bound: Usage | None = None


class StepUsage:
    """Forecasts the usage of the steps of a spec.

    Args:
        steps: every step of the plan, by id.
        names: what the spec calls the engine or the model of a step, by the step's id.
        hardware: what the run will work on, as its usage will name it.
    """

    def __init__(
        self,
        spec: Spec,
        basis: Basis,
        catalogue: Catalogue,
        rates: Rates,
        *,
        steps: Mapping[str, Step],
        names: Mapping[str, str],
        hardware: str,
    ) -> None:
        self.spec = spec
        self.basis = basis
        self.catalogue = catalogue
        self.rates = rates
        self.steps = steps
        self.names = names
        self.hardware = hardware

    def of(self, step: Step, resources: tuple[str, ...], counter: Counter, without: Collection[str]) -> StepForecast:
        """What a step will use; nothing that the steps ``without`` tell is looked at."""
        work, by_time = counter.work(step), self._by_time(resources)
        if work.timing and not by_time:
            characters = round(work.amounts["character"] * work.billed * latencies.most_requests(work.timing))
            work = replace(work, characters=characters, exact=False, note="timed as often as it may be")
        usages: Usages = {level: work.usage(level) for level in LEVELS}
        source = work.source
        if work.characters is not None and any(self._unit(name) == "token" for name in resources):
            usages, source = self._with_tokens(step, work, counter, without)
        if by_time:
            return self._timed(step, resources, usages, work, source, without)
        return self._counted(step, resources, usages, work, source)

    def _by_time(self, resources: Sequence[str]) -> bool:
        return any(self._unit(name) == "device-hour" for name in resources)

    def _unit(self, resource: str) -> str:
        offer = offers_of(self.spec).get(resource, self.spec.prices.compute)
        return self.catalogue.get(self.spec.prices.compute if offer == "compute" else offer).unit

    def _counted(self, step: Step, resources: tuple[str, ...], usages: Usages, work: Work, source: str) -> StepForecast:
        unit, used = self._unit(resources[0]), usages["expected"]
        billed = {"character": used.characters, "example": used.annotated, "token": used.input_tokens}.get(unit)
        lacking = "" if billed is not None else f"{step.label}: its offer bills by the {unit}, which is not forecast"
        exact, amount = work.exact and unit != "token", float(billed or 0)
        return StepForecast(
            step,
            resources,
            usages,
            exact,
            unit,
            amount,
            source=source,
            lacking=lacking,
            note=work.note,
            bound=work.bound,
        )

    def _with_tokens(self, step: Step, work: Work, counter: Counter, without: Collection[str]) -> tuple[Usages, str]:
        """What is sent, in tokens too, and where their number is from."""
        answers = STAGES[step.stage].answers
        measured = [
            TokensTold(each.id, used.input_tokens / used.characters, used.output_tokens / used.characters, where)
            for each, used, where in self.basis.measurements.translated[str(step.params["engine"]["name"])]
            if each.id not in without and STAGES[each.stage].answers == answers
            if used.characters and used.input_tokens and used.output_tokens is not None
        ]
        stretch = counter.stretches.get((str(step.params["source"]), str(step.params["target"])), 1.0)
        usages, source = {}, ""
        for index, level in enumerate(LEVELS):
            sent = work.usage(level)
            characters, requests = sent.characters or 0, sent.requests or 0
            found = billed_tokens.forecast(characters, requests, stretch, measured, self._stated_tokens(step))
            usages[level] = replace(sent, input_tokens=found.read[index], output_tokens=found.written[index])
            source = found.source
        return usages, source

    def _stated_tokens(self, step: Step) -> dict[str, Rate]:
        """What is stated of tokens, of the step's engine or of all."""
        stated, name = self.basis.stated, self.names.get(step.id, "")
        found = {key: stated.get(f"{key}:{name}") or stated.get(key) for key in (TOKENS, PROMPT)}
        return {key: rate for key, rate in found.items() if rate is not None}

    def _timed(
        self,
        step: Step,
        resources: tuple[str, ...],
        usages: Usages,
        work: Work,
        source: str,
        without: Collection[str],
    ) -> StepForecast:
        name = self.names.get(step.id, "")
        stage = STAGES[step.stage]
        own = keys_of(step, self.steps.get)
        if work.timing and (called := self._calls(step, own, without)):
            whole = called.rate(step, work.amounts["character"])
            if others := [name for name in called.machines if elsewhere(name, self.rates.machine)]:
                whole = widened(whole, others)
            return self._at(step, resources, usages, replace(work, amounts={"step": 1.0}), whole)
        rate = self.rates.find(step, name, own, self.hardware, without, units=work.amounts)
        own_time = self._unit(resources[0]) == "device-hour"  # not a provider's, whose seconds nobody pays
        if rate is None and stage.else_like and step.params["engine"] and own_time:
            alike = replace(step, stage=stage.else_like)
            own = keys_of(alike, self.steps.get)
            rate = self.rates.find(alike, name, own, self.hardware, without, units=work.amounts)
        if rate is not None and rate.offer and name in self.spec.engines and not self._translates(step):
            rate = None  # what is given back or looked up is not what the paper timed
        if rate is None and not own_time:
            return self._counted(step, resources[:1], usages, work, source)
        if work.lacking or rate is None or rate.unit not in work.amounts:
            return self._unknown(step, resources, usages, work)
        if rate.offer and same_hardware(rate.offer, self.spec.prices.compute):
            rate = replace(rate, offer=None)
        return self._at(step, resources, usages, work, rate)

    def _calls(self, step: Step, own: Sequence[str], without: Collection[str]) -> latencies.Calls | None:
        """What a call of the step's engine takes, as other timings of it tell; what the user states comes first."""
        name = self.names.get(step.id, "")
        if {step.stage, f"{step.stage}:{name}"} & set(self.rates.stated):
            return None
        known = [
            timed
            for timed in self.basis.measurements.latencies
            if timed.step.id not in without and all(made_on(each["hardware"], self.hardware) for each in timed.found)
        ]
        for level, key in enumerate(own):
            alike = [timed for timed in known if keys_of(timed.step)[level] == key]
            if (found := latencies.Calls.of(alike)) is not None:
                return found
        return None

    def _at(self, step: Step, resources: tuple[str, ...], usages: Usages, work: Work, rate: Rate) -> StepForecast:
        amounts = {level: self._amount(work, rate, level) for level in LEVELS}
        read = work.amounts.get("token")
        timed = {
            level: replace(
                usages[level],
                seconds=rate.fixed + amounts[level] * getattr(rate, level),
                hardware=rate.offer or self.hardware,
                input_tokens=usages[level].input_tokens if read is None else round(read),
            )
            for level in LEVELS
        }
        if rate.offer:
            resources = (f"compute ({rate.offer})",)
        amount = amounts["expected"]
        return StepForecast(step, resources, timed, work.exact, rate.unit, amount, rate, rate.source, note=work.note)

    def _translates(self, step: Step) -> bool:
        engine = self.spec.engines[self.names[step.id]].engine
        return bool(step.params["engine"]) and declared(engine).translates

    def _amount(self, work: Work, rate: Rate, level: Level) -> float:
        amount = work.amounts[rate.unit]
        if rate.unit == "character":
            amount *= work.share(level)
        if not work.timing or rate.unit == "step":
            return amount
        return amount * latencies.requests(work.timing, amount * getattr(rate, level))

    def _unknown(self, step: Step, resources: tuple[str, ...], usages: Usages, work: Work) -> StepForecast:
        unit = STAGES[step.stage].unit
        name = self.names.get(step.id, "")
        what = f"{step.stage}:{name}" if name else step.stage
        if work.lacking:
            lacking = (
                f"{what} on {self.hardware}: {work.lacking} are not known; give --rate {TOKENS}=0.25 or so, "
                "or --from a run of this model"
            )
        else:
            lacking = (
                f"{what} on {self.hardware}: no rate is measured or published; give --rate {what}=SECONDS "
                f"(per {unit}), or --from a run that has it"
            )
        amount = work.amounts.get(unit, 0.0)
        return StepForecast(step, resources, usages, work.exact, unit, amount, lacking=lacking, note=work.note)
