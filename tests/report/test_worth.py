"""What each modality is worth: tables, figure and sentence from scores by what is shown."""

import csv
import io
import itertools

import msgspec
import numpy as np
import pytest
from by_hand import predictor, record
from matplotlib.axes import Axes

from mora_bench.records.schema import Worth
from mora_bench.report import summary
from mora_bench.report.contract import Results
from mora_bench.report.figures.worth import WorthFigure
from mora_bench.report.worth import WorthOfModalities
from mora_bench.tasks.named import task_of

#: F1 of nothing, text, image and both, for each seed: text is worth (0.5 + 0.4) / 2 and (0.7 + 0.6) / 2.
BY_SEED = ([0.1, 0.6, 0.3, 0.7], [0.1, 0.8, 0.3, 0.9])


def with_worth(pair, values, n=40, **more):
    entry, scores = pair
    worth = Worth(n=n, scores={"f1_macro": list(values)}, **more)
    data = msgspec.structs.replace(entry.data, labels=["N", "D"])
    return msgspec.structs.replace(entry, data=data), msgspec.structs.replace(scores, worth=worth)


def results(pairs):
    return Results.of(*map(list, zip(*pairs, strict=True)))


def rows_of(files):
    return list(csv.DictReader(io.StringIO(files["worth-twin.csv"].decode())))


def test_the_values_of_each_seed_are_averaged_with_an_interval():
    files = WorthOfModalities().make(
        results([with_worth(record("mora", s), values) for s, values in enumerate(BY_SEED)])
    )
    rows = {row["part"]: row for row in rows_of(files)}
    assert {name: float(row["mean"]) for name, row in rows.items()} == pytest.approx(
        {"nothing": 0.1, "text": 0.55, "image": 0.15, "all": 0.8}
    )
    # Of two seeds, 0.45 and 0.65: t of one degree of freedom; an eighth of what one seed trains on another tests.
    assert float(rows["text"]["high"]) == pytest.approx(0.55 + 12.706 * 0.02**0.5 * (1 / 2 + 1 / 8) ** 0.5, rel=1e-3)
    text = files["worth-twin.md"].decode()
    line = "| mora (r=4, blocks 0) | F1 at 0.5 | 40 | 10.0 ± 0.0 | +55.0 ± 142.1 | +15.0 ± 0.0 | 80.0 ± 142.1 |"
    assert line in " ".join(text.split())


def test_one_seed_has_no_interval():
    files = WorthOfModalities().make(results([with_worth(record("mora"), BY_SEED[0])]))
    assert "| 10.0 | +45.0 | +15.0 | 70.0 |" in " ".join(files["worth-twin.md"].decode().split())
    assert {row["low"] for row in rows_of(files)} == {""}


def test_groups_and_classes_are_in_the_file():
    more = {
        "per_class": {"f1_per_class": [[0.0, 0.2], [0.5, 0.7], [0.0, 0.4], [0.5, 0.9]]},
        "group_n": {"sex=F": 10, "sex=M": 30}, "groups": {"sex=F": [0, 0.2, 0, 0.4], "sex=M": [0, 0.4, 0, 0.4]},
    }  # fmt: skip
    rows = rows_of(WorthOfModalities().make(results([with_worth(record("mora"), BY_SEED[0], **more)])))
    by_part = {(row["of"], row["part"]): (float(row["mean"]), row["n"]) for row in rows}
    assert by_part["class N", "text"] == (pytest.approx(0.5), "40")
    assert by_part["class D", "image"] == (pytest.approx(0.2), "40")
    assert by_part["sex=F", "image"] == (pytest.approx(0.1), "10")
    assert by_part["sex=M", "text"] == (pytest.approx(0.4), "30")
    for of in ("all samples", "class N", "class D", "sex=F", "sex=M"):
        nothing, *added, total = (by_part[of, part][0] for part in ("nothing", "text", "image", "all"))
        assert nothing + sum(added) == pytest.approx(total)


def test_scores_from_before_have_no_table_and_a_row_needs_all_seeds():
    old = record("head")
    assert WorthOfModalities().make(results([old])) == {}
    mixed = [with_worth(record("mora", 0), BY_SEED[0]), record("mora", 1), *(record("head", s) for s in (0, 1))]
    assert WorthOfModalities().make(results(mixed)) == {}


def test_the_sentence_is_of_the_best_network():
    pairs = [with_worth(record(name, 0, f1), BY_SEED[0]) for name, f1 in (("mora", 0.7), ("head", 0.6))]
    sentences = summary.sentences(results([*pairs, with_worth(predictor("prior", 0, 0.9), BY_SEED[0])]))
    assert sentences[-1] == (
        "odir, trained on both missing at 70%: mora (r=4, blocks 0) scores 70.0 on the 40 test samples that have all "
        "modalities, nothing 10.0 (F1-macro x 100); between them lie text +45.0, image +15.0 (Shapley values)."
    )


def test_the_sentence_says_how_many_samples_over_seeds_and_not_of_few():
    def said(*counts):
        pairs = [with_worth(record("mora", s), BY_SEED[0], n=n) for s, n in enumerate(counts)]
        return [line for line in summary.sentences(results(pairs)) if "Shapley" in line]

    assert "scores 70.0 on the 10 to 12 test samples that have all modalities, nothing 10.0 (" in said(12, 10)[0]
    assert said(12, 9) == []


@pytest.mark.parametrize(
    ("task", "names", "directions"),
    [
        ("ordinal", ("kappa_quadratic", "mae", "auroc"), "higher is better / lower is better / higher is better"),
        (
            "time-to-event:1",
            ("concordance", "concordance_uno", "brier_integrated"),
            "higher is better / higher is better / lower is better",
        ),
    ],
)
def test_the_direction_of_each_score_is_said_once(task, names, directions):
    agree = task_of(task).agree
    assert agree == names
    pairs = []
    for method in ("mora", "head", "lora"):
        entry, scores = record(method, task=task)
        values = dict.fromkeys(agree, 0.5)
        settings = {p: msgspec.structs.replace(s, scores=s.scores | values) for p, s in scores.test.items()}
        worth = Worth(n=40, scores=dict.fromkeys(agree, (0.1, 0.6, 0.3, 0.7)))
        scores = msgspec.structs.replace(scores, task=task, primary=agree[0], val=settings, test=settings, worth=worth)
        pairs.append((entry, scores))
    text = WorthOfModalities().make(results(pairs))["worth-twin.md"].decode()
    assert f"half of its 95 % interval ({directions}). By" in text
    assert [sum(f"| {method}" in line for line in text.splitlines()) for method in ("mora", "head", "lora")] == [3] * 3


def test_the_figure_has_a_mark_a_modality_and_row_on_one_scale():
    pairs = [
        with_worth(record(name, s, dataset=dataset), values)
        for (s, values), name, dataset in itertools.product(enumerate(BY_SEED), ("mora", "head"), ("odir", "cxr"))
    ]
    files = WorthFigure().make(results(pairs))
    assert set(files) == {"worth-twin.png", "worth-twin.svg"}
    drawing = files["worth-twin.svg"].decode()
    assert drawing.count("what each modality is worth") == 2
    assert np.all([name in drawing for name in ("text", "image")])


def test_intervals_of_a_row_lie_beside_each_other(monkeypatch):
    """One would hide the other where they overlap."""
    heights = []
    plot = Axes.plot
    monkeypatch.setattr(Axes, "plot", lambda self, *a, **k: heights.append(a[1]) or plot(self, *a, **k))
    WorthFigure().make(results([with_worth(record("mora", s), values) for s, values in enumerate(BY_SEED)]))
    lines = [tuple(height) for height in heights if isinstance(height, list)]
    assert len(lines) == len(set(lines)) == 2
    assert all(abs(low) < 0.5 for low, _ in lines)
