"""What can be read off a frozen backbone, at each depth: linear probes and label attention on complete data.

    python benchmarks/probes.py cxr twin small small-dual --figure probes.png
    python benchmarks/probes.py cxr DATA small fused:minilm,lite0 --folds 0 1 2 --json probes.json

No adapter trains. A logistic regression a label (strength of the penalty by validation AUROC, then by validation F1) is
fitted on: what the backbone's own pooling gives; the mean token of the last block, after the norm before pooling, with
what stands in for absent modalities (the readout `mean`); at every depth, the mean of the tokens that a sample has.
At the depths of --attention also one attention a label (the readout `labels`) on the tokens, each normed, trained until
validation AUROC ends. Printed: test F1-macro at 0.5 and at validation's thresholds, and AUROC, x 100, mean over folds.
"""

import argparse
import json
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from regressions import fitted
from sklearn.exceptions import ConvergenceWarning
from tabulate import tabulate
from torch import Tensor

from mora_bench import campaign
from mora_bench.backbones.tokens import Tokens
from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime
from mora_bench.data.samples import View
from mora_bench.data.sides import sides
from mora_bench.methods.network import BLOCKS, Model, PrefixState
from mora_bench.methods.readout import MEAN, LabelAttention, read
from mora_bench.tasks.contract import Task
from mora_bench.tasks.named import task_of
from mora_bench.training.cell import build
from mora_bench.training.decoded import samples

STRENGTHS = (0.1, 1, 10, 100, 1000, 10_000)
BATCH, RATE, EPOCHS, PATIENCE = 64, 5e-3, 60, 6
SCORES = ("F1", "F1, validation's thresholds", "AUROC")
POOLED, LAST = "pooled, as published", "mean of the last block, as the readout"

#: Of a side's batches: the tokens of each stream, and the samples' targets [B, C].
Batches = list[tuple[list[Tokens], Tensor]]


def present(tokens: Tokens) -> Tokens:
    """Tokens of modalities that a sample has; where it has none of a stream's, all of that stream stay."""
    modality = tokens.modality.long()
    shown = (modality >= 0) & tokens.present.gather(1, modality.clamp(min=0))
    shown |= ~shown.any(1, keepdim=True) & (modality >= 0)
    return replace(tokens, modality=tokens.modality.masked_fill(~shown, -1))


def means(streams: Sequence[Tokens]) -> np.ndarray:
    """The mean tokens of each stream side by side, [B, F]."""
    return torch.cat([tokens.mean() for tokens in streams], -1).numpy()


def normed(tokens: Tokens) -> Tokens:
    return tokens.with_x(F.layer_norm(tokens.x, tokens.x.shape[-1:]))


@torch.no_grad()
def depths_of(model: Model, view: View, at: np.ndarray) -> Iterator[tuple[int, PrefixState]]:
    """The tokens of samples after each number of blocks, from 0 on."""
    state = model._run(view.batch(at), 0, BLOCKS)
    yield 0, state
    for block in range(model.backbone.depth):
        state = model._run(state, BLOCKS + block, BLOCKS + block + 1)
        yield block + 1, state


def extracted(model: Model, view: View, attended: set[int]) -> tuple[dict[str, np.ndarray], dict[int, Batches]]:
    """Features of a side's samples by what they are, [n, F], and tokens at the depths that labels attend to."""
    features: dict[str, list[np.ndarray]] = defaultdict(list)
    batches: dict[int, Batches] = defaultdict(list)
    for at in np.split(np.arange(len(view)), range(BATCH, len(view), BATCH)):
        for depth, state in depths_of(model, view, at):
            streams = [present(tokens) for tokens in state.streams]
            features[after(depth)].append(means(streams))
            if depth in attended:
                batches[depth].append(([normed(tokens) for tokens in streams], view.targets[at]))
        with torch.no_grad():
            features[POOLED].append(model.backbone.pool(state.streams, model.pooler).numpy())
            combiner = model.backbone.make_combiner()
            features[LAST].append(read(MEAN, model.backbone, state.streams, combiner, model.head).numpy())
    return {name: np.concatenate(parts) for name, parts in features.items()}, batches


def after(depth: int) -> str:
    return f"mean after block {depth - 1}" if depth else "mean of the embeddings, before block 0"


def scored(task: Task, targets: dict[str, np.ndarray], logits: dict[str, np.ndarray]) -> tuple[float, ...]:
    """Test scores as in `SCORES`."""
    scores = task.scores(targets["test"], logits["test"])
    tuned = task.tuned((targets["val"], logits["val"]), targets["test"], logits["test"])
    return scores["f1_macro"], tuned["f1_macro_tuned"], scores["auroc"]


def linear(task: Task, features: dict[str, np.ndarray], targets: dict[str, np.ndarray]) -> tuple[float, ...]:
    """Test scores of the logistic regressions that validate best."""
    rows = []
    for logits in fitted(features, targets, STRENGTHS):
        validated = task.scores(targets["val"], logits["val"])
        rows.append((validated["auroc"], validated["f1_macro"], scored(task, targets, logits)))
    return (*max(rows, key=lambda row: row[0])[2], *max(rows, key=lambda row: row[1])[2])


def attention(task: Task, batches: dict[str, Batches], targets: dict[str, np.ndarray]) -> tuple[float, ...]:
    """Test scores of one attention a label, of the epoch that validates best."""
    widths = [tokens.x.shape[-1] for tokens in batches["train"][0][0]]
    torch.manual_seed(0)
    head = LabelAttention(widths, sum(widths), targets["train"].shape[1])
    with torch.no_grad():
        head.bias.copy_(torch.from_numpy(task.logits(task.prior(targets["train"].astype(np.float32))[None])[0]))
    optimizer = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=2e-2)

    def predicted(streams: list[Tokens]) -> Tensor:
        return head(torch.cat(head.attend(streams), -1))

    best: tuple[float, tuple[float, ...]] = (-1.0, ())
    since = 0
    for _ in range(EPOCHS):
        for k in torch.randperm(len(batches["train"])).tolist():
            streams, wanted = batches["train"][k]
            optimizer.zero_grad()
            task.loss(predicted(streams), wanted).backward()
            optimizer.step()
        with torch.no_grad():
            logits = {n: torch.cat([predicted(streams) for streams, _ in batches[n]]).numpy() for n in ("val", "test")}
        validated = task.scores(targets["val"], logits["val"])["auroc"]
        since = 0 if validated > best[0] else since + 1
        best = max(best, (validated, scored(task, targets, logits)), key=lambda epoch: epoch[0])
        if since == PATIENCE:
            break
    return (*best[1], *best[1])


def probed(cell: Cell, runtime: Runtime, attended: Sequence[int]) -> dict[str, tuple[float, ...]]:
    """Scores of every probe of a cell's backbone on its split: those chosen by AUROC, then those chosen by F1."""
    assert cell.recipe is not None
    data = samples(cell.dataset, cell.backbone, cell.recipe.max_text, runtime)
    views = {name: View(data, side.rows, side.natural) for name, side in sides(cell, data.table).items()}
    # Drawn once, so that batches of training samples are no stretches of a file.
    order = np.random.default_rng(0).permutation(len(views["train"]))
    views["train"] = View(data, views["train"].rows[order], views["train"].present[order])
    model = build(cell, data, views["train"], torch.device("cpu")).eval()
    depth = model.backbone.depth
    chosen = {d if d >= 0 else depth + 1 + d for d in attended}
    both = {name: extracted(model, view, chosen) for name, view in views.items()}
    targets = {name: view.targets.numpy().astype(np.uint8) for name, view in views.items()}
    task: Task = task_of(cell.task)
    by_probe = {}
    for name in both["train"][0]:
        by_probe[name] = linear(task, {side: extract[0][name] for side, extract in both.items()}, targets)
        print(f"{cell.label}: {name}", *(f"{100 * score:.1f}" for score in by_probe[name]), flush=True)
    for d in sorted(chosen):
        name = f"label attention, {after(d).removeprefix('mean of the ').removeprefix('mean ')}"
        by_probe[name] = attention(task, {side: extract[1][d] for side, extract in both.items()}, targets)
        print(f"{cell.label}: {name}", *(f"{100 * score:.1f}" for score in by_probe[name]), flush=True)
    return by_probe


def drawn(by_backbone: dict[str, dict[str, list[float]]], file: Path) -> None:
    """Scores of the mean token against depth, a line a backbone; a cross is what its own pooling gives."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(9, 3.4), constrained_layout=True)
    for panel, k in zip(panels, (1, 2), strict=True):
        for backbone, rows in by_backbone.items():
            curve = [scores[k] for name, scores in rows.items() if name.startswith("mean") and name != LAST]
            line = panel.plot(range(len(curve)), curve, marker="o", markersize=3, label=backbone)[0]
            panel.plot(len(curve) - 1, rows[POOLED][k], marker="x", color=line.get_color())
        panel.set_xlabel("blocks run (0: embeddings); x: as published")
        panel.set_ylabel(f"{SCORES[k]} x 100")
    panels[0].legend(frameon=False, fontsize=8)
    figure.savefig(file, dpi=150, metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("root", help="the data folder, or twin")
    parser.add_argument("backbones", nargs="+")
    parser.add_argument("--folds", nargs="+", type=int, default=[0])
    parser.add_argument("--max-text", type=int, default=128)
    parser.add_argument("--attention", nargs="*", type=int, default=[0, 2, -1], help="numbers of blocks; -1: all")
    parser.add_argument("--json", type=Path, help="where all scores go, and those of earlier backbones come from")
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    by_backbone = json.loads(options.json.read_text()) if options.json and options.json.exists() else {}
    for backbone in options.backbones:
        grid = campaign.preset(
            "quick", datasets=(options.dataset,), methods=("head",), floors=("none",), missing=("complete",),
            seeds=tuple(options.folds), backbone=(backbone,), overrides={},
            data_root=None if options.root == "twin" else Path(options.root),
        )  # fmt: skip
        grid = replace(grid, pool=0, recipe=replace(grid.recipe, max_text=options.max_text))
        runtime = campaign.runtime(grid)
        fold_scores = [probed(cell, runtime, options.attention) for cell in campaign.plan(grid, runtime).cells]
        means_of = {
            name: (100 * np.mean([fold[name] for fold in fold_scores], 0)).round(2).tolist() for name in fold_scores[0]
        }
        by_backbone[Path(backbone).name if "," not in backbone else backbone] = means_of
        if options.json:
            options.json.write_text(json.dumps(by_backbone, indent=1) + "\n")
    folds = ", ".join(map(str, options.folds))
    for backbone, rows in by_backbone.items():
        print(f"\n{options.dataset} ({'twin' if options.root == 'twin' else 'real'}), {backbone}, folds {folds}\n")
        body = [[name, *(f"{score:.1f}" for score in scores)] for name, scores in rows.items()]
        headers = ["probe", *SCORES, *(f"{score}; chosen by F1" for score in SCORES)]
        print(tabulate(body, headers, tablefmt="github", disable_numparse=True))
    if options.figure:
        drawn(by_backbone, options.figure)


if __name__ == "__main__":
    warnings.simplefilter("ignore", ConvergenceWarning)
    torch.set_num_threads(1)
    main()
