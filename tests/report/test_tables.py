"""Tables from records made by hand: aggregation, notes, escaping, and a golden table."""

import copy
import csv
import io
from pathlib import Path

import pytest

from mora_bench.cli import main as cli
from mora_bench.report import frame, tables
from mora_bench.report.compare import compare

FAMILIES = {"own": "mine", "mora": "MoRA", "map": "missing-aware", "lora": "low-rank", "head": "fine-tuning"}
GOLDEN = Path(__file__).parent / "golden.md"


def record(method="mora", seed=0, f1=0.5, **cell):
    strata = {name: {"f1_macro": f1 / 2, "n": 1} for name in ("complete", "text_only", "image_only")}
    scores = {p: {"f1_macro": f1, "n": 3, "strata": strata} for p in frame.PATTERNS}
    base = {
        "dataset": "odir", "source": "twin", "data": "d" * 16, "split": "patient", "missing": "both", "rate": 0.7,
        "method": method, "method_version": 1, "rank": 4 if method == "mora" else None,
        "blocks": [0] if method == "mora" else None, "impute": "dummy", "impute_version": 1, "backbone": "small",
        "weights": "w" * 16, "recipe": {"epochs": 1, "lr": 0.001}, "seed": seed,
    }  # fmt: skip
    return {
        "key": f"{method}{seed}{cell}",
        "status": "done",
        "cell": base | cell,
        "scores": {"test_rate": 0.7, "test": scores, "val": scores},
        "training": {"best_val_f1_macro": f1},
        "parameters": {
            "trained": {"adapter": 9},
            "share_adapter": 0.01,
            "share_adapter_head": 1.5,
            "share_total": 2.25,
        },
        "flops": {"forward": 2e9, "step_forward": 2e9, "step_backward": 1e9},
        "time": {"step_ms": 12.0, "epoch_s": 1.0},
        "provenance": {"device": "Toy CPU", "threads": 1, "workers": 2},
    }


def failed(method="mora", seed=0):
    whole = record(method, seed)
    return {k: whole[k] for k in ("key", "cell", "provenance")} | {"status": "failed", "error": "Boom: a_b|c & 5 %"}


def only(records):
    (table,) = compare(frame.cells(records))
    return table


def row(table, start):
    return next(r for s in table.sections for r in s.rows if r.label.startswith(start))


def test_mean_and_sample_standard_deviation():
    table = only([record(f1=f, seed=s) for s, f in enumerate((0.4, 0.5, 0.6))])
    found = row(table, "mora")
    assert found.mean["f1 both"] == pytest.approx(0.5)
    assert found.std["f1 both"] == pytest.approx(0.1)
    assert "**50.0 ± 10.0**" in tables.markdown(table)


def test_an_unequal_set_of_seeds_is_noted_and_never_best():
    records = [record("full", s, 0.3) for s in range(3)] + [record("mora", s, 0.9) for s in range(2)]
    table = only(records)
    assert row(table, "mora").note == "no result for seed 2 (not run); not compared"
    assert not row(table, "mora").best
    assert "f1 both" in row(table, "full").best
    assert "mora (r=4, blocks 0)*" in tables.markdown(table)


def test_a_failed_cell_is_a_dash_with_its_reason():
    table = only([record("full", 0), failed("mora", 0)])
    text = tables.markdown(table)
    assert "| mora (r=4, blocks 0)* |" in " ".join(text.split()).replace("  ", " ")
    assert "—" in text
    assert r"Boom: a\_b\|c & 5 %" in text
    assert r"Boom: a\_b|c \& 5 \%" in tables.latex(table)


def test_a_grid_of_failures_still_has_a_table():
    table = only([failed("mora", 0), failed("full", 0)])
    assert "—" in tables.markdown(table)


def test_real_and_twin_never_share_a_table():
    found = compare(frame.cells([record(), record(source="real")]))
    assert [t.name for t in found] == ["comparison-real", "comparison-twin"]
    assert found[0].caption.startswith("Real data.")
    assert "not patients" in found[1].caption


def test_other_backbones_get_tables_of_their_own():
    found = compare(frame.cells([record(), record(backbone="a/b", weights="z" * 16)]))
    assert {t.name for t in found} == {"comparison-twin-small-wwwwww-patient", "comparison-twin-a-b-zzzzzz-patient"}


def test_labels_name_what_differs():
    table = only([record(rank=1), record(rank=4), record("full", recipe={"epochs": 1, "lr": 0.1}), record("full")])
    assert {r.label for r in table.sections[0].rows} == {
        "mora (r=1, blocks 0)", "mora (r=4, blocks 0)", "full (lr=0.1)", "full (lr=0.001)",
    }  # fmt: skip


def test_an_imputer_is_named_where_several_are_compared():
    table = only([record("head", impute="dummy"), record("head", impute="mean")])
    assert {r.label for r in table.sections[0].rows} == {"head (impute=dummy)", "head (impute=mean)"}


def test_times_of_different_machines_are_not_compared():
    other = record("full")
    other["provenance"] = {"device": "Another", "threads": 1, "workers": 2}
    table = only([record(), other])
    assert all(r.cost["step_ms"] != r.cost["step_ms"] for r in table.sections[0].rows)
    assert any("different hardware" in note for note in table.notes)


def test_csv_is_unrounded_and_complete():
    table = only([record(f1=1 / 3)])
    (line,) = csv.DictReader(io.StringIO(tables.comma_separated(table)))
    assert float(line["f1 both mean"]) == 1 / 3
    assert line["f1 both std"] == ""
    assert line["seeds"] == "1"


def test_scores_have_a_row_a_cell_split_test_and_stratum():
    assert len(list(frame.scores([record(), failed()]))) == 2 * 4 * 4


def test_latex_is_balanced_and_escaped():
    text = tables.latex(only([record(), record("full")]))
    assert text.count("{") == text.count("}")
    assert text.count(r"\begin") == text.count(r"\end") == 2
    columns = text.split(r"\begin{tabular}{")[1].split("}")[0]
    for line in text.splitlines():
        if line.startswith(("mora", "full", "method")):
            assert line.count(" & ") == len(columns) - 1


def test_golden():
    """To accept a new look: python -c "from test_tables import *; GOLDEN.write_text(golden())" in this folder."""
    assert golden() == GOLDEN.read_text()


def golden():
    records = [record(m, s, f) for m, f in (("full", 0.4), ("head", 0.3), ("mora", 0.5)) for s in range(2)]
    records += [copy.deepcopy(r) for r in records]
    for r in records[6:]:
        r["cell"]["dataset"] = "cxr"
        r["key"] += "cxr"
    records[-1] |= failed("mora", 1) | {"cell": records[-1]["cell"]}
    return tables.markdown(only(records))


def test_the_committed_records_give_the_committed_tables(tmp_path):
    import shutil

    for folder in sorted((Path(__file__).parents[2] / "results").iterdir()):
        if not (folder / "records").is_dir():
            continue
        shutil.copytree(folder / "records", tmp_path / folder.name / "records")
        assert cli.main(["report", str(tmp_path / folder.name)]) == 0
        for table in (folder / "tables").iterdir():
            assert (tmp_path / folder.name / "tables" / table.name).read_bytes() == table.read_bytes(), table


def test_rows_stand_by_family():
    records = [record(method) | {"method": {"family": family}} for method, family in FAMILIES.items()]
    table = only(records)
    assert [r.label for r in table.sections[0].rows] == ["head", "lora", "map", "mora (r=4, blocks 0)", "own"]
    lines = [line.split("|")[1:3] for line in tables.markdown(table).splitlines() if line.startswith("|")]
    assert [a.strip() for a, _ in lines[2:7]] == ["fine-tuning", "low-rank", "missing-aware", "MoRA", "mine"]
