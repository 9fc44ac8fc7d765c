"""The ICU twin: what is wrong with a patient, and what a film, a note, a record and the vital signs tell of it.

A patient has each of eight conditions or not, independently. Every condition has a modality of its own, which tells of
it with probability `noise.OWN`; each of the others tells with `OTHER`, and of a condition that is not there any tells
with `FALSE`. A film shows a mark, a note says a sentence, a laboratory value or a vital sign lies far out. Where that
value or vital sign was not measured (`UNMEASURED`) the modality says nothing of the condition.

Modalities are absent by nature (`ABSENT`), vital signs have gaps, and neither depends on what is wrong. The film and
the sentences are those of the CXR twin, so that a network that was trained on it can read them.
"""

from dataclasses import dataclass

import numpy as np

from mora_bench.data.modalities.series import Series
from mora_bench.data.twins import cxr_patients
from mora_bench.data.twins.noise import telling

MODALITIES = ("film", "note", "record", "vitals")
#: The probability that a modality tells of a condition that is not there.
FALSE = 0.01
#: The probability that a laboratory value or a vital sign was not measured, and that a patient lacks a modality.
UNMEASURED = 0.1
ABSENT = {"film": 0.2, "note": 0.1, "record": 0.05, "vitals": 0.1}
#: Hours of vital signs, from least to greatest; the share of hours that were missed; a drift begins in the middle.
HOURS, MISSED = (24, 48), 0.3
#: Deviations by which a value lies out that tells of a condition.
OUT = 5.0
#: Deaths a day without a condition; days after which a patient is sent home, at the earliest, and at the latest.
HAZARD, HOME = 0.004, (7.0, 40.0)


@dataclass(frozen=True)
class Condition:
    """A condition that a patient may have.

    Attributes:
        rate: its probability; modality: the one that tells of it most.
        finding: of the film and the note, a name in `cxr_patients.FINDINGS`.
        lab, vital: names of the laboratory value and the vital sign; low: whether these are then low.
        risk: the log of the factor by which it raises the hazard of death.
    """

    rate: float
    modality: str
    finding: str
    lab: str
    vital: str
    low: tuple[bool, bool]
    risk: float


#: In the order of urgency: the first one that a patient has is the cause of the stay.
CONDITIONS = {
    "sepsis": Condition(0.16, "vitals", "Opacity", "lactate", "sbp", (False, True), 1.8),
    "hypoxia": Condition(0.2, "vitals", "Lung", "pco2", "spo2", (False, True), 1.0),
    "infarction": Condition(0.14, "note", "Aorta", "troponin", "hr", (False, False), 1.2),
    "bleeding": Condition(0.12, "record", "Density", "haemoglobin", "cvp", (True, True), 1.4),
    "pneumonia": Condition(0.24, "note", "Airspace Disease", "crp", "temp", (False, False), 0.6),
    "renal failure": Condition(0.18, "record", "Markings", "creatinine", "urine", (False, True), 0.8),
    "heart failure": Condition(0.22, "film", "Cardiomegaly", "bnp", "rr", (False, False), 0.5),
    "effusion": Condition(0.26, "film", "Pleural Effusion", "albumin", "etco2", (True, False), 0.3),
}
#: Mean and deviation, over patients, of each laboratory value and vital sign.
LABS = {
    "lactate": (1.2, 0.3), "pco2": (40.0, 2.0), "troponin": (10.0, 3.0), "haemoglobin": (13.5, 0.9),
    "crp": (8.0, 3.0), "creatinine": (0.9, 0.15), "bnp": (60.0, 20.0), "albumin": (4.0, 0.25),
}  # fmt: skip
VITALS = {
    "sbp": (122.0, 7.0), "spo2": (97.5, 0.6), "hr": (78.0, 6.0), "cvp": (8.0, 0.9),
    "temp": (36.9, 0.25), "urine": (75.0, 9.0), "rr": (15.0, 1.6), "etco2": (37.0, 1.8),
}  # fmt: skip


@dataclass(frozen=True)
class Stay:
    """One patient; or n, and then every attribute has a first dimension of n.

    Attributes:
        has: bool [8], the conditions.
        tells: bool [8, 4], whether each modality tells of each; measured: bool [8, 4], whether it says anything of it.
        present: bool [4], which modalities there are.
        death, home: days until death, and until the patient leaves alive; the earlier one is seen.
        age, female: of the record, and tell nothing.
    """

    has: np.ndarray
    tells: np.ndarray
    measured: np.ndarray
    present: np.ndarray
    death: np.ndarray
    home: np.ndarray
    age: np.ndarray
    female: np.ndarray


def shares(condition: Condition) -> np.ndarray:
    """The probability that each modality tells of a condition that is there, float [4]."""
    return np.array([telling(name == condition.modality, None) for name in MODALITIES])


def draw(rng: np.random.Generator, *n: int) -> Stay:
    """Draw one patient, or n; `rng` is the only source of randomness."""
    conditions = list(CONDITIONS.values())
    has = rng.random((*n, len(conditions))) < [condition.rate for condition in conditions]
    chance = np.where(has[..., None], np.stack([shares(condition) for condition in conditions]), FALSE)
    tells = rng.random(chance.shape) < chance
    always = np.array([name in ("film", "note") for name in MODALITIES])
    measured = (rng.random(chance.shape) >= UNMEASURED) | always
    present = rng.random((*n, len(MODALITIES))) >= [ABSENT[name] for name in MODALITIES]
    # Who would have nothing has a note.
    present[..., MODALITIES.index("note")] |= ~present.any(-1)
    hazard = HAZARD * np.exp(has @ np.array([condition.risk for condition in conditions]))
    # In tenths of a day, rounded up; nobody dies before the first.
    death, home = (np.ceil(10 * days) / 10 for days in (rng.exponential(1 / hazard), rng.uniform(*HOME, n)))
    return Stay(has, tells & measured, measured, present, death, home, rng.integers(25, 90, n), rng.random(n) < 0.5)


def sexes(female: np.ndarray) -> list[str]:
    return ["f" if yes else "m" for yes in female]


def findings(patient: Stay) -> frozenset[str]:
    """The findings that the film shows."""
    tells = patient.tells[:, MODALITIES.index("film")]
    return frozenset(condition.finding for condition, yes in zip(CONDITIONS.values(), tells, strict=True) if yes)


def note(rng: np.random.Generator, patient: Stay) -> str:
    """A sentence for each condition that the note tells of, in any order, and one that says nothing."""
    tells = patient.tells[:, MODALITIES.index("note")]
    sentences = [
        cxr_patients.say(rng, condition.finding, 1)
        for condition, yes in zip(CONDITIONS.values(), tells, strict=True)
        if yes
    ]
    sentences.append(
        str(rng.choice(cxr_patients.CLOSING[1:])) if not sentences else "Clinical correlation recommended."
    )
    rng.shuffle(sentences)
    return " ".join(sentences)


def record(rng: np.random.Generator, patient: Stay) -> dict[str, float | str | None]:
    """Age, sex and the laboratory values, None where one was not measured."""
    cells: dict[str, float | str | None] = {"age": int(patient.age), "sex": sexes(patient.female[None])[0]}
    at = MODALITIES.index("record")
    for number, condition in enumerate(CONDITIONS.values()):
        mean, deviation = LABS[condition.lab]
        out = OUT * (-1 if condition.low[0] else 1) * patient.tells[number, at]
        value = max(mean + deviation * (rng.normal() + out), 0.01)
        cells[condition.lab] = float(f"{value:.3g}") if patient.measured[number, at] else None
    return cells


def vitals(rng: np.random.Generator, patient: Stay) -> Series:
    """Vital signs by the hour. One that tells of a condition drifts away from the middle of the stay on."""
    hours, at = int(rng.integers(*HOURS, endpoint=True)), MODALITIES.index("vitals")
    time = np.arange(hours)
    drift = np.clip((time - hours / 2) / (hours / 8), 0, 1)
    columns = []
    for number, condition in enumerate(CONDITIONS.values()):
        mean, deviation = VITALS[condition.vital]
        out = OUT * (-1 if condition.low[1] else 1) * patient.tells[number, at]
        series = mean + deviation * (rng.normal() / 2 + rng.normal(size=hours) / 2 + out * drift)
        missed = (rng.random(hours) < MISSED) | (not patient.measured[number, at])
        columns.append(np.where(missed, np.nan, series))
    values = np.stack(columns, 1).astype(np.float32)
    return Series(np.round(values, 2), 1 / 3600, tuple(condition.vital for condition in CONDITIONS.values()))
