"""The pairs of the twins' renderers that both pre-trainings use, and the course of training.

No patient of a benchmark twin is among the pairs, and no label at all.
"""

import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from tqdm import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from mora_bench.backbones.layout import FRAME
from mora_bench.backbones.preprocessor import FILTERS, PREPROCESSOR
from mora_bench.data.modalities.image import ImageInputs
from mora_bench.data.modalities.pictures import ImageRule, resize
from mora_bench.data.readers.texts import chest_text, eye_text
from mora_bench.data.twins import cxr_patients, odir_patients
from mora_bench.text import behind
from mora_bench.workers import context, endable

#: Separates these pairs from every benchmark twin, whose streams are 0.
STREAM = 1
#: How often a text names, and a picture shows, a finding: far more often than in a benchmark twin (twins/noise.py),
#: because a pair that tells of no finding teaches nothing.
CLEAR = 0.95


@dataclass(frozen=True)
class Course:
    """The settings of a pre-training."""

    out: Path
    depth: int = 6
    heads: int = 4
    patch: int = 16
    shorter: int = 77  # of a picture's sides at most, before both are floored to whole patches (ImageRule)
    positions: int = 128
    pairs: int = 8_000  # rendered of each dataset; texts are tokenized once
    steps: int = 5_000
    batch: int = 32
    lr: float = 1e-3
    weight_decay: float = 0.01
    warmup: float = 0.05
    words: float = 2.0  # weight of each of the two losses of words
    seed: int = 0
    threads: int = 1

    @property
    def pictures(self) -> ImageRule:
        """ViLT's own, so that transformers' ViltImageProcessor makes the same pixels."""
        return ImageRule(self.shorter, int(FRAME * self.shorter), self.patch)

    @property
    def image_size(self) -> int:
        """The longest side of a picture, in pixels."""
        return self.pictures.longer // self.patch * self.patch


def render_eyes(seed: int, index: int, rule: ImageRule) -> tuple[str, np.ndarray]:
    rng = np.random.default_rng([seed, STREAM, 0, index])
    patient = odir_patients.case(rng, CLEAR)
    picture = np.concatenate([odir_patients.draw(rng, patient, side) for side in (0, 1)], axis=1)
    return eye_text(*patient.keywords), resize(picture, *rule.size(*picture.shape[:2]))


def render_chest(seed: int, index: int, rule: ImageRule) -> tuple[str, np.ndarray]:
    rng = np.random.default_rng([seed, STREAM, 1, index])
    # One report in twenty is long and says things in other ways, so that later position rows and rare words learn too.
    clear, ways = ((8, 12), 3) if index % 20 == 0 else ((0, 0), 1)
    patient = cxr_patients.case(rng, CLEAR, clear=clear, ways=ways, often=1.0)
    picture = cxr_patients.draw(rng, patient)
    return chest_text(patient.findings, patient.impression), resize(picture, *rule.size(*picture.shape[:2]))


def rendered(
    render: Callable[[int, int, ImageRule], tuple[str, np.ndarray]], pairs: int, seed: int, rule: ImageRule
) -> tuple[list[str], Tensor]:
    """Draw pairs: their texts, and their pictures, uint8 [N, H, W, 3]."""
    jobs = [(seed, index, rule) for index in range(pairs)]
    if pairs < 200:
        drawn = list(starmap(render, jobs))
    else:
        with context().Pool(initializer=endable) as pool:
            drawn = pool.starmap(render, jobs, chunksize=200)
    return [text for text, _ in drawn], torch.from_numpy(np.stack([picture for _, picture in drawn]))


def batches(lengths: Tensor, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Endless batches of row numbers, similar in length so that little padding is computed."""
    while True:
        jitter = lengths + 3 * torch.rand(len(lengths), generator=generator)
        chunks = torch.argsort(jitter)[: len(lengths) // size * size].view(-1, size)
        yield from chunks[torch.randperm(len(chunks), generator=generator)]


def encoded(texts: list[str], tokenizer: Tokenizer, positions: int) -> tuple[Tensor, Tensor]:
    """Texts as padded ids, int64 [N, L], and their lengths, int64 [N]; what exceeds `positions` is cut."""
    ids = [torch.tensor(e.ids[:positions]) for e in tokenizer.encode_batch(texts)]
    return nn.utils.rnn.pad_sequence(ids, batch_first=True), torch.tensor([len(text_ids) for text_ids in ids])


def image_inputs(pictures: Tensor, patch: int) -> ImageInputs:
    """Pictures of one size, uint8 [B, H, W, 3], as a backbone wants them."""
    pixels = pictures.permute(0, 3, 1, 2).float() / 127.5 - 1
    grid = torch.tensor(pixels.shape[2:]).div(patch, rounding_mode="floor").expand(len(pixels), 2)
    return ImageInputs(pixels, grid)


def train(
    model: PreTrainedModel,
    parameters: list[nn.Parameter],
    tokenizer: Tokenizer,
    plan: Course,
    losses: Callable[[int], tuple[Tensor, dict[str, float]]],
) -> None:
    """Optimise `parameters`; write the model and all that belongs to it to `plan.out` every 1,000 steps.

    AdamW without decay of biases and norms. The learning rate rises over the share `warmup` of the steps, then falls as
    a cosine.

    Args:
        losses: from the number of a step, from 1, to its loss and what to plot.
    """
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": plan.weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=plan.lr, betas=(0.9, 0.98), fused=True)
    rising = max(int(plan.warmup * plan.steps), 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / rising, 0.5 * (1 + math.cos(math.pi * s / plan.steps)))
    )
    curve: list[dict[str, float]] = []
    sums: dict[str, float] = {}
    start = time.perf_counter()
    numbers = range(1, plan.steps + 1)
    for step in (bar := tqdm(numbers, desc="pretrain", unit="step", mininterval=5, file=behind(sys.stderr))):
        loss, plotted = losses(step)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        sums = {name: sums.get(name, 0.0) + value for name, value in plotted.items()}
        if step % 100 == 0:
            means = {name: round(value / 100, 4) for name, value in sums.items()}
            curve.append({"step": step, **means, "seconds": round(time.perf_counter() - start, 1)})
            bar.set_postfix(means, refresh=False)
            sums = {}
        if step % 1000 == 0 or step == plan.steps:
            _save(model, tokenizer, plan, curve)


def _save(model: PreTrainedModel, tokenizer: Tokenizer, plan: Course, curve: list[dict[str, float]]) -> None:
    plan.out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(plan.out)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        **{f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")},
    ).save_pretrained(plan.out)
    image = {
        "size": {"shortest_edge": plan.shorter},
        "size_divisor": plan.patch,
        "resample": FILTERS.index(plan.pictures.resample),
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
        # CLIP's would cut the margins off.
        "image_processor_type": "ViltImageProcessor",
    }
    (plan.out / PREPROCESSOR).write_text(json.dumps(image, indent=2) + "\n")
    settings = {name: value for name, value in vars(plan).items() if name not in ("out", "tokenizer")}
    (plan.out / "pretraining.json").write_text(json.dumps({"settings": settings, "curve": curve}, indent=1) + "\n")
