"""Readouts: how tokens of the last block become logits if the backbone does not pool them; alike for every method.

`mean`: the mean of a sample's tokens. `labels`: one attention a label. Both read the tokens after the norm that comes
before pooling, whatever stands in for an absent modality included, but not what a method added (prompts).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mora_bench.backbones.contract import Backbone
from mora_bench.backbones.tokens import Tokens
from mora_bench.methods.contract import Method

MEAN, LABELS = "mean", "labels"


class LabelAttention(nn.Module):
    """A classifier in which each label attends to the tokens (CAML, Mullenbach et al. 2018, arXiv 1802.05695).

    Of tokens h_t of width D, label c has a query u_c, weights w_c and a bias b_c, and shares nothing with others:
    a = softmax over t of (u_c . h_t / sqrt(D)), v_c = sum_t a_t h_t, logit_c = w_c . v_c + b_c. That is CAML's last
    layer with two changes, for AdamW at any width: scores are divided by sqrt(D), and queries start at zero, so that
    every label first reads the mean.

    Several streams have a query each and attend apart, because their widths and spaces differ; their v_c are put
    together as the backbone puts pooled features together, and w_c reads all of them.

    Args:
        widths: D of each stream.
        features: F, of all streams together.
        classes: C.
        seed: draws the weights: N(0, 0.02), as the classifier's.
    """

    def __init__(self, widths: Sequence[int], features: int, classes: int, seed: int = 0):
        super().__init__()
        self.queries = nn.ParameterList([torch.zeros(classes, width) for width in widths])
        self.weight = nn.Parameter(torch.empty(classes, features))
        self.bias = nn.Parameter(torch.zeros(classes))
        nn.init.normal_(self.weight, std=0.02, generator=torch.Generator().manual_seed(seed))

    def attend(self, streams: Sequence[Tokens]) -> list[Tensor]:
        """The features that each label reads of each stream, [B, C, D]."""
        return [_attended(query, tokens) for query, tokens in zip(self.queries, streams, strict=True)]

    def forward(self, features: Tensor) -> Tensor:
        """Logits [B, C] of the features that the labels read, [B, C, F]."""
        # As a product of matrices, so that whoever counts FLOPs sees it.
        return (features.transpose(0, 1) @ self.weight[..., None])[..., 0].T + self.bias


def _attended(query: Tensor, tokens: Tokens) -> Tensor:
    """Queries [C, D] and tokens [B, T, D] -> [B, C, D]."""
    scores = tokens.x @ (query / query.shape[1] ** 0.5).T
    weights = scores.masked_fill((tokens.modality < 0)[..., None], float("-inf")).softmax(1)
    return weights.transpose(1, 2) @ tokens.x


def read(readout: str, backbone: Backbone, streams: tuple[Tokens, ...], pooler: nn.Module, head: nn.Module) -> Tensor:
    """The features of samples, [B, F], or for each label its own, [B, C, F].

    Args:
        readout: "" or "pooler" for the backbone's own, `MEAN` or `LABELS`.
        pooler: a copy that `make_pooler` gave, or for `MEAN` and `LABELS` that `make_combiner` gave.
    """
    if readout not in (MEAN, LABELS):
        return backbone.pool(streams, pooler)
    normed = [tokens.with_x(backbone.norm(s, tokens.x)) for s, tokens in enumerate(streams)]
    pooled = head.attend(normed) if isinstance(head, LabelAttention) else [tokens.mean() for tokens in normed]
    return backbone.combine(pooled, pooler)


def judged(features: Tensor, present: Tensor, method: Method, head: nn.Module) -> Tensor:
    """Logits [B, C] of features as `read` gives them, once a method has changed them; present bool [B, M]."""
    if features.ndim == 2:
        return head(method.pooled(features, present))
    rows, classes = features.shape[:2]
    # A method sees the features of each label as those of a separate sample.
    whose = present[:, None].expand(rows, classes, present.shape[1])
    changed = method.pooled(features.flatten(0, 1), whose.flatten(0, 1))
    return head(changed.view(rows, classes, -1))
