"""A clinic's table, made up: 400 visits of 250 patients, with whatever such a table lacks."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

FINDINGS = ("normal", "drusen", "oedema", "tear")
#: The last one is rare.
SHARES = (0.5, 0.3, 0.17, 0.03)
MEASURED = ("age", "pressure", "acuity", "glucose", "weight", "pulse")


def write(folder: Path, visits: int = 400, patients: int = 250, seed: int = 0) -> None:
    """visits.csv with its pictures, and new.csv: 30 visits without labels, in the same layout."""
    rng = np.random.default_rng(seed)
    (folder / "pictures").mkdir(parents=True)
    whose = rng.permutation(np.concatenate([np.arange(patients), rng.integers(0, patients, visits - patients)]))
    side = rng.choice(["train", "valid", "test"], patients, p=[0.7, 0.1, 0.2])
    rows = [_visit(folder, f"v{i}", int(patient), str(side[patient]), rng) for i, patient in enumerate(whose)]
    pd.DataFrame(rows).to_csv(folder / "visits.csv", index=False)
    new = [_visit(folder, f"n{i}", patients + i, "", rng) for i in range(30)]
    pd.DataFrame(new).drop(columns=["finding", "left", "right", "split"]).to_csv(folder / "new.csv", index=False)


def _visit(folder: Path, name: str, patient: int, side: str, rng: np.random.Generator) -> dict[str, str]:
    kind = int(rng.choice(len(FINDINGS), p=SHARES))
    row = {"visit": name, "patient": f"p{patient}", "site": "north" if patient % 3 else "south", "split": side}
    # Bright pictures, words and numbers that tell of the finding, each only in part.
    for column, size in (("fundus", (60, 80)), ("oct", (48, 96))):
        row[column] = ""
        if rng.random() < 0.85:
            row[column] = f"{name}-{column}.png"
            grey = rng.normal(70 + 35 * kind, 25, size).clip(0, 255).astype(np.uint8)
            Image.fromarray(grey).convert("RGB").save(folder / "pictures" / row[column])
    note = f"seen for {FINDINGS[kind]}" if rng.random() < 0.5 else "routine visit"
    row["note"] = note if rng.random() < 0.6 else ""
    for k, column in enumerate(MEASURED):
        row[column] = f"{rng.normal(50 + 5 * k + 3 * kind, 10):.1f}" if rng.random() < 0.8 else ""
    row["age"] = row["age"] or "60"
    row["finding"] = FINDINGS[kind]
    row["left"], row["right"] = str(int(kind in (1, 3))), str(int(kind in (2, 3)))
    return row
