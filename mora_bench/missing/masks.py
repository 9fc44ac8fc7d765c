"""Which modality a sample lacks: a function of its id, data, split, mechanism, pattern, rate and seed, never of the
method.

A pattern says what may be taken. "complete": nothing. The name of a modality: that one. Names joined by "+": all of
them together. "both": each modality in turn, so that a sample loses exactly one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from mora_bench import registry
from mora_bench.cells.cell import DRAWS_VERSION
from mora_bench.cells.missing import COMPLETE, EACH, Missing
from mora_bench.errors import UserError
from mora_bench.files import digest_json
from mora_bench.missing import by_patient
from mora_bench.missing.by_patient import of_patients
from mora_bench.missing.contract import UNREAD, Context, Known, Mechanism, standard


@dataclass(frozen=True)
class Units:
    """The N samples of one split, as a mechanism may see them.

    Attributes:
        natural: bool [N, M]; modalities: their M names.
        tokens: uint64 [N], a number for each sample from its id (`seeds.tokens`).
        covariates, patients, targets, labels: as in a table, of these samples; may be left empty if nothing reads
            them. Targets are what is scored; a mechanism sees them only where they are one a label (`settled`).
        contents: gives a summary of each content, float [N, M], NaN where there is none; asked only if it is read,
            because pictures must be decoded for it.
        brought: gives what a mask that somebody brought keeps, bool [N, M], by its digest, the unit ("sample" or
            "patient"), the side and the seed; asked only if it is read.
    """

    natural: np.ndarray
    modalities: tuple[str, ...]
    tokens: np.ndarray
    covariates: dict[str, tuple]
    patients: tuple[str, ...]
    targets: np.ndarray
    labels: tuple[str, ...] = ()
    contents: Callable[[], np.ndarray] | None = None
    brought: Callable[[str, str, str, int], np.ndarray] | None = None

    def __len__(self) -> int:
        return len(self.natural)


def mechanism(name: str) -> tuple[Mechanism, str]:
    """The mechanism called `name`, and its argument."""
    kind, _, argument = name.partition(":")
    return registry.get(registry.MECHANISMS, kind)(), argument


def needs_table(missing: Missing) -> bool:
    """Whether drawing masks needs more of the data than presence and the samples' ids."""
    return missing.unit != "sample" or tells(missing)


def tells(missing: Missing) -> bool:
    """Whether what is missing may tell something of a sample, because the mechanism reads something of it."""
    return bool(mechanism(missing.mechanism)[0].reads)


def settled(missing: Missing, dataset: str, known: Known) -> Missing:
    """`missing` completed for a dataset: with the mechanism's version and the digest of what it reads.

    Raises:
        UserError: unknown mechanism, an argument that this dataset does not have, or a strength out of its range.
    """
    process, argument = mechanism(missing.mechanism)
    wrong = process.problem(argument, known) or process.unknown_strength(missing.strength)
    if "targets" in process.reads and not known.labels:
        wrong = "it reads labels, and the targets of this dataset do not say of every sample which are true"
    if wrong:
        raise UserError(f"mechanism {missing.mechanism!r} on {dataset}: {wrong}.")
    digest = ""
    if "covariates" in process.reads and argument:
        digest = digest_json([argument, list(map(str, known.covariates[argument]))])
    kind = missing.mechanism.partition(":")[0]
    version = version_of(kind, missing.unit)
    strength = missing.strength if process.graded else 1.0
    settled_argument = process.settled(argument, known)
    return Missing(
        f"{kind}:{settled_argument}" if argument else missing.mechanism, strength, missing.unit, version, digest
    )


def version_of(kind: str, unit: str) -> str:
    """The version of a mechanism that draws by unit, as a cell holds it.

    Raises:
        UserError: there is no such mechanism.
    """
    return registry.version(registry.MECHANISMS, kind) + (by_patient.VERSION if unit == "patient" else "")


def rated(missing: Missing) -> bool:
    """Whether a mechanism takes something at the rate that it is asked for, rather than at one of its own."""
    return mechanism(missing.mechanism)[0].rated


def rate_of(missing: Missing, pattern: str, modalities: Sequence[str], side: str) -> float:
    """The rate of a mechanism, settled, that has one of its own."""
    process, argument = mechanism(missing.mechanism)
    return process.rate_of(argument, taken(pattern, modalities), side)


def patterns(modalities: Sequence[str]) -> tuple[str, ...]:
    """The patterns that every cell is tested under: complete, each modality missing, the last first, of three or
    more also several together, and "both", each in turn."""
    together = ["+".join(names) for size in range(2, len(modalities)) for names in combinations(modalities, size)]
    return (COMPLETE, *reversed(modalities), *together, EACH)


def taken(pattern: str, modalities: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """The sets of modalities that a pattern takes, as places in `modalities`.

    Raises:
        UserError: not a pattern of these modalities.
    """
    if pattern == COMPLETE:
        return ()
    if pattern == EACH:
        return tuple((m,) for m in range(len(modalities)))
    names = pattern.split("+")
    if not set(names) <= set(modalities) or len(set(names)) < len(names) or len(names) >= len(modalities) > 1:
        known = [COMPLETE, *modalities, EACH]
        joined = f", or some of them joined by +, e.g. {'+'.join(modalities[:2])}" if len(modalities) > 2 else ""
        raise UserError(f"unknown missing pattern {pattern!r}; known: {', '.join(known)}{joined}.")
    return (tuple(sorted(modalities.index(name) for name in names)),)


def mask(units: Units, pattern: str, rate: float, missing: Missing, *, data: str, split: str, seed: int) -> np.ndarray:
    """Draw what is taken from one split.

    Args:
        rate: share of the units that lose something, 0..1.
        data: name and source of the data (`Cell.drawn_by`); split, seed: what else the draw depends on.

    Returns:
        bool [N, M], True where the modality is kept.
    """
    return masks(units, pattern, [rate], missing, data=data, split=split, seed=seed)[0]


def masks(
    units: Units, pattern: str, rates: Sequence[float], missing: Missing, *, data: str, split: str, seed: int
) -> list[np.ndarray]:
    """`mask` at each of several rates, at less cost than one after the other."""
    for rate in rates:
        if not 0 <= rate <= 1:
            raise ValueError(f"missing rate {rate} is outside 0..1")
    sets = taken(pattern, units.modalities)
    if not sets:
        return [np.ones_like(units.natural) for _ in rates]
    process, context, back = _asked(units, sets, missing, (data, split, pattern, seed))
    by_rate = []
    for rate, drawn in zip(rates, process.draws(context, rates, missing.strength), strict=True):
        kept = np.asarray(drawn)
        if kept.shape != context.natural.shape or kept.dtype != bool:
            raise ValueError(
                f"mechanism {missing.mechanism} drew {kept.dtype} {kept.shape}, not bool {context.natural.shape}"
            )
        if process.rated:
            _check_rate(kept, rate, missing)
        by_rate.append(kept[back])
    return by_rate


def chances(
    units: Units, pattern: str, rate: float, missing: Missing, *, data: str, split: str, seed: int
) -> np.ndarray | None:
    """The probability with which `mask`, of the same arguments, takes something from each sample, float [N]; None if
    the mechanism does not know it."""
    sets = taken(pattern, units.modalities)
    if not sets:
        return np.zeros(len(units))
    process, context, back = _asked(units, sets, missing, (data, split, pattern, seed))
    probabilities = process.chance(context, rate, missing.strength)
    return None if probabilities is None else np.asarray(probabilities, float)[back]


def _asked(
    units: Units, sets: tuple[tuple[int, ...], ...], missing: Missing, names: tuple[object, ...]
) -> tuple[Mechanism, Context, np.ndarray]:
    """The mechanism, its context, and the number of each sample's unit, int [N]."""
    process, argument = mechanism(missing.mechanism)
    if wrong := process.unknown_strength(missing.strength):
        raise ValueError(f"mechanism {missing.mechanism}: {wrong}")
    back = np.arange(len(units))
    if missing.unit == "patient":
        units, back = of_patients(units)
    reads = process.reads
    mechanism_names = ("mask", DRAWS_VERSION, missing.mechanism, process.version)
    context = Context(
        natural=units.natural,
        tokens=units.tokens,
        taken=sets,
        argument=argument,
        labels=units.labels,
        modalities=units.modalities,
        names=(*mechanism_names, *names),
        shared=(*mechanism_names, names[0], names[-1]),
        covariates=units.covariates if "covariates" in reads else UNREAD,
        patients=units.patients if "patients" in reads else UNREAD,
        targets=units.targets if "targets" in reads else UNREAD,
        contents=standard(_summaries(units)) if "contents" in reads else UNREAD,
        brought=_brought(units, argument, missing.unit, names) if "brought" in reads else UNREAD,
    )
    return process, context, back


def _check_rate(kept: np.ndarray, rate: float, missing: Missing) -> None:
    """Refuse a mask whose rate is not the one that was asked for: beyond five binomial deviations, which chance exceeds
    once in two million masks (three deviations it exceeds in every third grid of a hundred cells)."""
    lost, n = int((~kept.all(1)).sum()), len(kept)
    if abs(lost - rate * n) > 5 * np.sqrt(n * rate * (1 - rate)) + 1:
        raise ValueError(f"mechanism {missing.mechanism} took something from {lost} of {n}; asked for {rate:.0%}")


def _brought(units: Units, digest: str, unit: str, names: tuple[object, ...]) -> np.ndarray:
    if units.brought is None:
        raise ValueError("the mechanism reads a mask that was brought, and none is known here")
    _, split, _, seed = names
    # Another draw of a mask that is not drawn is the mask.
    return units.brought(digest, unit, str(split).partition(",")[0], int(str(seed)))


def _summaries(units: Units) -> np.ndarray:
    if units.contents is None:
        raise ValueError("the mechanism reads contents, of which nothing is known here")
    return units.contents()
