"""What generators of missing data take of one table, audited by us: the table of docs/tools.md.

    python benchmarks/as_others_mask.py

The table is made here: 2,000 patients with two modalities, each summed up by one number ("text", "image"), an age that
is correlated with the text, and a label that depends on both numbers. Every generator that is installed is asked to
take 30 %, with whatever else at its defaults, and ours beside them. Whoever wants to use one writes what it kept to a
file for `--mechanism mask:FILE` (docs/own.md). mdatagen 0.2.0 needs setuptools below 81, missmecha-py 0.1.2 IPython.
"""

import datetime
import logging
import sys
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import pandas as pd

from mora_bench import seeds
from mora_bench.cells.missing import Missing
from mora_bench.missing.effects import odds_ratios
from mora_bench.missing.masks import Units, mask

N, RATE = 2000, 0.3
MODALITIES = ("text", "image")
#: What each modality's loss is held against: the label, the age, what is hidden, and what the other modality holds.
TRAITS = ("label", "age", "itself", "the other")
PACKAGES = {
    "pyampute": "pyampute", "mdatagen": "mdatagen", "pygrinder": "pygrinder", "missmecha": "missmecha-py",
    "imml": "iMML",
}  # fmt: skip
#: A generator: of a table the mask of what it keeps, bool [N, 2].
Kept = Callable[[pd.DataFrame], np.ndarray]


def table() -> pd.DataFrame:
    """The data that are to lose something: text, image, age, label."""
    rng = np.random.default_rng(0)
    text, image = rng.normal(size=(2, N))
    age = 60 + 10 * (0.5 * text + 0.75**0.5 * rng.normal(size=N))
    label = (rng.random(N) < 1 / (1 + np.exp(-(text + image)))).astype(int)
    return pd.DataFrame({"text": text, "image": image, "age": age, "label": label})


def _units(data: pd.DataFrame) -> Units:
    return Units(
        natural=np.ones((len(data), 2), bool),
        modalities=MODALITIES,
        tokens=seeds.tokens(f"row {i}" for i in range(len(data))),
        covariates={"age": tuple(data["age"])},
        patients=tuple(f"row {i}" for i in range(len(data))),
        targets=data[["label"]].to_numpy(np.uint8),
        labels=("label",),
        contents=lambda: data[list(MODALITIES)].to_numpy(float),
    )


def ours() -> dict[str, Kept]:
    """Our mechanisms, at the pattern that takes each modality in turn."""

    def drawn(name: str) -> Kept:
        how = Missing(name, 1.0)
        return lambda data: mask(_units(data), "both", RATE, how, data="one table", split="train", seed=0)

    return {name: drawn(name) for name in ("uniform", "covariate:age", "observed", "label:label", "hidden")}


def _of_frame(frame: pd.DataFrame) -> np.ndarray:
    return frame[list(MODALITIES)].notna().to_numpy()


def _numbers(data: pd.DataFrame) -> np.ndarray:
    """text, image and age in standard scores, which some generators ask for."""
    values = data[[*MODALITIES, "age"]].to_numpy(float)
    return (values - values.mean(0)) / values.std(0)


def _pyampute() -> dict[str, Kept]:
    ampute = import_module("pyampute.ampute").MultivariateAmputation

    def run(mechanism: str, weights: list[list[int]]) -> Kept:
        patterns = [
            {"incomplete_vars": [m], "mechanism": mechanism, **({"weights": row} if row else {})}
            for m, row in enumerate(weights)
        ]
        return lambda data: ~np.isnan(ampute(prop=RATE, patterns=patterns, seed=0).fit_transform(_numbers(data)))[:, :2]

    return {
        "MCAR": run("MCAR", [[], []]),
        "MAR by age": run("MAR", [[0, 0, 1], [0, 0, 1]]),
        "MAR, its own weights": run("MAR", [[], []]),
        "MNAR": run("MNAR", [[], []]),
    }


def _mdatagen() -> dict[str, Kept]:
    kinds = {name: getattr(import_module(f"mdatagen.multivariate.{name}"), name) for name in ("mMCAR", "mMAR", "mMNAR")}

    def run(name: str, method: str) -> Kept:
        def generate(data: pd.DataFrame) -> np.ndarray:
            np.random.seed(0)
            features, labels = data[[*MODALITIES, "age"]], data["label"].to_numpy()
            if name == "mMCAR":
                frame = kinds[name](X=features, y=labels, missing_rate=round(100 * RATE), seed=0).random()
            else:
                frame = getattr(kinds[name](X=features, y=labels), method)(missing_rate=round(100 * RATE))
            return _of_frame(frame)

        return generate

    asked = [("mMCAR", "random"), ("mMAR", "random"), ("mMAR", "correlated"), ("mMAR", "median")]
    asked += [("mMNAR", "random"), ("mMNAR", "correlated"), ("mMNAR", "median"), ("mMNAR", "MBOUV")]
    return {f"{name}.{method}": run(name, method) for name, method in asked}


def _pygrinder() -> dict[str, Kept]:
    p, torch = import_module("pygrinder"), import_module("torch")

    def run(call: Callable[[np.ndarray], np.ndarray]) -> Kept:
        def generate(data: pd.DataFrame) -> np.ndarray:
            np.random.seed(0)
            torch.manual_seed(0)
            return ~np.isnan(np.asarray(call(_numbers(data).astype(np.float32))))[:, :2]

        return generate

    return {
        "mcar(p=0.3)": run(lambda x: p.mcar(x, p=RATE)),
        "mar_logistic(obs_rate=0.34, missing_rate=0.3)": run(lambda x: p.mar_logistic(x, 0.34, RATE)),
        "mnar_x()": run(lambda x: p.mnar_x(x[None])[0]),
        "mnar_t()": run(lambda x: p.mnar_t(x[None])[0]),
        "mnar_nonuniform(p=0.3)": run(lambda x: p.mnar_nonuniform(x[:, None], p=RATE)[0][:, 0]),
    }


def _missmecha() -> dict[str, Kept]:
    make = import_module("missmecha.generator").MissMechaGenerator

    def run(mechanism: str, number: int) -> Kept:
        def generate(data: pd.DataFrame) -> np.ndarray:
            generator = make(mechanism=mechanism, mechanism_type=number, missing_rate=RATE, seed=0)
            return ~np.isnan(np.asarray(generator.fit_transform(_numbers(data)), float))[:, :2]

        return generate

    asked = [("mcar", 1), *(("mar", k) for k in range(1, 9)), *(("mnar", k) for k in range(1, 7))]
    return {f"{mechanism} {number}": run(mechanism, number) for mechanism, number in asked}


def _imml() -> dict[str, Kept]:
    make = import_module("imml.ampute").Amputer

    def run(mechanism: str) -> Kept:
        def generate(data: pd.DataFrame) -> np.ndarray:
            parts = [data[[name]] for name in MODALITIES]
            amputed = make(p=RATE, mechanism=mechanism, random_state=0).fit_transform(parts)
            return np.stack([part.notna().to_numpy()[:, 0] for part in amputed], 1)

        return generate

    return {mechanism: run(mechanism) for mechanism in ("mcar", "pm", "mem", "mnar")}


GENERATORS: dict[str, Callable[[], dict[str, Kept]]] = {
    "pyampute": _pyampute,
    "mdatagen": _mdatagen,
    "pygrinder": _pygrinder,
    "missmecha": _missmecha,
    "imml": _imml,
}


def installed(package: str) -> str:
    """The version of a package, "" if it is not installed."""
    try:
        return version(PACKAGES[package])
    except PackageNotFoundError:
        return ""


def audit(data: pd.DataFrame, kept: np.ndarray) -> tuple[float, float, dict[str, list[str]]]:
    """The share of rows that lose something, the share that lose both, and by trait the odds ratio of each modality:
    "=" where it is not told from 1, "—" where the modality is never or always lost."""
    values = {name: data[name] > data[name].median() for name in (*MODALITIES, "age")}
    of = {"label": ("label", "label"), "age": ("age", "age"), "itself": MODALITIES, "the other": MODALITIES[::-1]}
    values["label"] = data["label"] > 0
    traits = {name: column.to_numpy() for name, column in values.items()}
    # A row that loses both is looked at, too: here nothing is given back.
    ratios = {(one.modality, one.trait): one for one in odds_ratios(np.ones_like(kept), kept, MODALITIES, traits)}
    odds = {}
    for trait, (first, second) in of.items():
        cells = [ratios.get((modality, name)) for modality, name in zip(MODALITIES, (first, second), strict=True)]
        odds[trait] = ["—" if one is None else f"{one.ratio:.2g}" if one.significant else "=" for one in cells]
    return float((~kept.all(1)).mean()), float((~kept.any(1)).mean()), odds


def rows(packages: list[str]) -> list[str]:
    """The lines of the table for "ours" and packages that are installed."""
    data, lines = table(), []
    for package in packages:
        mechanisms = ours() if package == "ours" else GENERATORS[package]()
        for name, generate in mechanisms.items():
            with warnings.catch_warnings(), redirect_stdout(sys.stderr):
                warnings.simplefilter("ignore")
                try:
                    rate, both, ratios = audit(data, generate(data))
                except Exception as error:
                    lines.append(f"| {package} | {name} | fails: {type(error).__name__}: {str(error)[:80]} | | | | | |")
                    continue
            cells = " | ".join(" / ".join(ratios[trait]) for trait in TRAITS)
            lines.append(f"| {package} | {name} | {rate:.1%} | {both:.1%} | {cells} |")
    return lines


def main() -> None:
    logging.disable(logging.WARNING)
    packages = [package for package in PACKAGES if installed(package)]
    versions = ", ".join(f"{PACKAGES[package]} {installed(package)}" for package in packages)
    print(f"`python benchmarks/as_others_mask.py`, {datetime.date.today()}: {versions}.\n")
    print("| generator | mechanism | loses something | loses both | by label | by age | by itself | by the other |")
    print("|---|---|---|---|---|---|---|---|")
    print("\n".join(rows(["ours", *packages])))


if __name__ == "__main__":
    main()
