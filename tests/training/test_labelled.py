"""Labels of training samples reach methods that read them, in order, with what is said of the modalities."""

import numpy as np
import torch
from conftest import load, make_model, thirds

from mora_bench.backbones.vilt import Vilt
from mora_bench.checks.subject import CPU
from mora_bench.methods.contract import Axes, Method
from mora_bench.methods.imputer import Dummy
from mora_bench.methods.network import Model
from mora_bench.tasks.multilabel import MultiLabel
from mora_bench.training.cell import in_order
from mora_bench.training.labelled import fit_labelled
from mora_bench.training.probe import steady

TRAIN = np.array([3, 1, 4, 15, 9, 2, 6])


class Keeps(Method):
    """Keeps what it is handed."""

    title, source = "keeps", "test"
    reads_labels = True

    def __init__(self, backbone, axes):
        super().__init__(backbone, axes)
        self.handed, self.steady, self.precision = [], None, []

    @property
    def first_block(self):
        return 0

    def fit_labelled(self, observed, steady):
        self.handed, self.steady = list(observed), steady

    def block(self, at, frozen, tokens):
        self.precision.append(tokens.x.dtype)
        return frozen(tokens)


class Mute(Keeps):
    reads_labels = False


def model_of(kind, folder):
    backbone = load(folder)
    return Model(backbone, kind(backbone, Axes()), Dummy(backbone), 8, head_seed=1)


def test_a_method_that_says_so_gets_the_training_sides_labels_in_order(folder, toy):
    view = thirds(toy, TRAIN)
    model = model_of(Keeps, folder)
    fit_labelled(model, view, in_order(view, 3, CPU), MultiLabel(), CPU)
    parts, present, labels = zip(*model.method.handed, strict=True)
    assert [len(some) for some in labels] == [3, 3, 1]
    assert torch.equal(torch.cat(labels), torch.from_numpy(toy.table.targets[TRAIN]).float())
    assert torch.equal(torch.cat(present), torch.from_numpy(view.present))
    with torch.no_grad():
        for given, expected in zip(parts[1], model.embed(view.batch(np.arange(3, 6))), strict=True):
            assert torch.equal(given.x, expected.x)
    assert model.method.steady.tolist() == [True, True]


def test_a_method_that_does_not_say_so_gets_none(folder, toy):
    view = thirds(toy, TRAIN)
    model = model_of(Mute, folder)
    fit_labelled(model, view, in_order(view, 3, CPU), MultiLabel(), CPU)
    assert model.method.handed == []


def test_its_tokens_are_in_float32_whatever_the_precision_of_training(folder, toy):
    batch = thirds(toy, TRAIN).batch(np.arange(3))
    seen = {}
    for kind in (Keeps, Mute):
        model = model_of(kind, folder).eval()
        with torch.no_grad():
            (exact,) = model.backbone.join(model.embed(batch), batch.present)
            with torch.autocast("cpu", torch.bfloat16):
                seen[kind] = (model.begin(batch).streams[0].x.float() - exact.x).abs().max().item()
    assert seen[Keeps] == 0
    assert seen[Mute] > 1e-4


def test_what_trains_or_drops_out_before_the_blocks_is_not_steady(folder, toy):
    view = thirds(toy, TRAIN)
    assert steady(make_model("map", load(folder)), view, CPU).tolist() == [True, True]
    assert steady(make_model("full", load(folder)), view, CPU).tolist() == [False, False]
    dropping = load(folder)
    dropping.set_dropout(0.1)
    assert steady(make_model("map", dropping), view, CPU).tolist() == [False, False]
    # Two pictures on a network with one type of picture: a row that trains is added to the second.
    typed = load(folder)
    typed.__class__ = type("Typed", (Vilt,), {"untyped": property(lambda self: ("image",))})
    assert steady(make_model("map", typed), view, CPU).tolist() == [typed.modalities[m] != "image" for m in (0, 1)]
