"""Figures show the numbers of the records, in looks that can be told apart in grey."""

import csv
import io
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import msgspec
import numpy as np
import pytest
from by_hand import failed, predictor, record
from matplotlib.figure import Figure

from mora_bench.cells.missing import Missing
from mora_bench.errors import UserError
from mora_bench.records.schema import Curve
from mora_bench.report.contract import Results
from mora_bench.report.figures import ablation, classes, matrix, missingness, pareto, ranks, robustness, style
from mora_bench.report.ranks import Blocks
from mora_bench.report.robustness import Robustness
from mora_bench.report.write import write

GOLDEN = Path(__file__).parent / "golden-figures.json"
RATES = [0.0, 0.5, 1.0]


def curved(pair, start, end, ceiling=()):
    """A record and scores with straight curves from start to end, under every pattern."""
    entry, scores = pair
    mean = np.linspace(start, end, len(RATES)).tolist()
    curve = Curve(mean=mean, std=[0.0] * 3, draws=8, area=float(np.mean(mean)), worst=min(mean), ceiling=list(ceiling))
    return entry, msgspec.structs.replace(scores, rates=RATES, curves=dict.fromkeys(("text", "image", "both"), curve))


def results(pairs):
    records, scores = [entry for entry, _ in pairs], [document for _, document in pairs if document is not None]
    return Results.of(records, scores)


def by_class(pair, values):
    entry, scores = pair
    for setting in scores.test.values():
        setting.scores["f1_per_class"] = values
    data = msgspec.structs.replace(entry.data, labels=["N", "D"])
    return msgspec.structs.replace(entry, data=data), scores


def with_effects(pair, odds):
    entry, scores = pair
    modality = {"all": {"n": 9.0, "share": 0.5}, "odds ratio by label": {"N": odds, "D": 1.0}}
    data = msgspec.structs.replace(entry.data, effects={"train": {"text": modality, "image": modality}})
    return msgspec.structs.replace(entry, data=data), scores


def grid():
    pairs = []
    for seed in range(3):
        lean = 0.01 * seed
        pairs += [
            curved(record("head", seed, 0.50 + lean, "fine-tuning"), 0.6 + lean, 0.4, (0.9, 0.8, 0.7)),
            curved(predictor("tfidf", seed, 0.45 + lean), 0.5, 0.45),
            *(
                curved(record("mora", seed, 0.5 + 0.01 * rank + lean, "MoRA", rank=rank), 0.7 + lean, 0.3)
                for rank in (1, 2, 16)
            ),
        ]
    return [with_effects(by_class(pair, [0.25, 0.75]), 2.0) for pair in pairs]


def drawn(artefact, monkeypatch, pairs=None):
    """Every line, set of points and heat map of the artefact's figures, rounded; and the texts."""
    figures: list[Figure] = []
    module = {
        "AblationFigure": ablation, "ClassesFigure": classes, "MatrixFigure": matrix, "ParetoFigure": pareto,
        "RanksFigure": ranks, "RobustnessFigure": robustness, "MissingnessFigure": missingness,
    }[artefact.__name__]  # fmt: skip
    monkeypatch.setattr(module.style, "files", lambda name, figure: figures.append(figure) or {f"{name}.png": b""})
    names = list(artefact().make(results(grid() if pairs is None else pairs)))
    panels = []
    for axis in (axis for figure in figures for axis in figure.axes):
        lines = [[np.round(np.asarray(v, float), 4).tolist() for v in line.get_data()] for line in axis.lines]
        points = [np.round(np.asarray(c.get_offsets()), 4).tolist() for c in axis.collections]
        maps = [np.round(np.asarray(image.get_array(), float), 4).tolist() for image in axis.images]
        panels.append({"title": axis.get_title(), "lines": lines, "points": points, "maps": maps})
    return {"files": names, "panels": panels}


ARTEFACTS = [
    ablation.AblationFigure,
    classes.ClassesFigure,
    matrix.MatrixFigure,
    missingness.MissingnessFigure,
    pareto.ParetoFigure,
    ranks.RanksFigure,
    robustness.RobustnessFigure,
]


def many_data_sets():
    """Six data sets whose rows come in the same order, and two training patterns of each."""
    return [
        record(method, 0, base + 0.01 * number, dataset=f"d{number}", missing=missing)
        for number in range(6)
        for method, base in (("head", 0.3), ("lora", 0.4), ("mora", 0.5))
        for missing in ("text", "both")
    ]


def golden(monkeypatch):
    drawings = {artefact.__name__: drawn(artefact, monkeypatch) for artefact in ARTEFACTS}
    for artefact in (matrix.MatrixFigure, ranks.RanksFigure):
        drawings[f"{artefact.__name__} of six"] = drawn(artefact, monkeypatch, many_data_sets())
    return drawings


def test_figures_draw_the_golden_numbers(monkeypatch):
    assert json.loads(json.dumps(golden(monkeypatch))) == json.loads(GOLDEN.read_text())


def test_a_curve_figure_draws_means_floor_and_ceiling(monkeypatch):
    drawing = drawn(robustness.RobustnessFigure, monkeypatch)
    lines = drawing["panels"][0]["lines"]
    assert [[0, 50, 100], [71, 50.5, 30]] in lines
    assert [[0, 50, 100], [50, 47.5, 45]] in lines
    assert [[0, 50, 100], [90, 80, 70]] in lines


def test_the_table_of_curves_says_where_a_row_falls_below_the_floors():
    files = Robustness().make(results(grid()))
    assert set(files) == {"robustness-twin.csv", "robustness-twin.md"}
    lines = csv.DictReader(io.StringIO(files["robustness-twin.csv"].decode()))
    head = next(line for line in lines if (line["pattern"], line["method"]) == ("image", "head"))
    assert (head["source"], head["metric"], head["direction"]) == ("twin", "F1-macro", "higher is better")
    assert float(head["area"]) == pytest.approx(0.505)
    assert float(head["area std"]) == pytest.approx(0.005)
    assert float(head["worst"]) == pytest.approx(0.4)
    # 0.61 - 0.21 r meets 0.5 - 0.05 r at r = 0.6875.
    assert float(head["worse than the floors from rate"]) == pytest.approx(0.6875)
    assert "| head " in files["robustness-twin.md"].decode()
    assert "69 %" in files["robustness-twin.md"].decode()


def test_nothing_is_drawn_of_what_is_not_there():
    bare = results([record("head"), record("mora"), failed("full")])
    drawn_of = {artefact.__name__: artefact().make(bare) for artefact in ARTEFACTS}
    assert {name for name, files in drawn_of.items() if files} == {"ParetoFigure"}


def test_figures_are_the_same_bytes_each_time_and_well_formed():
    first, again = (pareto.ParetoFigure().make(results(grid())) for _ in range(2))
    assert first == again
    assert first["pareto-twin.png"].startswith(b"\x89PNG")
    ET.fromstring(first["pareto-twin.svg"])


def test_text_of_records_is_no_formula():
    hostile = by_class(record("a$b$<script>", f1=0.5), [0.5, 0.5])
    (svg,) = [v for k, v in classes.ClassesFigure().make(results([hostile])).items() if k.endswith("svg")]
    ET.fromstring(svg)
    assert b"<script>" not in svg
    assert "a$b$" in "".join(ET.fromstring(svg).itertext())


def test_the_front_is_what_none_beats_in_both():
    assert pareto.front([(1, 5), (2, 4), (3, 7), (3, 6), (0.5, 1)]) == [4, 0, 2]


@pytest.mark.parametrize("costs", [(0.0994, 0.09958), (2.2, 2.9), (11.0, 19.0), (1.5, 30.0), (1e-4, 3e4), (7.0, 7.0)])
def test_an_axis_of_costs_has_numbers_and_does_not_stretch_what_is_nearly_equal(costs):
    figure, ((panel,),) = style.panels(1, 1)
    style.costs(panel, list(costs))
    figure.canvas.draw()
    low, high = panel.get_xlim()
    labels = [tick.get_text() for tick in panel.get_xticklabels()]
    assert 2 <= len({*labels} - {""}) == len(labels) <= style.TICKS
    assert all(low <= float(label) <= high for label in labels)
    assert low < min(costs)
    assert max(costs) < high
    assert high / low > style.NARROWEST
    assert np.log(max(costs) / min(costs)) < 0.9 * np.log(high / low)
    # Lower costs than these two have no place on a logarithmic axis.
    style.costs(panel, [0.0])


def test_every_panel_of_costs_is_labelled(monkeypatch):
    figures: list[Figure] = []
    monkeypatch.setattr(pareto.style, "files", lambda name, figure: figures.append(figure) or {})
    pareto.ParetoFigure().make(results(grid()))
    (figure,) = figures
    figure.canvas.draw()
    assert all(len([1 for tick in axis.get_xticklabels() if tick.get_text()]) >= 2 for axis in figure.axes)


def test_bars_join_what_is_within_the_critical_difference():
    # The mean ranks of Demsar 2006, table 6; its critical difference, 1.25, joins all four.
    means = np.array([1.964, 2.0, 2.893, 3.143])
    assert ranks.joined(means, 1.25) == [(0, 3)]
    assert ranks.joined(means, 1.0) == [(0, 2), (2, 3)]
    assert ranks.joined(np.array([1.0, 2.0, 3.0]), 0.5) == []


def test_the_ranks_figure_joins_all_rows_where_friedman_tells_nothing_and_has_a_panel_a_training_pattern():
    forward, back = [6, 5, 4, 3, 2, 1], [6, 2, 3, 4, 5, 1]
    places = np.array([forward, back, forward, back, forward, [1, 2, 3, 4, 5, 6]], float)
    datasets = [[f"d{k}"] for k in range(6)]
    alike = Blocks("complete data", datasets, [], ["full", "head", "lora", "map", "prefix", "last"], places)
    apart = Blocks("both missing at 70%", datasets, [], ["full", "head", "lora"], np.array([[3.0, 2, 1]] * 6))
    first, second = ranks._figure([alike, apart], "both missing").axes
    bars = [[*line.get_xdata()] for line in first.lines if line.get_linewidth() == 3]
    assert bars == [pytest.approx([11 / 6, 31 / 6])]
    # 1.35 apart is told: the first and the last are.
    assert [[*line.get_xdata()] for line in second.lines if line.get_linewidth() == 3] == [[1.0, 2.0], [2.0, 3.0]]
    assert "no significant difference" in first.get_xlabel()
    assert "trained on complete data" in first.get_title()


def test_looks_differ_in_more_than_colour():
    looks = list(style.looks([f"m{i}" for i in range(64)]).values())
    for part in ("colour", "marker", "stroke"):
        assert len({str(getattr(look, part)) for look in looks[:8]}) == 8
    # In grey, and without looking at the stroke.
    assert len({(look.marker, str(look.stroke)) for look in looks}) == 64
    assert len({(look.colour, look.marker) for look in looks}) == 64


def test_figures_are_drawn_only_if_asked_for(tmp_path):
    from mora_bench.records.store import Store

    for entry, scores in grid():
        Store(tmp_path).write(entry.cell, entry, None, scores)
    assert not [f for f in write(tmp_path).files if f.endswith("png")]
    assert not (tmp_path / "figures").exists()
    files = write(tmp_path, figures=True).files
    assert {"pareto-twin.png", "rank-twin.svg", "robustness-twin.png"} <= set(files)
    assert (tmp_path / "figures" / "pareto-twin.png").is_file()
    assert not list((tmp_path / "tables").glob("*.png"))


def test_without_matplotlib_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(UserError, match=r"pip install 'mora-bench\[figures\]'"):
        style.panels(1, 1)


def test_the_odds_by_label_stand_for_the_mechanism(monkeypatch):
    pairs = [
        with_effects(record("head", seed, mechanism=Missing("label", 2.0, "sample", "1", "")), 7.0) for seed in (0, 1)
    ]
    drawing = drawn(missingness.MissingnessFigure, monkeypatch, pairs)
    assert drawing["files"] == ["missingness-twin.png"]
    assert "label (strength 2)" in drawing["panels"][0]["title"]
    assert [[-0.1, 7.0], [0.9, 1.0]] in drawing["panels"][0]["points"]


def test_a_modality_that_nobody_loses_has_no_odds(monkeypatch):
    entry, scores = with_effects(record("head", 0, mechanism=Missing("label", 2.0, "sample", "1", "")), 7.0)
    effects = entry.data.effects["train"]
    kept = effects["image"] | {"all": {"n": 9.0, "share": 0.0}}
    data = msgspec.structs.replace(entry.data, effects={"train": effects | {"image": kept}})
    drawing = drawn(missingness.MissingnessFigure, monkeypatch, [(msgspec.structs.replace(entry, data=data), scores)])
    assert drawing["panels"][0]["points"] == [[[0.0, 7.0], [1.0, 1.0]]]
    neither = msgspec.structs.replace(entry.data, effects={"train": {"text": kept, "image": kept}})
    nothing = [(msgspec.structs.replace(entry, data=neither), scores)]
    assert missingness.MissingnessFigure().make(Results.of([nothing[0][0]], [scores])) == {}
