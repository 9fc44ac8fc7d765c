"""The rules that every method, imputer and dataset keeps, as checks that say in plain words which one is broken.

`mora_bench check NAME` and tests/test_contract.py run the same rules.
"""

import copy
import dataclasses
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from mora_bench.backbones import load as backbones
from mora_bench.backbones.tokens import Tokens
from mora_bench.backbones.vilt import Backbone
from mora_bench.cells.cell import Recipe
from mora_bench.data import datasets, twins
from mora_bench.data.batch import TEXT
from mora_bench.data.samples import Inputs, Samples, View, prepare
from mora_bench.methods.contract import EMBEDDINGS, Axes, Method
from mora_bench.methods.imputer import Dummy, Imputer
from mora_bench.methods.network import Model
from mora_bench.plan.grid import parse_blocks
from mora_bench.training.cost import forward_flops, step_flops
from mora_bench.training.kept import Feed
from mora_bench.training.loop import train

CPU = torch.device("cpu")
SHORT = Recipe(epochs=1, batch=8, lr=3e-3, validate_every=1, warmup=0.1, max_text=64)


class BrokenRule(Exception):
    """A rule of the contract is broken; the message says how."""


@dataclass(frozen=True)
class Subject:
    """What is checked, and on what.

    Attributes:
        method, imputer: the classes.
        samples: at least 24 small samples that have every modality.
        backbone: makes the same backbone afresh.
        recipe: a short training.
    """

    method: type[Method]
    imputer: type[Imputer]
    samples: Samples
    backbone: Callable[[], Backbone]
    recipe: Recipe = SHORT

    def model(self, backbone: Backbone | None = None) -> Model:
        """A new model, its imputer fitted, nothing trained; the same every time."""
        backbone = backbone or self.backbone()
        torch.manual_seed(0)
        imputer = self.imputer(backbone)
        method = self.method(backbone, own_axes(self.method, backbone))
        model = Model(backbone, method, imputer, len(self.samples.table.labels), head_seed=1)
        with torch.no_grad():
            batch = self.training.batch(np.arange(len(self.training)))
            imputer.fit([(backbone.embed(batch), batch.present)])
        return model

    def trained(self, backbone: Backbone | None = None) -> Model:
        model = self.model(backbone)
        self.train(model)
        return model

    def train(self, model: Model) -> None:
        train([model], self.training, self.validation, [self.recipe], 0, CPU)

    @property
    def training(self) -> View:
        return self._view(slice(0, 16))

    @property
    def validation(self) -> View:
        return self._view(slice(16, 24))

    def _view(self, part: slice) -> View:
        """A third complete, a third without text, a third without image."""
        rows = np.arange(24)
        present = np.ones((24, 2), bool)
        present[rows % 3 == 1, 0] = False
        present[rows % 3 == 2, 1] = False
        return View(self.samples, rows[part], present[part])


def own_axes(method: type[Method], backbone: Backbone) -> Axes:
    """The method's own rank and blocks on this backbone."""
    blocks = parse_blocks(str(method.reads["blocks"]), backbone.depth) if "blocks" in method.reads else ()
    return Axes(int(method.reads.get("rank", 0)), blocks)


def outputs(subject: Subject) -> None:
    """It runs: every block gives tokens of the right shape, and the logits are finite."""
    model = subject.model().eval()
    method, depth = model.method, model.backbone.depth
    first = method.first_block
    _expect(
        first in (EMBEDDINGS, *range(depth + 1)),
        f"first_block is {first!r}; expected {EMBEDDINGS} (it changes embeddings) or 0..{depth}",
    )
    batch = subject.validation.batch(np.arange(4))
    with torch.no_grad():
        parts = model.imputer.fill(model.backbone.embed(batch), batch.present)
        tokens = model._run((parts, batch.present), 1, 2)
        for i in range(max(first, 0), depth):
            tokens = method.block(i, lambda t, prefix=None, i=i: model.backbone.block(i, t, prefix), tokens)
            _check_tokens(tokens, f"block({i}, ...)", 4, model.backbone.width)
        logits = model(batch)
    _expect(bool(torch.isfinite(logits).all()), "the logits of an untrained model are not finite")


def _check_tokens(tokens: Tokens, where: str, rows: int, width: int) -> None:
    _expect(isinstance(tokens, Tokens), f"{where} returned {type(tokens).__name__}; expected Tokens")
    shape = tuple(tokens.x.shape)
    _expect(
        len(shape) == 3 and shape[0] == rows and shape[2] == width and shape[1] > 0,
        f"{where} returned x of shape {list(shape)}; expected [{rows}, T, {width}]",
    )
    for name in ("mask", "modality"):
        other = tuple(getattr(tokens, name).shape)
        _expect(other == shape[:2], f"{where} returned {name} of shape {list(other)}; x has {list(shape)}")
    _expect(bool(tokens.mask[:, 0].all()), f"{where} masked token 0, the [CLS] that the pooler reads")


def absent(subject: Subject) -> None:
    """What a sample lacks never reaches its logits: noise or another patient's data in its place change no bit."""
    model = subject.trained().eval()
    rng = np.random.default_rng(0)
    samples = subject.samples
    words = int(samples.ids.max()) + 1
    others: dict[str, tuple[np.ndarray, np.ndarray]] = {
        "noise": (
            rng.integers(0, 256, len(samples.pixels), dtype=np.uint8),
            rng.integers(5, words, len(samples.ids), dtype=np.int32),
        ),
        "NaN": (np.full(len(samples.pixels), np.nan, np.float32), np.full(len(samples.ids), words - 1, np.int32)),
        "other patients' data": (np.roll(samples.pixels, 997), np.roll(samples.ids, 7)),
    }
    rows = np.arange(6)
    for lacking, name in enumerate(model.backbone.modalities):
        present = np.ones((6, 2), bool)
        present[:, lacking] = False
        for what, (pixels, ids) in others.items():
            mixed = (
                dataclasses.replace(samples, ids=ids)
                if lacking == TEXT
                else dataclasses.replace(samples, pixels=pixels)
            )
            with torch.no_grad():
                same = torch.equal(model(samples.batch(rows, present)), model(mixed.batch(rows, present)))
            _expect(same, f"{what} in the {name} of samples that have none changed their logits")


def alone(subject: Subject) -> None:
    """A sample's logits depend on that sample alone, not on its batch."""
    model = subject.trained().eval()
    with torch.no_grad():
        together = model(subject.training.batch(np.arange(12)))
        apart = torch.cat([model(subject.training.batch(np.array([i]))) for i in range(12)])
    worst = (together - apart).abs().max().item()
    _expect(worst < 1e-3, f"logits of the same samples differ by {worst:.2g} when they are predicted one by one")


def frozen(subject: Subject) -> None:
    """What was not declared to train stays bit for bit; the backbone trains only if `trains_backbone` says so."""
    backbone = subject.backbone()
    own = {id(p): (name, p.detach().clone()) for name, p in backbone.named_parameters()}
    model = subject.model(backbone)
    start = {name: p.detach().clone() for name, p in model.named_parameters()}
    declared = set(model.trained())
    if not subject.method.trains_backbone:
        loose = [own[id(p)][0] for n, p in model.named_parameters() if n in declared and id(p) in own]
        _expect(not loose, f"{_some(loose)} of the backbone would train; set trains_backbone = True if that is meant")
    subject.train(model)
    later = set(model.trained()) - declared
    _expect(not later, f"{_some(sorted(later))} began to require a gradient during training")
    moved = [n for n, p in model.named_parameters() if n not in declared and not torch.equal(p, start[n])]
    _expect(not moved, f"{_some(moved)} should be frozen and changed in training")


def gradients(subject: Subject) -> None:
    """Every parameter that is declared to train gets a gradient."""
    model = subject.model()
    for parameter in model.trained().values():
        if not parameter.any():
            # Zero at the start by design: give gradients a way through.
            nn.init.normal_(parameter, std=0.02)
    model(subject.training.batch(np.arange(16))).pow(2).sum().add(model.method.penalty()).backward()
    silent = [n for n, p in model.trained().items() if p.grad is None]
    if not subject.method.trains_backbone:
        # Rows of embedding tables that no sample uses get none.
        silent += [n for n, p in model.trained().items() if p.grad is not None and not p.grad.any()]
    _expect(not silent, f"{_some(silent)} would train and got no gradient")


def detaching(subject: Subject) -> None:
    """`detach` gives the backbone back as it was: the same names, the same bits, all frozen."""
    backbone = subject.backbone()
    before = {name: tensor.clone() for name, tensor in backbone.state_dict().items()}
    after = subject.trained(backbone).detach().state_dict()
    added, lost = sorted(after.keys() - before.keys()), sorted(before.keys() - after.keys())
    _expect(not added and not lost, f"after detach the backbone has gained {_some(added)} and lost {_some(lost)}")
    changed = [name for name in before if not torch.equal(before[name], after[name])]
    _expect(not changed, f"after detach {_some(changed)} of the backbone are not what they were")
    loose = [name for name, p in backbone.named_parameters() if p.requires_grad]
    _expect(not loose, f"after detach {_some(loose)} of the backbone still require a gradient")


def saving(subject: Subject) -> None:
    """What trained, put into a new model, gives the same logits: nothing is learned elsewhere."""
    model, fresh = subject.trained().eval(), subject.model().eval()
    learned = model.trained()
    with torch.no_grad():
        for name, parameter in fresh.trained().items():
            parameter.copy_(learned[name])
        batch = subject.validation.batch(np.arange(6))
        worst = (model(batch) - fresh(batch)).abs().max().item()
    _expect(worst == 0, f"logits of the reloaded model differ by {worst:.2g}: something learned is no parameter")


def repeatable(subject: Subject) -> None:
    """Trained twice from the same seed, it has the same bits."""
    first, second = subject.trained().trained(), subject.trained().trained()
    other = [name for name in first if not torch.equal(first[name], second[name])]
    _expect(not other, f"{_some(other)} differ between two trainings with the same seed")


def beginning(subject: Subject) -> None:
    """Blocks before `first_block` are left alone: keeping their output gives what computing it each time gives."""
    model = subject.trained().eval()
    at = np.array([3, 12, 7])
    with torch.no_grad():
        kept, computed = (
            model.finish(Feed(model, subject.training, 8, CPU, keep=keep).state(at)) for keep in (True, False)
        )
    worst = (kept - computed).abs().max().item()
    _expect(worst < 1e-4, f"logits differ by {worst:.2g} when the blocks before first_block are computed only once")


def last_block(subject: Subject) -> None:
    """The last block may give [CLS] alone: the logits are the same, or `needs_all_tokens` is set."""
    model = subject.trained().eval()
    batch = subject.training.batch(np.arange(12))
    with torch.no_grad():
        lean = model(batch)
        model.lean = False
        worst = (lean - model(batch)).abs().max().item()
    _expect(worst < 1e-4, f"logits differ by {worst:.2g} when all tokens of the last block are computed")


def padding(subject: Subject) -> None:
    """Padding may be left out of the blocks: the logits are the same, or `needs_samples` is set."""
    model = subject.trained().eval()
    batch = subject.training.batch(np.arange(12))
    with torch.no_grad():
        if not model.method.needs_samples:
            model.backbone.group_cost = 0
        packed = model(batch)
        model.backbone.group_cost = None
        worst = (packed - model(batch)).abs().max().item()
    _expect(worst < 1e-4, f"logits differ by {worst:.2g} when padding is left out of the blocks")


def flops(subject: Subject) -> None:
    """FLOPs can be counted: no operator without a formula, and both counters agree."""
    model = subject.model()
    batch = subject.samples.batch(np.arange(1), np.ones((1, 2), bool))
    step = step_flops(model, batch)
    forward = forward_flops(model, batch)
    _expect(
        abs(forward - step["forward"]) <= 1e-3 * step["forward"],
        f"fvcore counts {forward:.4g} FLOPs of a forward pass, FlopCounterMode {step['forward']:.4g}",
    )


def groups(subject: Subject) -> None:
    """Every parameter belongs to one group (adapter, pooler, head, backbone), and they sum to the model."""
    model = subject.model()
    found = [id(p) for group in model.groups().values() for p in group]
    total = sum(p.numel() for group in model.groups().values() for p in group)
    unused = sum(p.numel() for p in model.backbone.vilt.pooler.parameters())
    _expect(len(found) == len(set(found)), "a parameter is counted in two groups")
    whole = sum(p.numel() for p in model.parameters()) - unused
    _expect(total == whole, f"the groups sum to {total} parameters, the model has {whole}")


def observed_kept(subject: Subject) -> None:
    """An imputer leaves what was observed bit for bit as it was, and fills in finite tokens."""
    model = subject.model()
    batch = subject.training.batch(np.arange(12))
    with torch.no_grad():
        parts = model.backbone.embed(batch)
        filled = model.imputer.fill(parts, batch.present)
    _expect(len(filled) == len(parts), f"fill returned {len(filled)} parts for {len(parts)} modalities")
    for m, name in enumerate(model.backbone.modalities):
        there = batch.present[:, m]
        same = all(map(torch.equal, parts[m].rows(there), filled[m].rows(there)))
        _expect(same, f"fill changed the {name} of samples that have it")
        values = filled[m].x[filled[m].mask]
        _expect(bool(torch.isfinite(values).all()), f"fill put numbers that are not finite into {name}")
        _expect(bool(filled[m].mask[:, 0].all()), f"fill left samples without a first token of {name}")


RULES: tuple[Callable[[Subject], None], ...] = (
    outputs,
    observed_kept,
    absent,
    alone,
    frozen,
    gradients,
    detaching,
    saving,
    repeatable,
    beginning,
    last_block,
    padding,
    flops,
    groups,
)


def check(subject: Subject) -> Iterator[tuple[str, str | None]]:
    """Try every rule: its text, and what is wrong or None. Stops where nothing can run."""
    for rule in RULES:
        title = (rule.__doc__ or rule.__name__).split("\n")[0]
        try:
            rule(subject)
        except BrokenRule as broken:
            yield title, str(broken)
        except Exception as error:
            at = traceback.extract_tb(error.__traceback__)[-1]
            yield title, f"{type(error).__name__}: {error} ({at.filename}, line {at.lineno})"
            if rule is outputs:
                return
        else:
            yield title, None


def check_dataset(name: str, root: Path | None) -> Iterator[tuple[str, str | None]]:
    """Try what the harness relies on in a dataset: its text, and what is wrong or None."""
    title = "It can be read."
    try:
        table = datasets.load(name, root)
        again = datasets.load(name, root)
    except Exception as error:
        yield title, f"{type(error).__name__}: {error}"
        return
    yield title, None if len(table) else "it has no samples"
    lengths = {n: len(getattr(table, n)) for n in ("ids", "groups", "texts", "pictures", "targets")}
    wrong = {n: length for n, length in lengths.items() if length != len(table)}
    yield (
        "Every sample has an id, a group, a text, pictures and labels.",
        f"{wrong} for {len(table)} ids" if wrong else None,
    )
    repeated = [sample for sample, count in Counter(table.ids).items() if count > 1]
    yield "Ids are unique.", f"{_some(repeated)} stand more than once" if repeated else None
    expected = (len(table), len(table.labels))
    shape = table.targets.shape
    yield "Targets are [samples, labels].", None if shape == expected else f"{list(shape)}; expected {list(expected)}"
    odd = sorted(set(np.unique(table.targets).tolist()) - {0, 1})
    yield "Targets are 0 or 1.", f"they hold {odd[:5]}" if odd else None
    first = next((p for pictures in table.pictures for p in pictures if p is not None), None)
    pixels = np.zeros((1, 1, 3), np.uint8) if first is None else first.read()
    right = pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3
    yield "Pictures are uint8 [H, W, 3].", None if right else f"the first is {pixels.dtype} {list(pixels.shape)}"
    same = table.fingerprint() == again.fingerprint()
    yield "Read twice, it is the same.", None if same else "two readings have other fingerprints"


def subject(method: type[Method], imputer: type[Imputer] = Dummy) -> Subject:
    """The subject on the shipped backbone and 24 patients of the ODIR twin."""
    spec = backbones.resolve("small")
    with tempfile.TemporaryDirectory() as folder:
        inputs = Inputs(spec.rule, spec.tokenizer, 64)
        samples = prepare(twins.odir(24), "check", inputs, Path(folder))
        samples = dataclasses.replace(samples, pixels=np.array(samples.pixels))
    backbone = backbones.load(spec, 64, 0)
    return Subject(method, imputer, samples, lambda: copy.deepcopy(backbone))


def _expect(kept: bool, message: str) -> None:
    if not kept:
        raise BrokenRule(message)


def _some(names: list[str]) -> str:
    """A list of names, shortened."""
    if not names:
        return "nothing"
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
