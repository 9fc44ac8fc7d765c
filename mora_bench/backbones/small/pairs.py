"""Pairs of the twins' renderers to pre-train on: no patient of a benchmark twin is among them, and no label at all."""

import json
import math
from collections.abc import Callable, Iterator
from itertools import starmap
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

from mora_bench.data.modalities.pictures import ImageRule, resize
from mora_bench.data.readers.texts import chest_text, eye_text
from mora_bench.data.twins import cxr_patients, odir_patients
from mora_bench.workers import context

#: Separates these pairs from every benchmark twin, whose streams are 0.
STREAM = 1
#: How often a text names, and a picture shows, what is there: far more often than in a benchmark twin (twins/noise.py),
#: because a pair that tells of no finding teaches nothing about matching.
CLEAR = 0.95


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
        found = list(starmap(render, jobs))
    else:
        with context().Pool() as pool:
            found = pool.starmap(render, jobs, chunksize=200)
    return [text for text, _ in found], torch.from_numpy(np.stack([picture for _, picture in found]))


def batches(lengths: Tensor, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Endless batches of row numbers, similar in length so that little padding is computed."""
    while True:
        jitter = lengths + 3 * torch.rand(len(lengths), generator=generator)
        chunks = torch.argsort(jitter)[: len(lengths) // size * size].view(-1, size)
        yield from chunks[torch.randperm(len(chunks), generator=generator)]


def optimiser(
    parameters: list[nn.Parameter], lr: float, weight_decay: float, warmup: float, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """AdamW without decay of biases and norms. The learning rate rises over the share `warmup` of the steps, then falls
    as a cosine."""
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.98), fused=True)
    rising = max(int(warmup * steps), 1)
    return optimizer, torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / rising, 0.5 * (1 + math.cos(math.pi * s / steps)))
    )


def save_around(
    out: Path, tokenizer: Tokenizer, shorter: int, longer: int, patch: int, settings: dict[str, Any], curve: list
) -> None:
    """Write what belongs to a checkpoint besides its weights: tokenizer, image rule, and the training's curve."""
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        **{f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")},
    ).save_pretrained(out)
    image = {
        "size": {"shortest_edge": shorter, "longest_edge": longer},
        "size_divisor": patch,
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
    }
    (out / "preprocessor_config.json").write_text(json.dumps(image, indent=2) + "\n")
    kept = {name: value for name, value in settings.items() if name not in ("out", "tokenizer")}
    (out / "pretraining.json").write_text(json.dumps({"settings": kept, "curve": curve}, indent=1) + "\n")
