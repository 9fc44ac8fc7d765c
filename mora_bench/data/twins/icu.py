"""The ICU twin as tables, the same patients under four questions, and as files that `data` reads.

There is no original: no data set that may be shared has films, notes, records and vital signs of the same patients.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from mora_bench import registry
from mora_bench.data.contract import Dataset
from mora_bench.data.modalities.series import Series
from mora_bench.data.presence import pattern_presence
from mora_bench.data.table import Column, Table
from mora_bench.data.twins import film, icu_known, icu_patients
from mora_bench.data.twins.icu_patients import CONDITIONS, MODALITIES, Stay
from mora_bench.errors import UserError

#: Change it whenever a text, label, pixel or value of this twin changes.
VERSION = 1
SAMPLES = 1000
OWN = range(SAMPLES)
#: Grades of severity, by the number of conditions; days by which death is asked for; the cause where there is none.
GRADES, HORIZONS, NO_CAUSE = ("stable", "guarded", "serious", "critical"), (7.0, 14.0, 28.0), "none"
#: The number that patients are drawn by over whom ceilings are taken, which no sample has, and how many there are: the
#: error of a ceiling is then about half a point.
BEYOND, DRAWN = 10_000_000, 6000
#: What `publish` writes into a folder.
WRITTEN = ("stays.csv", "charts.csv", "films")


@dataclass(frozen=True)
class Question:
    """A question about the patients.

    Attributes:
        title, task, labels: in words; a registered task; the C names.
        targets: those of n patients, [n, C] or what else the task's are.
        probabilities: what the posteriors of the conditions, [n, 8], imply for each label, [n, C].
    """

    title: str
    task: str
    labels: tuple[str, ...]
    targets: Callable[[Stay], np.ndarray]
    probabilities: Callable[[np.ndarray], np.ndarray]

    def answers(self, patients: Stay, present: np.ndarray) -> np.ndarray:
        """Logits [n, K] of one who knows all that the modalities `present`, bool [n, 4], tell of n patients."""
        posteriors = icu_known.posteriors(patients, present)
        logits: np.ndarray = registry.made(registry.TASKS, self.task).logits(self.probabilities(posteriors))
        return logits


def _graded(patients: Stay) -> np.ndarray:
    return np.eye(len(GRADES), dtype=np.uint8)[np.minimum(patients.has.sum(1), len(GRADES) - 1)]


def _caused(patients: Stay) -> np.ndarray:
    first = np.pad(patients.has, ((0, 0), (0, 1)), constant_values=True).argmax(1)
    return np.eye(len(CONDITIONS) + 1, dtype=np.uint8)[first]


def _followed(patients: Stay) -> np.ndarray:
    """Days until death, or until the patient went home alive, float64 [n, 2]."""
    return np.stack([np.minimum(patients.death, patients.home), patients.death <= patients.home], 1).astype(float)


#: The questions, by the name of the data set.
QUESTIONS = {
    "icu": Question(
        "which of eight conditions", "multi-label", tuple(CONDITIONS),
        lambda patients: patients.has.astype(np.uint8), np.asarray,
    ),
    "icu-severity": Question(
        "how severe, in four grades", "ordinal", GRADES, _graded,
        lambda chances: icu_known.grades(chances, len(GRADES) - 1),
    ),
    "icu-cause": Question(
        "the most urgent condition", "multi-class", (*CONDITIONS, NO_CAUSE), _caused, icu_known.causes
    ),
    "icu-survival": Question(
        "days until death", f"time-to-event:{','.join(f'{day:g}' for day in HORIZONS)}",
        tuple(f"death by day {day:g}" for day in HORIZONS), _followed,
        lambda chances: icu_known.deaths(chances, HORIZONS),
    ),
}  # fmt: skip


def _rng(index: int, stream: int) -> np.random.Generator:
    """Random numbers of one patient; streams are the patient, and the modalities in order."""
    return np.random.default_rng([0, 7, index, stream])


@lru_cache(maxsize=4096)
def stay(index: int) -> Stay:
    """The patient of a number."""
    return icu_patients.draw(_rng(index, 0))


def stays(numbers: range) -> Stay:
    """The patients of n numbers as one."""
    patients = [stay(i) for i in numbers]
    return Stay(
        **{field.name: np.stack([getattr(patient, field.name) for patient in patients]) for field in fields(Stay)}
    )


@dataclass(frozen=True)
class Film:
    """A film that is drawn when it is read."""

    index: int

    def read(self) -> np.ndarray:
        return film.draw_film(_rng(self.index, 1), icu_patients.findings(stay(self.index)))

    def fingerprint(self) -> str:
        return f"icu {VERSION} film {self.index}"


@dataclass(frozen=True)
class Vitals:
    """Vital signs that are drawn when they are read."""

    index: int

    def read(self) -> Series:
        return icu_patients.vitals(_rng(self.index, 4), stay(self.index))

    def fingerprint(self) -> str:
        return f"icu {VERSION} vitals {self.index}"


def table(name: str, numbers: range = OWN) -> Table:
    """The patients of these numbers under one of `QUESTIONS`."""
    question, patients = QUESTIONS[name], stays(numbers)
    ids = tuple(f"stay {i}" for i in numbers)

    def column(kind: str, modality: str, value: Callable[[int], Any]) -> Column:
        shown = patients.present[:, MODALITIES.index(modality)]
        return Column(kind, tuple(value(i) if yes else None for i, yes in zip(numbers, shown, strict=True)))

    return Table(
        name=name,
        source="twin",
        labels=question.labels,
        ids=ids,
        patients=ids,
        modalities={
            "film": column("image", "film", lambda i: (Film(i),)),
            "note": column("text", "note", lambda i: icu_patients.note(_rng(i, 2), stay(i))),
            "record": column("table", "record", lambda i: icu_patients.record(_rng(i, 3), stay(i))),
            "vitals": column("signal", "vitals", Vitals),
        },
        targets=question.targets(patients),
        covariates={"age": tuple(map(str, patients.age.tolist())), "sex": tuple(icu_patients.sexes(patients.female))},
        task=question.task,
    )


@lru_cache(maxsize=4)
def _drawn(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Targets of many patients, and what can be known of each under every pattern, [n, P, K]."""
    question, patients = QUESTIONS[name], icu_patients.draw(_rng(BEYOND, 0), DRAWN)
    everyone = [np.tile(pattern, (DRAWN, 1)) for pattern in pattern_presence(len(MODALITIES))]
    return question.targets(patients), np.stack([question.answers(patients, shown) for shown in everyone], 1)


def at_most(name: str, shares: Sequence[float]) -> Mapping[str, float]:
    """The scores of one who knows all that is told of many drawn patients, of whom `shares` show each pattern."""
    targets, logits = _drawn(name)
    ends = np.round(np.cumsum(shares) / np.sum(shares) * DRAWN).astype(int)
    pattern = np.searchsorted(ends, np.arange(DRAWN), side="right")
    scores = registry.made(registry.TASKS, QUESTIONS[name].task).attainable(targets, logits[np.arange(DRAWN), pattern])
    return {metric: value for metric, value in scores.items() if isinstance(value, float)}


def _nowhere(root: Path) -> None:
    """There is no original to be found."""


def _unread(root: Path) -> Table:
    raise UserError(f"{root}: icu is a twin without an original. Leave --data-root out.")


def _dataset(name: str) -> Dataset:
    drawn = partial(table, name)
    return Dataset(
        f"a drawn intensive care unit: film, note, record, vital signs; {QUESTIONS[name].title}",
        _nowhere,
        _unread,
        drawn,
        more=drawn,
        # Of labels one by one what can be known has a closed form.
        known=icu_known.known if name == "icu" else None,
        at_most=None if name == "icu" else partial(at_most, name),
        population="icu",
    )


ICU, ICU_SEVERITY, ICU_CAUSE, ICU_SURVIVAL = map(_dataset, QUESTIONS)


def publish(folder: Path, samples: int) -> None:
    """Write the twin as files that `data` reads: stays.csv, charts.csv with a row an hour, and films/."""
    (folder / "films").mkdir(parents=True, exist_ok=True)
    tables = {name: table(name, range(samples)) for name in QUESTIONS}
    values = {name: column.values for name, column in tables["icu"].modalities.items()}
    grades, causes = (
        np.array(tables[name].labels)[tables[name].targets.argmax(1)] for name in ("icu-severity", "icu-cause")
    )
    rows, charts = [], []
    for i in range(samples):
        picture = f"films/{i}.png" if values["film"][i] else ""
        if picture:
            Image.fromarray(Film(i).read()).save(folder / picture)
        record = values["record"][i] or dict.fromkeys(["age", "sex", *icu_patients.LABS])
        conditions = dict(zip(CONDITIONS, tables["icu"].targets[i].tolist(), strict=True))
        days, died = tables["icu-survival"].targets[i]
        rows.append({
            "stay": i, "film": picture, "note": values["note"][i] or "", **record, **conditions, "cause": causes[i],
            "grade": grades[i], "days": f"{days:g}", "died": int(died),
        })  # fmt: skip
        if values["vitals"][i]:
            series = Vitals(i).read()
            hours = pd.DataFrame(series.values, columns=list(series.channels)).round(2)
            charts.append(hours.assign(stay=i, hour=range(len(hours))))
    pd.DataFrame(rows).to_csv(folder / "stays.csv", index=False)
    pd.concat(charts)[["stay", "hour", *icu_patients.VITALS]].to_csv(folder / "charts.csv", index=False)
