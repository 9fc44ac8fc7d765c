"""A metric where less is better, and one of 0 to infinity: everything that ranks, marks, words and draws asks it."""

import csv
import io
import itertools
import json
import re
import shutil
import subprocess
from pathlib import Path

import msgspec
import numpy as np
import pytest
from by_hand import predictor, record

from mora_bench import registry
from mora_bench.claims.claim import NOT, REPRODUCED, Folders, beats, suffices
from mora_bench.claims.published import method
from mora_bench.cli import main as cli
from mora_bench.cli.output import plain as as_json
from mora_bench.missing import masks
from mora_bench.records.risks import RiskGroups
from mora_bench.records.schema import Curve, Setting
from mora_bench.records.store import Store
from mora_bench.report import differences, ranks, robustness, summary, tables
from mora_bench.report.card import card
from mora_bench.report.contract import Results
from mora_bench.report.diff import against, markdown
from mora_bench.report.figures import ablation, matrix, pareto
from mora_bench.report.figures import ranks as diagram
from mora_bench.report.figures import robustness as curve_figure
from mora_bench.report.page import Page
from mora_bench.trackers.contract import as_run
from mora_bench.training.export import card as model_card

ERRORS = Path(__file__).parents[1] / "plugins" / "errors.py"
NODE = shutil.which("node")
RATES = [0.0, 0.5, 1.0]
#: What stands for an error: of the share it is x / 100, of the RMSE x.
TASKS = [("wrong", "wrong", 0.01), ("months", "rmse", 1.0)]


@pytest.fixture(autouse=True)
def _plugin():
    registry.load_plugins([ERRORS])


def pair(name, seed, error, task, primary, scale, floor=False, **changes):
    """A record and scores with an error as primary score; curves end ten worse than they begin."""
    entry, scores = (predictor if floor else record)(name, seed, 0.5, task=task, **changes)
    strata = {part: {primary: scale * error, "n": 19} for part in ("complete", "text_only", "image_only")}
    other = {"rmse": 12.0} if primary == "wrong" else {"wrong": 0.12}
    setting = Setting(scores={primary: scale * error, **other, "n": 30}, strata=strata, realised={})
    settings = dict.fromkeys(masks.patterns(entry.cell.modalities), setting)
    mean = [scale * (error + add) for add in (0.0, 5.0, 10.0)]
    curve = Curve(mean=mean, std=[0.0] * 3, draws=8, area=float(np.mean(mean)), worst=max(mean))
    scores = msgspec.structs.replace(
        scores, task=task, primary=primary, val=settings, test=settings, rates=RATES,
        curves=dict.fromkeys(("text", "image", "both"), curve),
    )  # fmt: skip
    return entry, scores


def grid(task, primary, scale, **changes):
    """mora errs least of the networks, full most; a floor between them."""
    lean = (0.0, 0.2, 0.4, 0.1)
    # Rows that differ by exactly as much in every seed are tested by signs alone, which four seeds do not pass.
    return [
        pair(
            name,
            seed,
            error + more + 0.003 * (number * seed % 3),
            task,
            primary,
            scale,
            floor=name == "tfidf",
            **changes,
        )
        for number, (name, error) in enumerate((("mora", 20.0), ("head", 30.0), ("full", 40.0), ("tfidf", 25.0)))
        for seed, more in enumerate(lean)
    ]


def results_of(pairs):
    records, scores = [entry for entry, _ in pairs], [document for _, document in pairs]
    return Results.of(records, scores)


def folder_of(path, pairs):
    for entry, scores in pairs:
        Store(path).write(entry.cell, entry, None, scores)
    return path


def seen(scale, in_percent, as_it_is):
    """What people see of an error: one digit behind the point in percent, else two."""
    return in_percent if scale < 1 else as_it_is


@pytest.mark.parametrize(("task", "primary", "scale"), TASKS)
def test_bold_marks_sentence_and_tables(task, primary, scale):
    results = results_of(grid(task, primary, scale))
    (table,) = results.comparisons
    rows = {row.method: row for row in table.sections[0].rows}
    score = "score both"
    assert [name for name, row in rows.items() if score in row.best] == ["mora"]
    assert {name for name, row in rows.items() if score in row.below} == {"head", "full"}
    text = " ".join(tables.markdown(table).split())
    assert f"**{seen(scale, '20.2 ± 0.2', '20.18 ± 0.17')}**" in text
    assert f"{seen(scale, '30.2 ± 0.2', '30.18 ± 0.17')} ↓" in text
    assert "2020" not in text
    heading = {"wrong": "wrong labels x 100", "rmse": "RMSE in months"}[primary]
    assert f"{heading} (lower is better) on the test split" in table.caption
    (sentence,) = summary.sentences(results)
    best, floor = (seen(scale, *texts) for texts in (("20.2 ± 0.2", "20.18 ± 0.17"), ("25.2 ± 0.2", "25.17 ± 0.17")))
    assert sentence == (
        f"odir, trained on both missing at 70%, tested on both missing: mora (r=4, blocks 0) leads with {best} "
        f"({heading}, lower is better), significantly better than all others; best baseline without a network: tfidf "
        f"scores {floor}; mora (r=4, blocks 0) is significantly better than every baseline, full and head are "
        "significantly worse than tfidf."
    )
    (small,) = summary.Summary().make(results).values()
    lines = [" ".join(line.split()) for line in small.decode().splitlines()]
    assert lines[0].startswith(f"| {heading}, lower is better |")
    assert f"| mora (r=4, blocks 0) | **{best}** | **{best}** |" in lines
    assert f"| best baseline without a network | {floor} (tfidf) | {floor} (tfidf) |" in lines
    (line, *_) = csv.DictReader(io.StringIO(tables.comma_separated(table)))
    assert line["direction"] == "lower is better"
    both = csv.DictReader(io.StringIO(differences.comma_separated(table)))
    assert {(line["metric"], line["direction"]) for line in both} == {
        ({"wrong": "wrong labels", "rmse": "RMSE in months"}[primary], "lower is better")
    }


@pytest.mark.parametrize(("task", "primary", "scale"), TASKS)
def test_a_floor_that_errs_less_is_ahead(task, primary, scale):
    pairs = [pair("mora", s, 20.0 + s, task, primary, scale) for s in (0, 1)]
    pairs += [pair(name, s, e, task, primary, scale, floor=True) for name, e in (("a", 5), ("b", 9)) for s in (0, 1)]
    (sentence,) = summary.sentences(results_of(pairs))
    # b, the other floor, is told from it, too; the sentence names the floors that are ahead.
    worse = "mora (r=4, blocks 0) is significantly worse than a"
    assert f"best baseline without a network: a scores {seen(scale, '5.0 ± 0.0', '5.00 ± 0.00')}; {worse}" in sentence


@pytest.mark.parametrize(("task", "primary", "scale"), TASKS)
def test_curves_have_their_worst_above_and_fall_behind_the_floor(task, primary, scale):
    pairs = grid(task, primary, scale)
    (table,) = results_of(pairs).comparisons
    lines = robustness._lines(results_of(pairs), table)
    rows = {line[3]: dict(zip(robustness.COLUMNS, line, strict=True)) for line in lines if line[2] == "both"}
    mora = rows["mora (r=4, blocks 0)"]
    assert mora["worst"] == pytest.approx(scale * 30.175)
    assert mora["area"] == pytest.approx(scale * 25.175)
    assert mora["worse than the floors from rate"] == ""
    assert rows["head"]["worse than the floors from rate"] == 0
    assert mora["direction"] == "lower is better"
    text = robustness.Robustness().make(results_of(pairs))["robustness-twin.md"].decode()
    assert seen(scale, "25.2 / 30.2", "25.17 / 30.17") in text
    assert "(lower is better) over missing rates" in text


def test_curves_are_not_shown_as_another_metrics(monkeypatch):
    """They hold the primary score alone: with --metric rmse they are named, in file, figure and page."""
    pairs = grid("wrong", "wrong", 0.01)
    records, scores = [entry for entry, _ in pairs], [document for _, document in pairs]
    results = Results.of(records, scores, "rmse")
    (table,) = results.comparisons
    assert "RMSE in months (lower is better) on the test split" in table.caption
    assert "12.00 ± 0.00" in tables.markdown(table)
    files = robustness.Robustness().make(results)
    assert (
        files["robustness-twin.md"].decode().startswith("wrong labels x 100 (lower is better; curves hold the task's")
    )
    assert "so they are not the RMSE in months of the tables" in files["robustness-twin.md"].decode()
    assert {line["metric"] for line in csv.DictReader(io.StringIO(files["robustness-twin.csv"].decode()))} == {
        "wrong labels"
    }
    figures = []
    monkeypatch.setattr(curve_figure.style, "files", lambda name, figure: figures.append(figure) or {})
    curve_figure.RobustnessFigure().make(results)
    assert "not the RMSE in months" in figures[0].get_suptitle()
    assert {axis.get_ylabel() for axis in figures[0].axes} == {"wrong labels x 100, lower is better"}
    text = Page().make(results)["report.html"].decode()
    (section,) = data_of(text)["sections"]
    assert (section["metric"]["title"], section["curve_metric"]["title"]) == ("RMSE in months", "wrong labels")


@pytest.mark.parametrize(("task", "primary", "scale"), TASKS)
def test_figures_name_and_turn_it(monkeypatch, task, primary, scale):
    figures = []
    for module in (pareto, matrix, ablation, curve_figure):
        monkeypatch.setattr(module.style, "files", lambda name, figure: figures.append(figure) or {})
    pairs = grid(task, primary, scale) + grid(task, primary, scale, missing="text")
    pairs += [pair("mora", s, 20.0 - r, task, primary, scale, rank=r) for s in range(4) for r in (1, 2, 16)]
    results = results_of(pairs)
    pareto.ParetoFigure().make(results)
    label = {"wrong": "wrong labels x 100, lower is better", "rmse": "RMSE in months, lower is better"}[primary]
    assert all(axis.get_ylabel().startswith(f"{label}\n") for axis in figures[0].axes)
    # The least error of equal costs is the front.
    assert [round(float(y), 3) for y in figures[0].axes[0].lines[0].get_ydata()] == [4.0]
    matrix.MatrixFigure().make(results)
    assert figures[1].axes[0].images[0].get_cmap().name == "cividis_r"
    assert figures[1].get_suptitle().startswith(f"{label}; lighter is better")
    ablation.AblationFigure().make(results)
    assert label in {axis.get_ylabel() for axis in figures[2].axes}
    curve_figure.RobustnessFigure().make(results_of(grid(task, primary, scale)))
    lines = {tuple(np.round(line.get_ydata(), 3)) for line in figures[3].axes[0].lines}
    # The least error of a floor, and the most of what is drawn, in the metric's unit.
    assert (25.175, 30.175, 35.175) in lines
    assert figures[3].axes[0].get_ylabel() == label
    assert figures[3].axes[0].get_ylim()[0] == 0


@pytest.mark.parametrize(("task", "primary", "scale"), TASKS)
def test_ranks_begin_with_the_least_error(monkeypatch, task, primary, scale):
    pairs = [
        pair(name, 0, error, task, primary, scale, dataset=f"d{k}")
        for k in range(12)
        for name, error in (("full", 10.0), ("head", 20.0), ("lora", 30.0))
    ]
    (table,) = results_of(pairs).comparisons
    text = ranks.markdown(table)
    assert "(lower is better)" in text
    lines = [line.split("|")[1:3] for line in text.split("## ")[1].splitlines() if line.startswith("| ")][1:]
    assert [[part.strip() for part in line] for line in lines] == [["full", "1.00"], ["head", "2.00"], ["lora", "3.00"]]
    figures = []
    monkeypatch.setattr(diagram.style, "files", lambda name, figure: figures.append(figure) or {})
    diagram.RanksFigure().make(results_of(pairs))
    assert figures[0].axes[0].texts[0].get_text() == " full (1.00)"
    assert {"wrong": "wrong labels x 100", "rmse": "RMSE in months"}[primary] in figures[0].axes[0].get_title()


@pytest.mark.parametrize(("task", "primary", "scale"), TASKS)
def test_comparisons_and_claims_ask_which_way_is_better(tmp_path, task, primary, scale, capsys):
    less, more = (
        [pair("mora", s, e + 0.2 * s + 0.0001 * e * (s % 2), task, primary, scale) for s in range(4)]
        for e in (10.0, 20.0)
    )
    (line,) = against(results_of(less), results_of(more)).lines
    assert line.verdict == "better"
    assert against(results_of(more), results_of(less)).lines[0].verdict == "worse"
    text = " ".join(markdown(against(results_of(less), results_of(more)), ("a", "b")).split())
    numbers = "10.3 | 20.3 | -10.00 | -10.0 to -10.0", "10.30 | 20.30 | -10.000 | -10.00 to -10.00"
    assert f"lower is better | {seen(scale, *numbers)} | better" in text
    json.dumps(as_json(vars(against(results_of(less), results_of(more)))), allow_nan=False)
    first, second = folder_of(tmp_path / "a", less), folder_of(tmp_path / "b", more)
    assert cli.main(["compare", str(first), str(second), "--plugin", str(ERRORS)]) == 1
    assert "better" in capsys.readouterr().out
    folder_of(tmp_path / "both", grid(task, primary, scale))
    outcome = beats("both", method("mora"), method("head"))(Folders(tmp_path))
    assert (outcome.verdict, outcome.ours) == (
        REPRODUCED,
        f"odir {seen(scale, '+10.0 (+10.0 to +10.0)', '+10.00 (+10.00 to +10.01)')}",
    )
    assert "lower is better" in outcome.why
    assert suffices("both", method("head"), method("mora"))(Folders(tmp_path)).verdict == NOT


@pytest.mark.parametrize(("task", "primary", "scale"), TASKS)
def test_cards_and_trackers_know_it(task, primary, scale):
    results = results_of(grid(task, primary, scale))
    text = card(results, {results.records[0].key}, "toy", "", [])
    assert "(lower is better), test, missing: both" in text
    assert f"mora (r=4, blocks 0) leads with {seen(scale, '20.2', '20.18')}" in text
    shown = model_card(results.records[0], results.scores[0], True)
    assert "lower is better), missing at 70%" in shown
    assert f"| both | {seen(scale, '20.0', '20.00')} |" in shown
    run = as_run(results.records[0], results.scores[0])
    assert not run.metrics[primary].higher_is_better


def data_of(text):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[1])


#: As much of a browser as the page's script asks for; what it wrote is printed.
BROWSER = """
class Node {
  constructor(name) { this.name = name; this.children = []; this.value = ""; this.attributes = {}; this.text = ""; }
  append(...own) { this.children.push(...own); }
  replaceChildren(...own) { this.children = own; }
  setAttribute(key, value) { this.attributes[key] = value; }
  addEventListener() {}
  querySelector() { return (this.inner ??= new Node("div")); }
  remove() {}
  set textContent(text) { this.text = text; }
  get textContent() { return this.text || this.children.map((own) => own.textContent ?? String(own)).join(""); }
}
const known_ = {};
const document = {
  getElementById: (id) => (known_[id] ??= new Node(id)),
  createElement: (name) => new Node(name),
  createElementNS: (_, name) => new Node(name),
};
const input = JSON.parse(require("fs").readFileSync(0, "utf8"));
document.getElementById("data").textContent = JSON.stringify(input.data);
document.getElementById("rate").value = "50";
document.getElementById("pattern").value = "both";
for (const [id, value] of Object.entries(input.chosen)) document.getElementById(id).value = value;
new Function("document", input.script)(document);
const below = (node, name) => (node.children ?? []).flatMap((own) => find(own, name));
const find = (node, name) => [...(node.name === name ? [node] : []), ...below(node, name)];
const rows = find(document.getElementById("tables"), "tbody").flatMap((body) => body.children);
const curves = document.getElementById("curves").querySelector();
const pareto = document.getElementById("pareto");
const placed = (own) => [own.textContent, own.attributes.x, own.attributes.y];
console.log(JSON.stringify({
  rows: rows.map((row) => row.children.map((cell) => cell.textContent)),
  hint: find(document.getElementById("tables"), "p").map((own) => own.textContent),
  sorted: find(document.getElementById("tables"), "th").map((own) => own.attributes["aria-sort"]),
  answer: document.getElementById("answer").textContent,
  "of curves": document.getElementById("of-curves").textContent,
  captions: find(curves, "figcaption").map((own) => own.textContent),
  axes: find(curves, "svg").map((own) => own.attributes["aria-label"]),
  errors: find(document.getElementById("errors").querySelector(), "figure").map((own) => own.textContent),
  paths: find(document.getElementById("errors").querySelector(), "path").map((own) => own.attributes.d),
  "numbers of errors": find(document.getElementById("errors").querySelector(), "text").map((own) => own.textContent),
  "numbers of costs": find(pareto.querySelector(), "text").map((own) => own.textContent),
  "places of costs": find(pareto.querySelector(), "text").map(placed),
  circles: find(pareto.querySelector(), "circle").map((own) => [own.textContent, own.attributes.cx, own.attributes.cy]),
  costs: find(pareto.querySelector(), "p").map((own) => own.textContent),
  legend: find(pareto, "span").map((own) => own.textContent),
}));
"""


def browsed(results, **chosen):
    """What the page's script shows of results, where these values are chosen."""
    text = Page().make(results)["report.html"].decode()
    script = text.rpartition("<script>")[2].partition("</script>")[0]
    stdin = json.dumps({"data": data_of(text), "script": script, "chosen": chosen})
    done = subprocess.run([NODE, "-e", BROWSER], input=stdin, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(NODE is None, reason="needs Node")
@pytest.mark.parametrize(("task", "primary", "scale"), TASKS)
def test_the_page_sorts_advises_and_names_by_it(task, primary, scale):
    shown = browsed(results_of(grid(task, primary, scale)))
    assert [row[1] for row in shown["rows"] if row[0] or row[2]] == ["mora (r=4, blocks 0)", "tfidf", "head", "full"]
    assert seen(scale, "20.2 ± 0.2", "20.18 ± 0.17") in shown["rows"][0]
    assert f"{seen(scale, '30.2 ± 0.2', '30.18 ± 0.17')} ↓" in shown["rows"][2]
    assert "ascending" in shown["sorted"]
    heading = {"wrong": "wrong labels x 100", "rmse": "RMSE in months"}[primary]
    assert shown["hint"] == [f"{heading} (lower is better)"]
    assert f"mora (r=4, blocks 0) scores {seen(scale, '25.2', '25.18')} (" in shown["answer"]
    assert f"with 50 % missing ({heading}, lower is better). All others are clearly lower or" in shown["answer"]
    assert all(caption.startswith(f"{heading} (lower is better): ") for caption in shown["captions"])
    assert all(f"{heading}, lower is better" in axis for axis in shown["axes"])


@pytest.mark.skipif(NODE is None, reason="needs Node")
def test_the_page_shows_groups_by_risk():
    entry, scores = record("head", 0, 0.5)
    risks = RiskGroups(
        times=[0.0, 14.0, 28.0],
        horizons=[28.0],
        n=[10, 11, 12],
        predicted=[[0.1], [0.3], [0.71]],
        observed=[[0.0, 0.1, 0.2]] * 3,
    )
    test = {name: msgspec.structs.replace(setting, risk_groups=risks) for name, setting in scores.test.items()}
    results = results_of([(entry, msgspec.structs.replace(scores, test=test))])
    shown = browsed(results, **{"errs": "head", "errs-on": "both missing"})
    (figure,) = shown["errors"]
    assert "tested: both missing: thirds by predicted risk; share that had the event" in figure
    assert "highest third, 12 samples, by 28: 71.0 % predicted" in figure
    assert figure.count(" samples") == 6
    # Shares in percent at one axis, times as they are at the other.
    assert {"0", "20", "40", "60", "80", "7", "14", "21", "28", "time"} <= {*shown["numbers of errors"]}
    # A share rises at a time, and not on the way there.
    assert len(shown["paths"]) == 3
    points = [tuple(point.split()) for point in shown["paths"][0][1:].split("L")]
    (left, bottom), (middle, same), (again, higher), (right, still), (end, top) = points
    assert (bottom, middle, higher, right) == (same, again, still, end)
    assert float(left) < float(middle) < float(right)
    assert float(bottom) > float(higher) > float(top)


@pytest.mark.skipif(NODE is None, reason="needs Node")
def test_the_page_does_not_stretch_costs_that_are_nearly_equal():
    pairs = [record(name, s, f1) for name, f1 in (("head", 0.3), ("mora", 0.5)) for s in (0, 1)]
    shown = browsed(
        results_of(pairs), **{"cost": "gflops_step", "scored": "F1-macro x 100", "scored-on": "both missing"}
    )
    # A factor of 1.5 about the 3 GFLOPs that both take.
    assert {"2.45", "2.71", "3", "3.32", "3.67"} <= {*shown["numbers of costs"]}


def costing(share, *args, **changes):
    """A record and scores; the adapter has this share of the parameters."""
    entry, scores = record(*args, **changes)
    parameters = msgspec.structs.replace(entry.parameters, share_adapter=share)
    return msgspec.structs.replace(entry, parameters=parameters), scores


@pytest.mark.skipif(NODE is None, reason="needs Node")
@pytest.mark.parametrize("others", [{"mora": 0.1}, {"mora": 0.1, "lora": 2.0}])
def test_the_page_draws_what_costs_nothing_left_of_what_costs_something(others):
    pairs = [costing(share, name, s, 0.5) for name, share in ({"head": 0.0} | others).items() for s in (0, 1)]
    pairs += [predictor("tfidf", s) for s in (0, 1)]
    where = {"cost": "share_adapter", "scored": "F1-macro x 100", "scored-on": "both missing"}
    shown = browsed(results_of(pairs), **where)
    places = {title.partition(":")[0].partition(" ")[0]: x for title, x, _ in shown["circles"]}
    assert set(places) == {"head", *others}
    assert {label.partition(" ")[0] for label in shown["legend"]} == set(places)
    assert min(places, key=places.get) == "head"
    *ticks, _ = [(text, x) for text, x, _ in shown["places of costs"] if x > 46]
    assert ("0", places["head"]) in ticks
    assert len(ticks) == 6
    assert all(x > places["head"] + 20 for text, x in ticks if text != "0")
    assert not shown["costs"]


@pytest.mark.skipif(NODE is None, reason="needs Node")
@pytest.mark.parametrize("scores", [(0.981, 0.9822), (0.8, 0.87), (0.18, 0.21), (0.0, 1.0), (0.5, 0.5)])
def test_the_page_puts_each_number_at_one_height_and_equal_steps_apart(scores):
    pairs = [costing(0.1, name, s, f1) for name, f1 in zip(("head", "mora"), scores, strict=True) for s in (0, 1)]
    where = {"cost": "share_adapter", "scored": "F1-macro x 100", "scored-on": "both missing"}
    shown = browsed(results_of(pairs), **where)
    ticks = [(float(text), y) for text, x, y in shown["places of costs"] if x == 41]
    assert len(ticks) > 2
    (apart,) = {round(after[0] - before[0], 6) for before, after in itertools.pairwise(ticks)}
    assert apart > 0
    # A number stands where a score of it is drawn.
    (each,) = {round((before[1] - after[1]) / apart, 6) for before, after in itertools.pairwise(ticks)}
    heights = sorted((float(title.rpartition(": ")[2].partition(",")[0]), cy) for title, _, cy in shown["circles"])
    for score, cy in heights:
        assert ticks[0][1] - 4 - (score - ticks[0][0]) * each == pytest.approx(cy, abs=each * 0.06)


@pytest.mark.skipif(NODE is None, reason="needs Node")
def test_the_page_names_what_it_cannot_draw_because_each_costs_nothing():
    pairs = [costing(0.0, name, s, 0.5) for name in ("head", "full") for s in (0, 1)]
    where = {"cost": "share_adapter", "scored": "F1-macro x 100", "scored-on": "both missing"}
    shown = browsed(results_of(pairs), **where)
    assert not shown["circles"]
    (said,) = shown["costs"]
    assert ": not drawn, because each costs 0: " in said


@pytest.mark.skipif(NODE is None, reason="needs Node")
def test_the_page_still_puts_the_highest_first_where_more_is_better():
    pairs = [record(name, s, f1) for name, f1 in (("head", 0.3), ("mora", 0.5), ("full", 0.4)) for s in (0, 1)]
    shown = browsed(results_of(pairs))
    assert [row[1] for row in shown["rows"]][:3] == ["mora (r=4, blocks 0)", "full", "head"]
    assert "descending" in shown["sorted"]
    assert shown["hint"] == ["F1-macro x 100 (higher is better)"]


def disagreeing():
    """Three scores that must agree, and mAP beside them; by F1 at 0.5 one row is better, by AUROC the other."""
    pairs = []
    for name, three in (("mora", (0.5, 0.6, 0.7)), ("head", (0.4, 0.5, 0.8))):
        for seed in range(4):
            entry, cell_scores = record(name, seed)
            at = [value + 0.002 * (seed % 2) * (name == "mora") for value in three]
            names = ("f1_macro", "f1_macro_tuned", "auroc")
            scores = dict(zip(names, at, strict=True)) | {"map": 0.9, "n": 30}
            setting = msgspec.structs.replace(cell_scores.test["complete"], scores=scores)
            settings = dict.fromkeys(masks.patterns(entry.cell.modalities), setting)
            curve = Curve(mean=[0.6, 0.5, 0.4], std=[0.0] * 3, draws=8, area=0.5, worst=0.4)
            cell_scores = msgspec.structs.replace(
                cell_scores,
                val=settings,
                test=settings,
                rates=RATES,
                curves=dict.fromkeys(("text", "image", "both"), curve),
            )
            pairs.append((entry, cell_scores))
    return pairs


@pytest.mark.skipif(NODE is None, reason="needs Node")
def test_the_page_shows_every_score_of_a_pattern_and_names_no_lead_by_one():
    shown = browsed(results_of(disagreeing()))
    mora = next(row for row in shown["rows"] if row[1].startswith("mora"))
    assert mora[3:7] == ["50.1 ± 0.1", "60.1 ± 0.1", "70.1 ± 0.1", "90.0 ± 0.0"]
    (hint,) = shown["hint"]
    assert "tested: both missing. Who leads depends on the threshold: mora (r=4, blocks 0) is best by" in hint
    assert (
        "One score alone does not decide a lead. By F1 at 0.5, F1 at val., AUROC, at the missing rate"
        in shown["answer"]
    )
    assert "Not clearly different" not in shown["answer"]
    # Its curves are the same, which the page lists as it says above the sentence.
    assert shown["answer"].endswith("By this score alone, not clearly different: mora (r=4, blocks 0) (50.0).")
    assert "one score names no lead" in shown["of curves"]


@pytest.mark.skipif(NODE is None, reason="needs Node")
@pytest.mark.parametrize("chosen", [{"budget": "1"}, {"compute": "0.5"}])
def test_under_a_budget_the_page_quotes_no_sentence_about_what_the_budget_leaves_out(chosen):
    pairs = []
    for entry, scores in disagreeing():
        dear = entry.cell.method == "mora"
        parameters = msgspec.structs.replace(entry.parameters, share_adapter=2.05 if dear else 0.1)
        flops = msgspec.structs.replace(entry.flops, step_forward=9e9 if dear else 1e9)
        pairs.append((msgspec.structs.replace(entry, parameters=parameters, flops=flops), scores))
    results = results_of(pairs)
    assert "mora (r=4, blocks 0) is best by" in browsed(results)["answer"]
    answer = browsed(results, **chosen)["answer"]
    assert "head scores 50.0" in answer
    assert "mora" not in answer
    assert "is shown only without a budget" in answer


@pytest.mark.skipif(NODE is None, reason="needs Node")
@pytest.mark.parametrize("chosen", [{"budget": "1"}, {"budget": "6"}, {"compute": "0.1"}, {"compute": "0.5"}])
def test_what_costs_an_unknown_amount_fits_no_budget_and_is_named(chosen):
    pairs = []
    for entry, scores in grid("wrong", "wrong", 0.01):
        unknown = entry.cell.method == "mora"
        pairs.append((msgspec.structs.replace(entry, parameters=None, flops=None) if unknown else entry, scores))
    results = results_of(pairs)
    answer = browsed(results)["answer"]
    assert "mora (r=4, blocks 0) scores" in answer
    assert "Cost not known" not in answer
    answer = browsed(results, **chosen)["answer"]
    assert "tfidf scores" in answer
    assert answer.endswith(" Cost not known: mora (r=4, blocks 0).")
    nothing = browsed(results_of([own for own in pairs if own[0].cell.method == "mora"]), **chosen)["answer"]
    assert nothing.endswith("Nothing fits that budget. Cost not known: mora (r=4, blocks 0).")
