"""A single verb outside a run: translate one file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from crossfare import data, translate
from crossfare.errors import BudgetExceeded, ConfigError, DataError, PriceError
from crossfare.experiment.charges import DEVICE, Charge, Charged, purse
from crossfare.experiment.engines import make_engine
from crossfare.experiment.estimates import Estimate, estimate
from crossfare.experiment.files import memory_of
from crossfare.experiment.quality import corresponding, score_dataset
from crossfare.languages import language_tag
from crossfare.ledger import Catalogue, Price
from crossfare.ledger.book import COMPUTE
from crossfare.ledger.budget import Budget, shown
from crossfare.output import claim
from crossfare.report.translation import lint_lines, outcome_lines, score_line
from crossfare.score import translation
from crossfare.store import Store, write_json
from crossfare.strict import read_json
from crossfare.tasks import task_named
from crossfare.translate import attention
from crossfare.translate.engines import default_offer
from crossfare.translate.engines.hosts import host_of, leaves
from crossfare.translate.engines.remote import RemoteEngine
from crossfare.translate.projection import abilities, default_projection
from crossfare.types import Dataset, Engine, Progress


def translate_file(
    file: str | Path,
    out: str | Path,
    *,
    task: str,
    source: str,
    target: str,
    engine: str,
    model: str | None = None,
    max_usd: Decimal | None = None,
    agree: Callable[[Estimate], None] | None = None,
    progress: Progress | None = None,
    force: bool = False,
    strict: bool = False,
    **further: Any,
) -> tuple[str, ...]:
    """Translate a dataset file into ``out``, in the format of the input; returns a report in plain lines.

    What `FileTranslation` does; ``model`` is short for an option of engines that load one, and
    ``further`` are the other arguments of `FileTranslation.prepare`.

    Raises:
        CrossfareError: bad input, an unknown engine or option, or nothing survived.
        BudgetExceeded: the next request would pass ``max_usd``; what was answered is kept.
    """
    options = {**further.pop("options", {}), **({"model": model} if model else {})}
    work = FileTranslation.prepare(
        file, task=task, source=source, target=target, engine=engine, options=options, **further
    )
    return work.run(out, max_usd=max_usd, agree=agree, progress=progress, force=force, strict=strict)


@dataclass(frozen=True, slots=True)
class FileTranslation:
    """A dataset file to translate: `prepare` it, see what it will take, and `run` it.

    ``charge`` prices the engine's requests; it is None where device time is billed, by ``compute``. ``reads`` are the
    files and folders that it is made from.
    """

    file: Path
    loaded: data.Loaded
    target: str
    engine: Engine
    memory: translate.TranslationMemory
    markers: translate.Markers | None
    projection: translate.Projection
    charge: Charge | None
    compute: Price
    reads: tuple[str | Path, ...]
    reference: Dataset | None = None
    drop_bad: bool = False

    @classmethod
    def prepare(
        cls,
        file: str | Path,
        *,
        task: str,
        source: str,
        target: str,
        engine: str,
        options: Mapping[str, Any] | None = None,
        markers: Sequence[str] = (),
        projection: str | None = None,
        aligner: str | None = None,
        threshold: float = 0.0,
        limit: int | None = None,
        price: str | None = None,
        price_files: Sequence[str | Path] = (),
        reference: str | Path | None = None,
        drop_bad: bool = False,
        reading: Mapping[str, Any] | None = None,
    ) -> FileTranslation:
        """Load the file and make the engine; nothing is sent.

        Args:
            options: the engine's own (see its class).
            markers: the two delimiters round an answer.
            projection: how answers are carried into the translated context (see `chosen_projection`).
            aligner: the encoder that aligns words, where the projection needs one.
            threshold: drop answers found with less confidence (0-1).
            limit: take the first examples only.
            price: the offer that bills the engine, or "compute" for device time; by default the engine's own, if any.
            price_files: further price records.
            reference: the same dataset in the target language, with the same ids; BLEU and chrF are then reported.
            drop_bad: drop what lint finds fault with.
            reading: what is said of the columns, labels and separator of the files (see `data.load`).

        Raises:
            CrossfareError: bad input, an unknown engine, option or offer.
        """
        task_named(task)
        if markers and len(markers) != 2:
            raise ConfigError("--markers takes two delimiters separated by a comma, such as '<a>,</a>'")
        source, target, told = language_tag(source), language_tag(target), reading or {}
        if reference:
            translation.check(target=target)
        made = make_engine(engine, dict(options or {}), trusted=True)
        catalogue = Catalogue.load(price_files)
        loaded = data.load(file, task=task, language=source, limit=limit, **told)
        beside = data.load(reference, task=task, language=target, **told).dataset if reference else None
        if beside:
            corresponding(loaded.dataset, beside)
        offer = DEVICE if price == COMPUTE else price or _default_offer(engine, options or {})
        return cls(
            file=Path(file),
            loaded=loaded,
            target=target,
            engine=made,
            memory=memory_of(Store()),
            markers=translate.Markers(*markers) if markers else None,
            projection=chosen_projection(made, projection, aligner, threshold, markers_named=bool(markers)),
            charge=Charge.by(catalogue, offer),
            compute=catalogue.get(offer),
            reads=_reads(file, reference, *price_files, aligner, *(options or {}).values()),
            reference=beside,
            drop_bad=drop_bad,
        )

    def estimate(self) -> Estimate:
        """What it will take, given what the translation memory has; nothing is sent."""
        return estimate(
            self.loaded.dataset,
            self.engine,
            self.charge,
            target=self.target,
            memory=self.memory,
            markers=self.markers,
            projection=self.projection,
            compute=self.compute,
        )

    def run(
        self,
        out: str | Path,
        *,
        max_usd: Decimal | None = None,
        agree: Callable[[Estimate], None] | None = None,
        progress: Progress | None = None,
        force: bool = False,
        strict: bool = False,
        tell: Callable[[str], None] | None = None,
    ) -> tuple[str, ...]:
        """Translate, and write the result in the format of the input; returns a report in plain lines.

        A format that is only read (parquet, the hub) is left for that of the suffix of ``out``. What was lost is
        listed in ``<out>.lost.json`` as well, how answers were found in ``<out>.answers.json``.
        Nothing is translated twice: answered texts are in the translation memory of the cache.

        Args:
            max_usd: the most that may be spent on requests now.
            agree: called with the estimate before requests that have to be paid, or that leave this machine; raises
                if it is too much.
            force: replace ``out`` and its lists if they are there already.
            strict: stop at the first text that the engine cannot translate, instead of listing it.
            tell: told what was done before an error, and what was spent on requests, however the work ends.

        Raises:
            ConfigError: ``out`` is read here, or there already (see `output.claim`); nothing was sent.
            DataError: nothing survived.
            EngineError: the engine could do nothing at all.
            BudgetExceeded: the next request would pass ``max_usd``; what was answered is kept.
        """
        out = Path(out)
        lists = _lists(out)
        for path in (out, *lists):
            claim(path, reads=self.reads, force=force or (not out.exists() and _is_list(path)))
        same_format = data.same_format(self.loaded, out)
        if max_usd is not None and self.charge is None:
            raise ConfigError(f"a limit is for paid requests, but {self.compute.ref} bills device time; name a --price")
        if agree and (self.charge or leaves(host_of(self.engine))) and (estimated := self.estimate()).sends:
            if isinstance(self.engine, RemoteEngine) and self.engine.offered:  # known here, and not to be asked for
                self.engine.check_pair(self.loaded.dataset.language, self.target)
            agree(estimated)
        with purse(max_usd, tell) as budget, _telling(tell, self.memory.path, progress) as counted:
            made = self._translate(budget, counted, strict=strict)
            if not made.dataset.examples:
                raise DataError(
                    f"{self.file}: no example survived translation by {self.engine.name}; "
                    f"first loss: {made.report.lost[0].reason}"
                )
        listed = _write_lists(made, *lists)
        data.save(made.dataset, out, same_format)  # last: while it is missing, the translation is not done
        lines = [
            *self.loaded.report.summary(),
            *outcome_lines(made),
            *self._paid(made),
            *lint_lines(made.report.lint),
            f"written: {out}",
        ]
        if self.reference:
            scores = score_dataset(made.dataset, self.reference, target=self.target, source=self.loaded.dataset)
            lines += [score_line(score) for score in scores]
        return (*lines, *listed)

    def _paid(self, made: translate.TranslatedDataset) -> tuple[str, ...]:
        if self.charge is None:
            return ()
        try:
            all_of_it, now = (shown(self.charge.usd(each)) for each in (made.usage, made.report.fresh_usage))
        except PriceError as unknown:  # such as an endpoint that reports no tokens
            return (f"cost: unknown ({unknown})",)
        return (f"cost: {all_of_it} USD, {now} of it now ({self.charge.price.ref})",)

    def _translate(self, budget: Budget, progress: Progress, *, strict: bool) -> translate.TranslatedDataset:
        engine = self.engine
        return translate.translate_dataset(
            self.loaded.dataset,
            Charged(engine, replace(self.charge, budget=budget)) if self.charge else engine,
            target=self.target,
            memory=self.memory,
            markers=self.markers,
            projection=self.projection,
            drop_bad=self.drop_bad,
            progress=progress,
            strict=strict,
        )


@contextmanager
def _telling(tell: Callable[[str], None] | None, memory: Path, progress: Progress | None) -> Iterator[Progress]:
    """Say how much was done if an error ends it; what is yielded is called as it goes on."""
    done = total = 0

    def counted(now: int, of: int) -> None:
        nonlocal done, total
        done, total = now, of
        if progress:
            progress(now, of)

    try:
        yield counted
    except BaseException as error:
        if tell and 0 < done < total and not isinstance(error, BudgetExceeded):  # which says so itself
            tell(f"stopped: {done:,} of {total:,} texts are done, and kept in {memory}; run it again to go on")
        raise


def _lists(out: Path) -> tuple[Path, Path]:
    """The files beside a translation that list what was lost, and how answers were found."""
    return out.with_name(f"{out.name}.lost.json"), out.with_name(f"{out.name}.answers.json")


def _write_lists(made: translate.TranslatedDataset, lost: Path, answers: Path) -> list[str]:
    """Write the lists, and say what they hold; one of an earlier translation that would say nothing now is removed."""
    losses = [{"id": each.id, "reason": each.reason, "translated": each.excerpt} for each in made.report.lost]
    found = [asdict(answer) for answer in made.report.answers]
    told = []
    for path, items, what in (
        (lost, losses, "lost examples, with reasons"),
        (answers, found, "how each answer was found, and how sure that is"),
    ):
        if items:
            write_json(path, items)
            told.append(f"{what}: {path}")
        elif _is_list(path):
            path.unlink()
    return told


def _is_list(path: Path) -> bool:
    """Whether a file is such a list: one beside no translation was left by one that was stopped."""
    try:
        items = read_json(path)
    except DataError:
        return False
    listed = isinstance(items, list) and all(isinstance(item, dict) for item in items)
    return listed and all("id" in item and item.keys() & {"reason", "method"} for item in items)


def _reads(*given: Any) -> tuple[str | Path, ...]:
    """What may be a file or folder among what was given."""
    return tuple(each for each in given if isinstance(each, (str, Path)))


def chosen_projection(
    engine: Engine, method: str | None, aligner: str | None, threshold: float, *, markers_named: bool
) -> translate.Projection:
    """The projection that was asked for, or the default for the engine and what else was said.

    Raises:
        ConfigError: there is no such method, or the threshold is no confidence.
    """
    if method is None:
        chosen = default_projection(abilities(engine), aligner=aligner, markers_named=markers_named)
    else:
        chosen = translate.Projection(cast("Any", method), aligner or attention.NAME)
    return replace(chosen, threshold=threshold)


def _default_offer(engine: str, options: Mapping[str, Any]) -> str:
    try:
        return default_offer(engine, options) or DEVICE
    except ValueError as error:
        raise ConfigError(str(error)) from None
