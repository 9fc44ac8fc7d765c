"""Pre-trains the small CLIP that ships with the package: texts and pictures of a pair close, others apart.

The objective is CLIP's (arXiv 2103.00020, figure 3) on pairs from the twins' renderers (pairs.py), batches of one
dataset at a time. Pairs whose texts are the same to the letter, as of patients of whom nothing is told, count as
belonging together.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import CLIPConfig, CLIPModel

from mora_bench.backbones.clip import Clip
from mora_bench.backbones.contract import At
from mora_bench.backbones.layout import Pictures
from mora_bench.backbones.small import pairs
from mora_bench.data.batch import Batch
from mora_bench.data.modalities.pictures import ImageRule
from mora_bench.data.modalities.text import TextInputs
from mora_bench.data.modalities.wordpiece import open_tokenizer

#: Logits are at most this many times the cosine.
STEEPEST = 100.0


@dataclass(frozen=True)
class Contrast(pairs.Course):
    """The small CLIP and how it is trained. The defaults made the shipped checkpoint."""

    tokenizer: Path = Path(__file__).parent / "vilt_small" / "tokenizer.json"
    text_width: int = 96
    image_width: int = 128
    projection: int = 96
    steps: int = 4_000
    batch: int = 64
    lr: float = 1e-3
    weight_decay: float = 0.05
    threads: int = 1


def contrast(plan: Contrast) -> None:
    """Train; write config, weights (safetensors), tokenizer, image rule and curve to `plan.out` every 1,000 steps."""
    torch.manual_seed(plan.seed)
    torch.set_num_threads(plan.threads)
    rule = ImageRule(plan.shorter, plan.longer, plan.patch)
    tokenizer = open_tokenizer(plan.tokenizer)
    pools = []
    for render in (pairs.render_eyes, pairs.render_chest):
        texts, pictures = pairs.rendered(render, plan.pairs, plan.seed, rule)
        pools.append((*pairs.encoded(texts, tokenizer, plan.positions), pictures))
    clip = CLIPModel(_config(plan, tokenizer.get_vocab()))
    backbone = Clip(clip, {"text": "text", "image": "image"}, Pictures(rule, [0.5] * 3, [0.5] * 3))
    generator = torch.Generator().manual_seed(plan.seed)
    feeds = [pairs.batches(lengths, plan.batch, generator) for _, lengths, _ in pools]

    def losses(step: int) -> tuple[Tensor, dict[str, float]]:
        """Those of one dataset's batch, of each in turn."""
        pool, feed = pools[step % len(pools)], feeds[step % len(pools)]
        return _losses(backbone, _batch(pool, next(feed), plan.patch))

    pairs.train(clip, list(clip.parameters()), tokenizer, plan, losses)


def _config(plan: Contrast, vocabulary: dict[str, int]) -> CLIPConfig:
    shared = {"num_hidden_layers": plan.depth, "num_attention_heads": plan.heads, "hidden_act": "gelu"}
    text = shared | {
        "vocab_size": len(vocabulary),
        "hidden_size": plan.text_width,
        "intermediate_size": 4 * plan.text_width,
        "max_position_embeddings": plan.positions,
        "bos_token_id": vocabulary["[CLS]"],
        "eos_token_id": vocabulary["[SEP]"],
        "pad_token_id": vocabulary["[PAD]"],
    }
    image = shared | {
        "hidden_size": plan.image_width,
        "intermediate_size": 4 * plan.image_width,
        "image_size": plan.longer,
        "patch_size": plan.patch,
    }
    return CLIPConfig(text_config=text, vision_config=image, projection_dim=plan.projection)


def _batch(pool: tuple[Tensor, Tensor, Tensor], rows: Tensor, patch: int) -> Batch:
    ids, lengths, pictures = pool
    mask = torch.arange(int(lengths[rows].max())) < lengths[rows, None]
    text = TextInputs(ids[rows, : mask.shape[1]], mask)
    return Batch((text, pairs.image_inputs(pictures[rows], patch)), torch.ones(len(rows), 2, dtype=torch.bool))


def _losses(backbone: Clip, batch: Batch) -> tuple[Tensor, dict[str, float]]:
    """CLIP's loss, and what to plot: it, and how often the right picture, or one of the same text, is nearest."""
    clip = backbone.net
    streams = backbone.join(backbone.embed(batch), batch.present)
    for i in range(backbone.depth):
        streams = tuple(backbone.block(At(s, i), tokens) for s, tokens in enumerate(streams))
    projections = nn.ModuleDict({"text": clip.text_projection, "image": clip.visual_projection})
    text, image = backbone.pool(streams, projections).split(backbone.shares, -1)
    logits = clip.logit_scale.exp().clamp(max=STEEPEST) * F.normalize(text, dim=-1) @ F.normalize(image, dim=-1).T
    words: Any = batch.inputs[0]
    ids = words.ids * words.mask
    same = (ids[:, None] == ids[None]).all(-1).float()
    wanted = same / same.sum(1, keepdim=True)
    loss = (F.cross_entropy(logits, wanted) + F.cross_entropy(logits.T, wanted)) / 2
    right = same.gather(1, logits.argmax(1, keepdim=True)).mean()
    return loss, {"loss": loss.item(), "accuracy": right.item()}
