"""Pre-trains the small ViLT that ships with the package: masked language modelling, and the words of both modalities.

The pairs are from the twins' renderers, drawn from a random stream of their own: no patient of a benchmark twin is ever
seen here, and no label at all. One pass per step does both. A share of the pairs is blind, with every word masked, so
that the words must be read off the image. Half of the other pairs get another pair's image, that of an unlike text.

Masked words are ViLT's objective (arXiv 2102.03334, section 3.2), on the true pairs. The words that the text has, and
those that were written of the image, are predicted from the pooler's output alone (words.py): in pairs that do not
belong together these differ, so that [CLS] must hold what either modality tells. This takes the place of ViLT's
image-text matching, which asks only whether the two differ, and which so small a net learns late.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import ViltConfig, ViltForMaskedLM

from mora_bench.backbones.contract import At
from mora_bench.backbones.small import pairs, vocabulary
from mora_bench.backbones.small.words import WordPieces
from mora_bench.backbones.vilt import Vilt
from mora_bench.data.batch import Batch
from mora_bench.data.modalities.text import TextInputs
from mora_bench.data.modalities.wordpiece import open_tokenizer


@dataclass(frozen=True)
class Pretraining(pairs.Course):
    """The small ViLT and how it is trained; masks are drawn anew every step. The defaults made the shipped
    checkpoint."""

    width: int = 96
    vocabulary: int = 2500
    tokenizer: Path | None = None  # a tokenizer.json to use instead of training one, to repeat a run bit for bit
    masked: float = 0.15
    blind: float = 0.2
    init: float = 0.1  # Glorot's at this width; with transformers' 0.02 hardly any word reaches [CLS] at first
    position_init: float = 0.05
    candidates: int = 8  # a false pair's image is that of the least similar text among this many of its batch


def pretrain(plan: Pretraining) -> None:
    """Train; write config, weights (safetensors), tokenizer, image rule and curve to `plan.out` every 1,000 steps."""
    torch.manual_seed(plan.seed)
    torch.set_num_threads(plan.threads)
    pools = [
        pairs.rendered(render, plan.pairs, plan.seed, plan.pictures)
        for render in (pairs.render_eyes, pairs.render_chest)
    ]
    if plan.tokenizer:
        tokenizer = open_tokenizer(plan.tokenizer)
    else:
        tokenizer = vocabulary.train((text for texts, _ in pools for text in texts), plan.vocabulary)
    config = ViltConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=plan.width,
        num_hidden_layers=plan.depth,
        num_attention_heads=plan.heads,
        intermediate_size=4 * plan.width,
        image_size=plan.image_size,
        patch_size=plan.patch,
        max_position_embeddings=plan.positions,
        initializer_range=plan.init,
    )
    model = ViltForMaskedLM(config)
    # transformers starts image positions at zero, where all patches look alike to a net that trains from scratch.
    nn.init.normal_(model.vilt.embeddings.position_embeddings, std=plan.position_init)
    heads = _Heads(plan.width, config.vocab_size)
    drawn = [_Pool.of(*pool, tokenizer, plan.positions) for pool in pools]
    generator = torch.Generator().manual_seed(plan.seed)
    mask_id = tokenizer.get_vocab()["[MASK]"]
    feeds = [pairs.batches(pool.lengths, plan.batch, generator) for pool in drawn]

    def losses(step: int) -> tuple[Tensor, dict[str, float]]:
        """The losses of one dataset's batch, of each in turn."""
        pool, feed = drawn[step % len(drawn)], feeds[step % len(drawn)]
        return _losses(model, heads, _draw(pool, next(feed), mask_id, plan, generator), pool.words, plan.words)

    pairs.train(model, [*model.parameters(), *heads.parameters()], tokenizer, plan, losses)


class _Heads(nn.Module):
    """The layers that read the pooler's output and are thrown away: scores [B, V] of the words of the text, and of
    the words of the text that the image was drawn with."""

    def __init__(self, width: int, vocabulary: int):
        super().__init__()
        self.text = nn.Linear(width, vocabulary)
        self.picture = nn.Linear(width, vocabulary)


def _idf(ids: Tensor, vocabulary: int) -> Tensor:
    """Inverse document frequency (idf) of each word piece in texts ids [N, L]: log(N / texts that have it), [V]."""
    texts = torch.zeros(len(ids), vocabulary).scatter_(1, ids, 1.0).sum(0)
    return (len(ids) / texts.clamp(min=1)).log()


def _bag_of_words(ids: Tensor, idf: Tensor) -> Tensor:
    """Unit tf-idf vectors [N, V] of padded ids [N, L]."""
    return F.normalize(torch.zeros(len(ids), len(idf)).scatter_(1, ids, 1.0) * idf)


def _unlike(words: Tensor, candidates: int, generator: torch.Generator) -> Tensor:
    """For each of B texts, the least similar of a few others drawn at random from the batch, int64 [B]."""
    size = len(words)
    draw = torch.rand(size, size, generator=generator).fill_diagonal_(0).topk(min(candidates, size - 1)).indices
    return draw.gather(1, (words @ words.T).gather(1, draw).argmin(1, keepdim=True)).squeeze(1)


@dataclass(frozen=True)
class _Pool:
    """The pairs of one dataset: ids int64 [N, L], lengths [N], tf-idf vectors [N, V], pictures [N, H, W, 3]."""

    ids: Tensor
    lengths: Tensor
    vectors: Tensor
    words: WordPieces
    pictures: Tensor

    @classmethod
    def of(cls, texts: list[str], pictures: Tensor, tokenizer: Tokenizer, positions: int) -> Self:
        ids, lengths = pairs.encoded(texts, tokenizer, positions)
        size = tokenizer.get_vocab_size()
        return cls(ids, lengths, _bag_of_words(ids, _idf(ids, size)), WordPieces.of(ids, size), pictures)


@dataclass(frozen=True)
class _Task:
    """One step's inputs and what is asked about them.

    Attributes:
        batch: with masked words and swapped images in place.
        rows: int64 [B], of the texts; drawn: int64 [B], of the texts that the images were drawn with.
        ids: int64 [B, L], the words before masking; hidden bool [B, L]: which were masked.
        swapped: bool [B], the image is another pair's.
    """

    batch: Batch
    rows: Tensor
    drawn: Tensor
    ids: Tensor
    hidden: Tensor
    swapped: Tensor


def _draw(pool: _Pool, rows: Tensor, mask_id: int, plan: Pretraining, generator: torch.Generator) -> _Task:
    size = len(rows)
    lengths = pool.lengths[rows, None]
    ids = pool.ids[rows, : lengths.max()]
    positions = torch.arange(ids.shape[1])
    blind = torch.rand(size, generator=generator) < plan.blind
    swapped = ~blind & (torch.rand(size, generator=generator) < 0.5)
    other = rows[_unlike(pool.vectors[rows], plan.candidates, generator)]
    drawn = torch.where(swapped, other, rows)
    image = pairs.image_inputs(pool.pictures[drawn], plan.patch)
    inner = (positions > 0) & (positions < lengths - 1)
    hidden = inner & ((torch.rand(ids.shape, generator=generator) < plan.masked) | blind[:, None])
    text = TextInputs(ids.masked_fill(hidden, mask_id), positions < lengths)
    batch = Batch((text, image), torch.ones(size, 2, dtype=torch.bool))
    return _Task(batch, rows, drawn, ids, hidden, swapped)


def _losses(
    model: ViltForMaskedLM, heads: _Heads, task: _Task, known: WordPieces, weight: float
) -> tuple[Tensor, dict[str, float]]:
    """The sum of the three losses, those of words weighted, and what to plot."""
    backbone = Vilt(model.vilt, {"text": "text", "image": "image"})
    (tokens,) = backbone.join(backbone.embed(task.batch), task.batch.present)
    for i in range(backbone.depth):
        tokens = backbone.block(At(0, i), tokens)
    ids, learn = task.ids, task.hidden & ~task.swapped[:, None]
    words = model.mlm_score(model.vilt.layernorm(tokens.x[:, : ids.shape[1]][learn]))
    mlm = F.cross_entropy(words, ids[learn])
    pooled = backbone.pool((tokens,), model.vilt.pooler)
    text, picture = known.loss(heads.text(pooled), task.rows), known.loss(heads.picture(pooled), task.drawn)
    plotted = {
        "mlm_loss": mlm.item(),
        "mlm_accuracy": (words.argmax(1) == ids[learn]).float().mean().item(),
        "text_loss": text.item(),
        "picture_loss": picture.item(),
    }
    return mlm + weight * (text + picture), plotted
