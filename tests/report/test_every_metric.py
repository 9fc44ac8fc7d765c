"""`report`, and `report --metric M` for every metric, of both tasks: one golden file a task."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from by_hand import predictor, record

from mora_bench.missing import masks
from mora_bench.records.schema import Setting
from mora_bench.records.store import Store
from mora_bench.report import summary, tables
from mora_bench.report.write import read
from mora_bench.scoring.pick import stratified
from mora_bench.tasks.named import task_of

#: How far the logits of each row stand out of the noise.
ROWS = {"mora": 2.0, "head": 1.2, "tfidf": 1.6}
CLASSES, SAMPLES = 3, 120


def golden_file(task):
    return Path(__file__).parent / f"golden-metrics-{task}.md"


def pair(task, name, seed):
    """A record with the scores of made predictions; one class is in no sample without a picture."""
    rng = np.random.default_rng(seed)
    one = np.eye(CLASSES, dtype=np.uint8)[rng.integers(0, CLASSES, SAMPLES)]
    targets = one if task == "multi-class" else (rng.random((SAMPLES, CLASSES)) < (0.5, 0.3, 0.1)).astype(np.uint8)
    logits = ROWS[name] * (2.0 * targets - 1) + np.random.default_rng([seed, len(name)]).normal(0, 2, targets.shape)
    present = np.array([[1, 1], [1, 0], [0, 1]], bool)[np.arange(SAMPLES) % 3]
    present[targets[:, 2] > 0, 1] = True
    kind = task_of(task)
    values, strata = stratified(kind, targets, np.repeat(logits[:, None], 3, 1), present, ("text", "image"))
    half = np.arange(SAMPLES) < SAMPLES // 2
    values |= kind.tuned((targets[half], logits[half]), targets, logits)
    values |= kind.weighted(targets, logits, np.where(half, 1.0, 2.0))
    # Numbers without meaning are null in the files.
    setting = Setting(scores=values, strata=strata, realised={}, counts=kind.counts(targets, logits))
    entry, scores = (predictor if name == "tfidf" else record)(name, seed, task=task)
    entry = msgspec.structs.replace(entry, data=msgspec.structs.replace(entry.data, labels=list("abc")))
    settings = dict.fromkeys(masks.patterns(entry.cell.modalities), setting)
    return entry, msgspec.structs.replace(scores, task=task, val=settings, test=settings)


def golden(task, folder):
    for name in ROWS:
        for seed in range(3):
            entry, scores = pair(task, name, seed)
            Store(folder).write(entry.cell, entry, None, scores)
    parts = []
    for metric in ("", *task_of(task).metrics):
        results = read(folder, metric)
        (table,) = results.comparisons
        title = metric or "scores that must agree"
        parts += [f"# {title}", "", *summary.sentences(results), "", tables.markdown(table)]
    return "\n".join(parts)


@pytest.mark.parametrize("task", ["multi-label", "multi-class"])
def test_every_metric_has_its_golden_table(task, tmp_path):
    """To accept a new look: `python tests/report/test_every_metric.py`."""
    assert golden(task, tmp_path) == golden_file(task).read_text()


if __name__ == "__main__":
    import tempfile

    for task in ("multi-label", "multi-class"):
        with tempfile.TemporaryDirectory() as made:
            golden_file(task).write_text(golden(task, Path(made)))
