"""One toy of every contract in one plug-in file, from public names alone; tests/test_toys.py runs a grid with it."""

import copy
import json
import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mora_bench.api import (
    Artefact,
    Backbone,
    Column,
    Content,
    Dataset,
    Engine,
    GapMechanism,
    Imputer,
    Inputs,
    Mechanism,
    Method,
    Metric,
    Modality,
    Part,
    Predictor,
    Spec,
    Table,
    Task,
    TextInputs,
    TextRule,
    Tracker,
    concatenated,
)
from mora_bench.backbones.vilt import SHIPPED

N = 90


# A kind of content: two numbers, as one token. Backbones that do not know it are brought an embedder that trains.


@dataclass(frozen=True)
class NumbersInputs(Inputs):
    values: Tensor


@dataclass(frozen=True)
class NumbersContent(Content):
    values: np.ndarray

    def collate(self, rows, present):
        return NumbersInputs(torch.from_numpy(np.where(present[:, None], self.values[rows], 0)))

    def noised(self, rows, rng):
        values = np.array(self.values)
        values[rows] = rng.normal(size=values[rows].shape)
        return NumbersContent(values)


class NumbersEmbedder(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(2, width)

    def forward(self, inputs):
        x = self.linear(inputs.values)[:, None]
        return x, torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)


class Numbers(Modality):
    title = "two numbers"

    def contents(self, values, hashes):
        yield json.dumps(list(values)).encode()

    def encode(self, values, ids, rule, folder, workers):
        np.save(folder / "values.npy", np.array([v or (0, 0) for v in values], np.float32))

    def open(self, folder):
        return NumbersContent(np.load(folder / "values.npy"))

    def embedder(self, content, rows, width):
        return NumbersEmbedder(width)


# A task: exactly one of C classes.


class OneOf(Task):
    title = "one of several"
    source = "this test"
    primary = "accuracy"
    metrics = {
        "accuracy": Metric(
            "accuracy", higher_is_better=True, bounds=(0, 1), of="decisions", scale=100, convention="largest logit",
            source="scikit-learn's accuracy_score", always=True,
        ),
        # Accuracy needs a threshold, so this says when training has been enough.
        "log_loss": Metric(
            "log loss", higher_is_better=False, bounds=(0, math.inf), of="probabilities", scale=1,
            convention="mean over samples", source="scikit-learn's log_loss", always=True,
        ),
    }  # fmt: skip

    def scores(self, targets, logits):
        if not len(targets):
            return {"n": 0}
        right = targets.argmax(1)
        losses = np.logaddexp.reduce(logits, axis=1) - logits[np.arange(len(logits)), right]
        return {
            "n": len(targets),
            "accuracy": float((right == logits.argmax(1)).mean()),
            "log_loss": float(losses.mean()),
        }

    def loss(self, predicted, wanted):
        return F.cross_entropy(predicted, wanted.argmax(1))

    def logits(self, probabilities):
        return np.log(np.clip(probabilities, 1e-6, 1)).astype(np.float32)

    def problem(self, targets):
        return None if (targets.sum(1) == 1).all() else "a sample has not exactly one class"


# A dataset of two texts and two numbers, which together say the class.


def _twin():
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, N)
    words = np.array(["mild", "moderate", "severe"])
    return Table(
        name="toy-clinic",
        source="twin",
        labels=("a", "b", "c"),
        ids=tuple(f"visit {i}" for i in range(N)),
        patients=tuple(f"patient {i // 2}" for i in range(N)),
        modalities={
            "note": Column("text", tuple(f"{word} finding" for word in words[kind])),
            "lab": Column("numbers", tuple((float(k), float(-k)) for k in kind + 0.1 * rng.normal(size=N))),
            "letter": Column("text", tuple(None if i % 9 == 0 else f"{words[k]} course" for i, k in enumerate(kind))),
        },
        targets=np.eye(3, dtype=np.uint8)[kind],
        covariates={"ward": tuple("north" if i % 3 else "south" for i in range(N))},
        task="one-of",
    )


TOY_CLINIC = Dataset("a toy clinic", find=lambda root: None, read=lambda root: _twin(), twin=_twin)


# A mechanism: the longest stay loses first. (It draws the stay; a real one would read it.)


class LastFirst(Mechanism):
    title = "the last sample first"
    source = "this test"
    graded = False

    def draw(self, context, rate, strength):
        stay = context.uniform("stay")
        lost = np.argsort(-stay)[: round(rate * len(context))]
        return context.without(lost, context.sets()[lost])


# Gaps of signals: the values with the lowest numbers.


class LowestNumbers(GapMechanism):
    title = "values with the lowest numbers"
    source = "this test"

    def lost(self, values, uniform, rate):
        numbers = uniform("value", *values.shape)
        return numbers.argsort(None).argsort().reshape(values.shape) < round(rate * values.size)


# A family of backbones: a tower for each modality.


class ToyBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        for role in ("query", "key", "value", "attention_output", "mlp_in", "mlp_out"):
            setattr(self, role, nn.Linear(width, width))

    def forward(self, tokens, prefix, first):
        x = tokens.x
        keys, values, mask = self.key(x), self.value(x), tokens.mask
        if prefix is not None:
            keys, values = torch.cat([prefix[0], keys], 1), torch.cat([prefix[1], values], 1)
            mask = F.pad(mask, (prefix[0].shape[1], 0), value=True)
        x = x[:, :first]
        seen = F.scaled_dot_product_attention(self.query(x), keys, values, attn_mask=mask[:, None])
        x = x + self.attention_output(seen)
        return x + self.mlp_out(F.gelu(self.mlp_in(x)))


class ToyNet(Backbone):
    title = "towers"
    source = "this test"
    kinds = ("text",)
    shipped = {"towers": "a toy of two blocks a tower"}

    def __init__(self, modalities, width=24, depth=2):
        super().__init__()
        self.modalities = self.streams = self.towers = tuple(modalities)
        self.width = width
        self.widths, self.depths = (width,) * len(self.streams), (depth,) * len(self.streams)
        self.words = nn.Embedding(3000, width)
        self.nets = nn.ModuleList(nn.ModuleList(ToyBlock(width) for _ in range(depth)) for _ in self.streams)
        self.pooler = nn.Linear(width, width)

    @classmethod
    def describe(cls, name, folder, config, max_text):
        rules = {"text": TextRule(SHIPPED / "tokenizer.json", max_text)}
        return Spec(name, "toy-net", "toy", depth=2, width=24, rules=rules, trained=False, single_stream=False)

    @classmethod
    def load(cls, spec, modalities, max_text):
        return cls(modalities).eval()

    @property
    def network(self):
        return self.nets

    def embed(self, batch):
        nothing = torch.zeros(len(batch), 1, self.width, device=batch.present.device)
        return [
            Part(self.words(i.ids), i.mask) if isinstance(i, TextInputs) else Part(nothing, nothing[..., 0] == 0)
            for i in batch.inputs
        ]

    def join(self, parts, present):
        return tuple(concatenated([(m, part)], present) for m, part in enumerate(parts))

    def block(self, at, tokens, prefix=None, first=None):
        out = self.layer(at)(tokens, prefix, first)
        return (tokens if first is None else tokens.first(first)).with_x(out)

    def query(self, at, x):
        return self.layer(at).query(x)

    def norm(self, stream, x):
        return x

    def make_pooler(self):
        return copy.deepcopy(self.pooler)

    def pool(self, streams, pooler):
        """The mean over the towers of modalities that are there."""
        present = streams[0].present.to(streams[0].x)
        firsts = torch.stack([tokens.x[:, 0] for tokens in streams], 1)
        return pooler((firsts * present[..., None]).sum(1) / present.sum(1, keepdim=True)).tanh()

    @property
    def features(self):
        return self.width

    @property
    def unused(self):
        return list(self.pooler.parameters())

    def layer(self, at):
        return self.nets[at.stream][at.block]

    def linear(self, at, role):
        return f"{at.stream}.{at.block}.{role}"


# Competitors, an imputer, an engine, an artefact.


class Shift(Method):
    """One vector beside every block of a depth, which all streams share: it needs them together."""

    title = "shift"
    source = "this test"
    reads = {"blocks": "1", "size": 1.0}

    def __init__(self, backbone, axes):
        super().__init__(backbone, axes)
        self.where, self.size = axes.blocks, axes.knobs.get("size", 1.0)
        self.vector = nn.Parameter(torch.zeros(backbone.widths[0]))

    @property
    def first_block(self):
        return min(self.where)

    def depth(self, block, frozen, streams):
        out = tuple(frozen_block(tokens) for frozen_block, tokens in zip(frozen, streams, strict=True))
        if block not in self.where:
            return out
        return tuple(tokens.with_x(tokens.x + self.size * self.vector) for tokens in out)


class Commonest(Predictor):
    title = "the commonest class"
    source = "this test"

    def fit(self, train, validation, seed):
        self.best = np.eye(len(train.labels))[train.targets.sum(0).argmax()]

    def predict(self, samples):
        return np.tile(self.best, (len(samples), 1))


class Zeros(Imputer):
    title = "zeros"
    source = "this test"

    def fill(self, parts, present):
        return [Part(torch.where(present[:, m, None, None], p.x, 0), p.mask) for m, p in enumerate(parts)]


class Backwards(Engine):
    title = "in this process, the last bundle first"

    def run(self, bundles, runtime, work, lost):
        for bundle in reversed(bundles):
            work(bundle, runtime)
            yield from bundle


class Winners(Artefact):
    title = "who wins"

    def make(self, results):
        if results.cells.empty:
            return {}
        best = results.cells.sort_values("score both", ascending=False).iloc[0]
        return {"winner.txt": f"{best['method']} {best['score both']}\n".encode()}


class Tally(Tracker):
    title = "a line a cell"

    def ended(self, run):
        with open(self.folder / "tally.txt", "a") as tally:
            tally.write(f"{run.key} {len(run.curve)} {run.settings['method']} {run.scores.get('both/accuracy')}\n")
