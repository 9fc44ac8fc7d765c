"""The parts of the table of probes: which tokens count, and probes that find what was planted."""

import importlib.util
from pathlib import Path

import numpy as np
import torch

from mora_bench.backbones.tokens import Tokens
from mora_bench.tasks.multilabel import MultiLabel

SPEC = importlib.util.spec_from_file_location("probes", Path(__file__).parents[1] / "benchmarks" / "probes.py")
probes = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(probes)

SIDES = {"train": 128, "val": 64, "test": 64}


def test_only_tokens_of_what_a_sample_has_count_and_of_a_stream_without_any_all():
    modality = torch.tensor([[0, 0, 1, -1], [0, 0, 1, 1]], dtype=torch.int8)
    present = torch.tensor([[True, False], [False, True]])
    tokens = Tokens(torch.ones(2, 4, 3), modality >= 0, present, modality)
    assert probes.present(tokens).modality.tolist() == [[0, 0, -1, -1], [-1, -1, 1, 1]]
    text = Tokens(torch.ones(2, 2, 3), torch.ones(2, 2, dtype=torch.bool), present, torch.zeros(2, 2, dtype=torch.int8))
    assert probes.present(text).modality.tolist() == [[0, 0], [0, 0]]


def planted(seed: int):
    """Tokens of noise, one of which says whether a label is true; and a label that nothing says."""
    rng = np.random.default_rng(seed)
    targets = {name: rng.integers(0, 2, (n, 2)).astype(np.uint8) for name, n in SIDES.items()}
    batches = {}
    for name, truth in targets.items():
        x = torch.from_numpy(rng.normal(size=(len(truth), 30, 8)).astype(np.float32))
        x[:, 17, 0] = 8.0
        x[:, 17, 1] = 6.0 * torch.from_numpy(truth[:, 0].astype(np.float32)) - 3
        wanted = torch.from_numpy(truth.astype(np.float32))
        batches[name] = [([tokens_of(x[k : k + 8])], wanted[k : k + 8]) for k in range(0, len(truth), 8)]
    return targets, batches


def tokens_of(x: torch.Tensor) -> Tokens:
    ones = torch.ones(x.shape[:2], dtype=torch.bool)
    return Tokens(x, ones, ones[:, :1], torch.zeros(x.shape[:2], dtype=torch.int8))


def means_of(batches) -> np.ndarray:
    return np.concatenate([probes.means(streams) for streams, _ in batches])


def test_probes_find_what_was_planted_and_attention_more_than_the_mean():
    targets, batches = planted(0)
    only = {name: truth[:, :1] for name, truth in targets.items()}
    means = {name: means_of(side) for name, side in batches.items()}
    read = {name: [(streams, wanted[:, :1]) for streams, wanted in side] for name, side in batches.items()}
    *_, mean = probes.linear(MultiLabel(), means, only)[:3]
    *_, attended = probes.attention(MultiLabel(), read, only)[:3]
    assert 0.55 < mean < attended - 0.1
    assert attended > 0.9


def test_probes_of_a_label_that_nothing_says_are_at_chance():
    targets, batches = planted(1)
    nothing = {name: truth[:, 1:] for name, truth in targets.items()}
    means = {name: means_of(side) for name, side in batches.items()}
    *_, auroc = probes.linear(MultiLabel(), means, nothing)[:3]
    assert abs(auroc - 0.5) < 0.25


def test_the_figure_has_a_line_for_each_backbone(tmp_path):
    rows = {probes.after(k): [1.0, 2.0, 3.0] for k in range(3)} | {probes.POOLED: [4.0, 5.0, 6.0]}
    probes.drawn({"one": rows, "other": rows}, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes()[:4] == b"\x89PNG"
