"""Gaps inside signals: what each mechanism takes, and that all who read a cell's signals see the same."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.numpy import load_file

from mora_bench import registry
from mora_bench.cells.cell import Scoring
from mora_bench.cells.missing import NO_GAPS, Gaps, Missing
from mora_bench.checks.run import check
from mora_bench.checks.small import cell
from mora_bench.cli import main as cli
from mora_bench.data import cache
from mora_bench.data.modalities.series import Series
from mora_bench.data.modalities.signal import Gapped, SignalInputs
from mora_bench.data.modalities.windows import Windows
from mora_bench.data.sides import Side
from mora_bench.data.table import Column, Table
from mora_bench.errors import UserError
from mora_bench.missing.gaps.draw import with_gaps
from mora_bench.records.store import Store
from mora_bench.training import gaps, guards

NAMES = registry.names(registry.GAPS)
NAN = np.nan


@pytest.mark.parametrize("name", NAMES)
def test_each_keeps_every_rule(name):
    assert [(rule, problem) for rule, problem in check(registry.GAPS, name) if problem] == []


def taken(values, text, *names):
    return with_gaps(np.asarray(values, float), Gaps.of(text), *(names or ("id",)))


def test_the_end_is_lost_in_all_channels():
    values = taken(np.arange(8).reshape(4, 2), "end@0.5")
    np.testing.assert_array_equal(values, [[0, 1], [2, 3], [NAN, NAN], [NAN, NAN]])


def test_a_block_is_one_stretch_that_may_lie_anywhere():
    begins = []
    for k in range(200):
        lost = np.isnan(taken(np.zeros((10, 2)), "block@0.3", k))
        assert (lost[:, 0] == lost[:, 1]).all()
        (at,) = np.nonzero(lost[:, 0])
        assert at.tolist() == list(range(at[0], at[0] + 3))
        begins.append(at[0])
    assert set(begins) == set(range(8))


def test_high_values_are_lost_more_often_in_each_channel_by_its_own_scale():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(4000, 2)) * [1, 1000]
    lost = np.isnan(taken(values, "high@0.4"))
    np.testing.assert_allclose(lost.mean(0), 0.4, atol=0.03)
    for channel in range(2):
        high = values[:, channel] > np.median(values[:, channel])
        assert lost[high, channel].mean() > 2 * lost[~high, channel].mean()


@given(
    arrays(float, st.tuples(st.integers(1, 20), st.integers(1, 3)), elements=st.sampled_from([NAN, 0.0, 1.0, 2.5])),
    st.sampled_from(NAMES),
    st.floats(0.01, 0.99),
)
def test_natural_gaps_stay_others_keep_their_value_and_one_value_stays(values, name, rate):
    gapped = with_gaps(values, Gaps(name, rate), "id")
    seen, left = np.isfinite(values), np.isfinite(gapped)
    assert not (left & ~seen).any()
    np.testing.assert_array_equal(gapped[left], values[left])
    assert left.any() == seen.any()


@pytest.mark.parametrize("rate", ["0", "1", "1.5", "-1", "half", ""])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(UserError, match=r"expected (none, or a name and a rate|a rate between 0 and 1)"):
        Gaps.of(f"block@{rate}")


def test_a_signal_of_gaps_alone_gives_what_an_absent_one_gives():
    torch.manual_seed(0)
    net = Windows([np.random.default_rng(0).normal(size=(32, 2)).astype(np.float32)], 2, 12)
    values = torch.full((2, 32, 2), NAN)
    tokens, mask = net(SignalInputs(values, torch.tensor([32, 0])))
    assert torch.equal(mask[0], mask[1])
    assert torch.equal(tokens[0][mask[0]], tokens[1][mask[1]])


def clinic(n=12):
    rng = np.random.default_rng(0)
    values = [None if i % 4 == 3 else Series(rng.normal(size=(20 + i, 2)), 1.0, ("a", "b")) for i in range(n)]
    ids = tuple(f"s{i}" for i in range(n))
    modalities = {"note": Column("text", ("seen",) * n), "ecg": Column("signal", tuple(values))}
    return Table("clinic", "real", ("ill",), ids, ids, modalities, (np.arange(n) % 2)[:, None].astype(np.uint8))


@pytest.mark.parametrize("name", NAMES)
def test_networks_and_competitors_see_the_same_values(name, tmp_path):
    gapped = replace(cell(0), dataset="clinic", source="real", gaps=Gaps(name, 0.5))
    cohort = clinic()
    table = cohort.only(np.arange(12))
    bare = replace(table, modalities={"ecg": table.modalities["ecg"]})
    samples = gaps.of_samples(gapped, cache.prepare(bare, "print", {}, tmp_path))
    side = gaps.of_side(gapped, Side(bare, np.arange(12)))
    np.testing.assert_array_equal(side.natural, bare.present)
    for row, value in enumerate(side.table.modalities["ecg"].values):
        if value is None:
            assert not len(samples.contents[0].series(row))
            continue
        seen, before = value.read().values, bare.modalities["ecg"].values[row].values
        np.testing.assert_array_equal(samples.contents[0].series(row), seen.astype(np.float32))
        assert np.isnan(seen).mean() == pytest.approx(0.5, abs=0.25)
        assert not np.isnan(before).any()
    facts = samples.contents[0].facts()
    assert facts["measured"] == 1
    assert facts["left"] == pytest.approx(0.5, abs=0.1)


def test_gaps_are_drawn_by_id_data_and_seed_and_by_nothing_else(tmp_path):
    gapped = replace(cell(0), dataset="clinic", source="real", gaps=Gaps("random", 0.5))
    table = replace(clinic(), modalities={"ecg": clinic().modalities["ecg"]})

    def first(cell, rows):
        side = gaps.of_side(cell, Side(table.only(rows), np.arange(len(rows))))
        return side.table.modalities["ecg"].values[0].read().values

    before = first(gapped, np.arange(12))
    np.testing.assert_array_equal(
        first(replace(gapped, method="lora", missing="text", rate=0.3), np.array([0, 5])), before
    )
    for other in (replace(gapped, seed=1), replace(gapped, dataset="another")):
        assert not np.array_equal(first(other, np.arange(12)), before, equal_nan=True)


def test_a_cell_without_gaps_keeps_its_key_and_one_with_them_says_so():
    plain = cell(0)
    gapped = replace(plain, gaps=Gaps("block", 0.5))
    assert plain.gaps is None
    assert gapped.key != plain.key
    assert replace(plain, gaps=Gaps("block", 0.5, "2")).key != gapped.key
    assert "gaps block@0.5" in gapped.label


def test_tests_may_have_other_gaps_than_training():
    half = Gaps("block", 0.5)
    plain, gapped = cell(0), replace(cell(0), gaps=half)
    tested, whole = replace(plain, test_gaps=half), replace(gapped, test_gaps=NO_GAPS)
    assert [c.tested_gaps for c in (plain, gapped, tested, whole)] == [None, half, half, None]
    words = ["", "block@0.5", "none, tested under block@0.5", "block@0.5, tested under none"]
    assert [c.gaps_in_words for c in (plain, gapped, tested, whole)] == words
    assert len({c.key for c in (plain, gapped, tested, whole)}) == 4
    # One thing has one key.
    for same in ({"test_gaps": NO_GAPS}, {"gaps": NO_GAPS}, {"gaps": half, "test_gaps": half}):
        with pytest.raises(UserError, match="where tests are as training"):
            replace(plain, **same)


@pytest.mark.parametrize("text", ["block@0", "block@1", "block", "block@half"])
def test_what_is_no_gap_is_refused(text):
    assert Gaps.of("none") == NO_GAPS
    assert str(NO_GAPS) == "none"
    with pytest.raises(UserError, match="expected"):
        Gaps.of(text)


def test_gaps_of_tests_replace_those_of_training(tmp_path):
    gapped = replace(cell(0), dataset="clinic", source="real", gaps=Gaps("random", 0.5), test_gaps=NO_GAPS)
    table = replace(clinic(), modalities={"ecg": clinic().modalities["ecg"]})
    whole = cache.prepare(table, "print", {}, tmp_path)
    trained = gaps.of_samples(gapped, whole)
    again = gaps.of_samples(gapped, trained, tested=True)
    np.testing.assert_array_equal(again.contents[0].series(0), whole.contents[0].series(0))
    assert np.isnan(trained.contents[0].series(0)).any()
    assert gaps.facts(gapped, trained, whole)["ecg"]["left"] == pytest.approx(0.5, abs=0.1)
    assert "left in tests" not in gaps.facts(gapped, trained, whole)["ecg"]
    # What is left is counted where tests are, which may be other samples than those that train.
    other = replace(gapped, test_gaps=Gaps("random", 0.9))
    assert gaps.facts(other, trained, whole)["ecg"]["left in tests"] == pytest.approx(0.1, abs=0.05)
    side = Side(table, np.arange(12))
    assert gaps.of_side(gapped, side, tested=True) is side
    assert isinstance(gaps.of_side(gapped, side).table.modalities["ecg"].values[0], Gapped)


FILE = """
import numpy as np
from mora_bench.api import Column, Dataset, Series, Table

def read(root):
    rng = np.random.default_rng(0)
    ill = np.arange(90) % 2
    series = [Series(rng.normal(size=(24, 1)) + 3 * own, 1.0, ("hr",)) for own in ill]
    values = tuple(None if i % 9 == 8 else own for i, own in enumerate(series))
    ids = tuple(f"s{i}" for i in range(90))
    modalities = {"note": Column("text", ("seen", "seen again") * 45), "ecg": Column("signal", values)}
    return Table("ward", "real", ("ill",), ids, ids, modalities, ill[:, None].astype("uint8"))

WARD = Dataset("a ward", lambda root: root, read)
"""


def test_a_grid_over_gaps_has_a_section_for_each(tmp_path, folder, as_a_new_user, capsys):
    (tmp_path / "ward.py").write_text(FILE)
    out = tmp_path / "out"
    words = ["grid", "--plugin", str(tmp_path / "ward.py"), "--data-root", str(tmp_path), "--datasets", "ward"]
    words += [
        "--methods",
        "head",
        "--floors",
        "stacked",
        "--seeds",
        "0",
        "--recipe.epochs",
        "1",
        "--backbone",
        str(folder),
    ]
    words += ["--recipe.max-text", "16", "--engine", "inline", "--gaps", "none", "end@0.5", "--out", str(out)]
    assert cli.main(words) == 0, capsys.readouterr().err
    printed = capsys.readouterr().out
    assert "ward, trained on both missing at 70%\n" in printed
    assert "ward, trained on both missing at 70%, gaps end@0.5\n" in printed
    assert "ward: 100 % of the values of ecg were measured, and 50 % are left by gaps end@0.5." in printed
    records, _ = Store(out).records()
    assert {(record.cell.method, str(record.cell.gaps)) for record in records} == {
        (method, gap) for method in ("head", "stacked") for gap in ("None", "end@0.5")
    }
    assert cli.main(["verify", str(out), "--plugin", str(tmp_path / "ward.py")]) == 3
    assert "gaps" in (out / "tables" / "scores.csv").read_text().splitlines()[0].split(",")


def test_a_grid_trains_with_some_gaps_and_tests_with_others(tmp_path, folder, as_a_new_user, capsys):
    (tmp_path / "ward.py").write_text(FILE)
    out = tmp_path / "out"
    words = ["grid", "--plugin", str(tmp_path / "ward.py"), "--data-root", str(tmp_path), "--datasets", "ward"]
    words += ["--methods", "head", "--floors", "stacked", "--seeds", "0", "--recipe.epochs", "2"]
    words += [
        "--recipe.max-text",
        "16",
        "--backbone",
        str(folder),
        "--gaps",
        "none",
        "end@0.5",
        "--out",
        str(out),
        "--engine",
        "inline",
    ]
    words += ["--test-gaps", "same", "none", "end@0.5"]
    assert cli.main([*words, "--plan"]) == 0, capsys.readouterr().err
    assert "8 cells (4 of them without a network)" in capsys.readouterr().out
    assert cli.main(words) == 0, capsys.readouterr().err
    printed = capsys.readouterr().out
    for heading in ("", ", gaps end@0.5", ", gaps none, tested under end@0.5", ", gaps end@0.5, tested under none"):
        assert f"ward, trained on both missing at 70%{heading}\n" in printed
    assert "100 % of the values of ecg were measured, and 50 % are left in tests, by gaps end@0.5." in printed
    assert "and 50 % are left by gaps end@0.5." in printed
    store = Store(out)
    records, _ = store.records()
    by_gaps = {(record.cell.method, record.cell.gaps_in_words): record for record in records}
    assert len(by_gaps) == 8
    for method in ("head", "stacked"):
        none, tested, gapped, whole = (
            by_gaps[method, words]
            for words in ("", "none, tested under end@0.5", "end@0.5", "end@0.5, tested under none")
        )
        logits = {words: load_file(store.prediction_file(r.cell)) for (m, words), r in by_gaps.items() if m == method}
        for side in ("val", "test"):
            of = {words: arrays[f"{side}_logits"] for words, arrays in logits.items()}
            for one, other in (("", tested), ("end@0.5", whole)):
                first, second = of[one], of[other.cell.gaps_in_words]
                # What shows the note alone is the same; what shows the signal is not.
                np.testing.assert_array_equal(first[:, 0], second[:, 0])
                assert not np.array_equal(first[:, 1], second[:, 1], equal_nan=True)
        if method == "head":
            assert none.training.history == tested.training.history != gapped.training.history
            assert gapped.training.history == whole.training.history
    data = ["--plugin", str(tmp_path / "ward.py"), "--data-root", str(tmp_path)]
    assert cli.main(["verify", str(out), *data[:2]]) == 3
    capsys.readouterr()
    key = by_gaps["stacked", "none, tested under end@0.5"].cell.key
    # What is read elsewhere, or later, has no such gaps.
    assert cli.main(["import", str(out), "--like", key, "--template", str(tmp_path / "rows.csv"), *data]) == 2
    assert "its signals have gaps (none, tested under end@0.5); no template says" in capsys.readouterr().err
    assert cli.main(["predict", str(out), key, str(tmp_path / "new.csv"), "--coverage", "0.9", *data]) == 2
    assert "These are of signals with gaps (end@0.5), and new records are read as they are." in capsys.readouterr().err


def test_code_of_gaps_and_mechanisms_that_was_changed_meanwhile_is_seen():
    plain = cell(0)
    assert guards.other_code(plain) == ""
    assert guards.other_code(replace(plain, gaps=Gaps("block", 0.5))) == ""
    other = Gaps("block", 0.5, "1-0123")
    assert guards.other_code(replace(plain, gaps=other)) == "block"
    assert guards.other_code(replace(plain, test_gaps=other)) == "block"
    assert guards.other_code(replace(plain, mechanism=Missing("covariate:age", version="9"))) == "covariate"
    tested = replace(plain, scoring=Scoring(Missing("label", version="9"), 0.3))
    assert guards.other_code(tested) == "label"
    with pytest.raises(UserError, match="label was changed after the grid was planned"):
        guards.same_code(tested)


def test_a_dataset_without_signals_has_no_gaps_and_the_plan_says_so(as_a_new_user, capsys, tmp_path):
    words = ["grid", "--datasets", "odir", "--methods", "head", "--floors", "none", "--seeds", "0", "--plan", "--out"]
    assert cli.main([*words, str(tmp_path / "out"), "--gaps", "none", "block@0.5"]) == 0, capsys.readouterr().err
    assert "odir has no signal that may have gaps" in capsys.readouterr().out
    assert cli.main([*words, str(tmp_path / "out"), "--gaps", "block@0.5"]) == 2
    assert "--gaps block@0.5: odir has no signal that may have gaps. Add none" in capsys.readouterr().err
    assert cli.main([*words, str(tmp_path / "out"), "--gaps", "blok@0.5"]) == 2
    assert "unknown gap mechanism 'blok'" in capsys.readouterr().err
    assert cli.main([*words, str(tmp_path / "out"), "--test-gaps", "block@0.5"]) == 2
    assert "--gaps none --test-gaps block@0.5: odir has no signal that may have gaps" in capsys.readouterr().err
    assert cli.main([*words, str(tmp_path / "out"), "--test-gaps", "block@2"]) == 2
    assert "gaps block@2: expected a rate between 0 and 1" in capsys.readouterr().err
    assert cli.main([*words, str(tmp_path / "out"), "--test-gaps", "none"]) == 0
