"""Claims against results made by hand, and the table of ours."""

from pathlib import Path

import numpy as np
import pytest
from by_hand import record

from mora_bench.claims.claim import CANNOT, NOT, REPRODUCED, UNTOLD, Claim, ClaimOutcome, Folders, beats, suffices
from mora_bench.claims.published import CLAIMS, method
from mora_bench.claims.table import markdown
from mora_bench.cli import main as cli
from mora_bench.records.store import Store

GOLDEN = Path(__file__).parent / "golden-claims.md"
REFERENCE = Path(__file__).parents[2] / "results" / "reference"


def folders(root, mora, head):
    for seed, (first, second) in enumerate(zip(mora, head, strict=True)):
        for entry, scores in (record("mora", seed, first), record("head", seed, second)):
            Store(root / "resolve").write(entry.cell, entry, None, scores)
    return Folders(root)


NOISE = np.array([0.0, 0.01, -0.01, 0.005])


@pytest.mark.parametrize(
    ("more", "spread", "verdict"),
    [(0.05, 0.1, REPRODUCED), (-0.05, 0.1, NOT), (0.0, 0.1, NOT), (0.0, 3.0, UNTOLD), (0.02, 3.0, UNTOLD)],
)
def test_better_is_reproduced_refuted_or_not_to_be_told(tmp_path, more, spread, verdict):
    results = folders(tmp_path, 0.5 + NOISE + more + spread * NOISE[::-1], 0.5 + NOISE)
    assert beats("resolve", method("mora"), method("head"))(results).verdict == verdict


@pytest.mark.parametrize(
    ("more", "spread", "verdict"),
    [(0.05, 0.1, REPRODUCED), (0.0, 0.1, REPRODUCED), (-0.05, 0.1, NOT), (0.0, 3.0, UNTOLD)],
)
def test_enough_is_reproduced_refuted_or_not_to_be_told(tmp_path, more, spread, verdict):
    results = folders(tmp_path, 0.5 + NOISE + more + spread * NOISE[::-1], 0.5 + NOISE)
    assert suffices("resolve", method("mora"), method("head"))(results).verdict == verdict


def test_without_the_rows_nothing_is_claimed(tmp_path):
    outcome = beats("resolve", method("mora"), method("head"))(Folders(tmp_path))
    assert outcome.verdict == CANNOT
    assert "does not hold both rows" in outcome.why
    results = folders(tmp_path, [0.5], [0.4])
    assert beats("resolve", method("mora"), method("head"))(results).verdict == CANNOT


def test_counts_are_the_published_ones():
    verdicts = {claim.name: claim.test(Folders(REFERENCE)).verdict for claim in CLAIMS[:5]}
    assert set(verdicts.values()) == {REPRODUCED}
    assert set(verdicts) == {"share, ODIR", "share, CXR", "adapter", "MAP's prompts", "MSP's prompts"}


def test_text_is_escaped():
    claim = Claim("a|b", "s*", "", "", "", lambda results: ClaimOutcome("", CANNOT, "", ""))
    assert "a\\|b" in markdown([(claim, claim.test(Folders(REFERENCE)))])


def test_the_command_prints_the_golden_table_of_the_shipped_results(capsys):
    """Golden, so that a change of a verdict is seen."""
    assert cli.main(["claims", "--results", str(REFERENCE)]) == 0
    assert capsys.readouterr().out == GOLDEN.read_text()


def test_the_command_names_a_folder_that_is_not_there(tmp_path, capsys):
    assert cli.main(["claims", "--results", str(tmp_path / "none")]) == 2
    assert "no such folder" in capsys.readouterr().err
