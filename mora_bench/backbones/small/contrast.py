"""Pre-trains the small CLIP that ships with the package: texts and pictures of a pair close, others apart.

The objective is CLIP's (arXiv 2103.00020, figure 3) on pairs from the twins' renderers (pairs.py), batches of one
dataset at a time. Pairs whose texts are the same to the letter, as of patients without any finding in words, count as
belonging together.

That alone keeps only the part of a text that a picture can show. So the words of the text are also predicted from each
of the two features (words.py).
"""

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import CLIPConfig, CLIPModel

from mora_bench.backbones.clip import Clip
from mora_bench.backbones.contract import At
from mora_bench.backbones.layout import PictureSpec
from mora_bench.backbones.small import pairs
from mora_bench.backbones.small.words import WordPieces
from mora_bench.data.batch import Batch
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
    steps: int = 2_200
    batch: int = 64
    weight_decay: float = 0.05


def contrast(plan: Contrast) -> None:
    """Train; write config, weights (safetensors), tokenizer, image rule and curve to `plan.out` every 1,000 steps."""
    torch.manual_seed(plan.seed)
    torch.set_num_threads(plan.threads)
    tokenizer = open_tokenizer(plan.tokenizer)
    pools = []
    for render in (pairs.render_eyes, pairs.render_chest):
        texts, pictures = pairs.rendered(render, plan.pairs, plan.seed, plan.pictures)
        ids, lengths = pairs.encoded(texts, tokenizer, plan.positions)
        pools.append(_PicturePairs(ids, lengths, pictures, WordPieces.of(ids, tokenizer.get_vocab_size())))
    heads = nn.ModuleDict({kind: nn.Linear(plan.projection, tokenizer.get_vocab_size()) for kind in ("text", "image")})
    clip = CLIPModel(_config(plan, tokenizer.get_vocab()))
    backbone = Clip(clip, {"text": "text", "image": "image"}, PictureSpec(plan.pictures, [0.5] * 3, [0.5] * 3))
    generator = torch.Generator().manual_seed(plan.seed)
    feeds = [pairs.batches(pool.lengths, plan.batch, generator) for pool in pools]

    def losses(step: int) -> tuple[Tensor, dict[str, float]]:
        """The losses of one dataset's batch, of each in turn."""
        pool, feed = pools[step % len(pools)], feeds[step % len(pools)]
        return _losses(backbone, heads, pool, next(feed), plan)

    pairs.train(clip, [*clip.parameters(), *heads.parameters()], tokenizer, plan, losses)


@dataclass(frozen=True)
class _PicturePairs:
    """The pairs of one dataset: ids int64 [N, L], lengths [N], pictures uint8 [N, H, W, 3], and words of the texts."""

    ids: Tensor
    lengths: Tensor
    pictures: Tensor
    words: WordPieces

    def batch(self, rows: Tensor, patch: int) -> Batch:
        lengths = self.lengths[rows]
        mask = torch.arange(int(lengths.max())) < lengths[:, None]
        text = TextInputs(self.ids[rows, : mask.shape[1]], mask)
        image = pairs.image_inputs(self.pictures[rows], patch)
        return Batch((text, image), torch.ones(len(rows), 2, dtype=torch.bool))


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
        "image_size": plan.image_size,
        "patch_size": plan.patch,
    }
    return CLIPConfig(text_config=text, vision_config=image, projection_dim=plan.projection)


def _losses(
    backbone: Clip, heads: nn.ModuleDict, pool: _PicturePairs, rows: Tensor, plan: Contrast
) -> tuple[Tensor, dict[str, float]]:
    """The sum of CLIP's loss and both of words, and what to plot: they, and how often the right picture, or one of the
    same text, is nearest."""
    clip, batch = backbone.net, pool.batch(rows, plan.patch)
    streams = backbone.join(backbone.embed(batch), batch.present)
    for i in range(backbone.depth):
        streams = tuple(backbone.block(At(s, i), tokens) for s, tokens in enumerate(streams))
    projections = nn.ModuleDict({"text": clip.text_projection, "image": clip.visual_projection})
    text, image = backbone.pool(streams, projections).split(backbone.shares, -1)
    logits = clip.logit_scale.exp().clamp(max=STEEPEST) * F.normalize(text, dim=-1) @ F.normalize(image, dim=-1).T
    ids = pool.ids[rows]
    same = (ids[:, None] == ids[None]).all(-1).float()
    wanted = same / same.sum(1, keepdim=True)
    contrast = (F.cross_entropy(logits, wanted) + F.cross_entropy(logits.T, wanted)) / 2
    text_loss, picture_loss = pool.words.loss(heads["text"](text), rows), pool.words.loss(heads["image"](image), rows)
    right = same.gather(1, logits.argmax(1, keepdim=True)).mean()
    plotted = {"contrast_loss": contrast, "text_loss": text_loss, "picture_loss": picture_loss, "accuracy": right}
    return contrast + plan.words * (text_loss + picture_loss), {name: value.item() for name, value in plotted.items()}
