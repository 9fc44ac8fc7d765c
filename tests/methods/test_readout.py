"""What the classifier reads of the last block: against by-hand computation, and what it may not hang on."""

import copy
import dataclasses

import numpy as np
import pytest
import torch
from conftest import EVERYTHING, ON_A_STREAM, RECIPE, dual_inputs, load, random_inputs, thirds, tiny_backbone, tiny_clip

from mora_bench import registry
from mora_bench.backbones.contract import At
from mora_bench.checks import leaks, method, spared
from mora_bench.checks.subject import Subject, own_axes
from mora_bench.data.batch import Batch
from mora_bench.data.modalities.image import ImageInputs
from mora_bench.data.modalities.text import TextInputs
from mora_bench.methods.imputer import Dummy
from mora_bench.methods.network import Model, Shortcuts
from mora_bench.methods.readout import LabelAttention
from mora_bench.tasks.multiclass import MultiClass
from mora_bench.training.cost import parameters
from mora_bench.training.flops import forward_flops, step_flops
from mora_bench.training.learner import Learner
from mora_bench.training.probe import settle
from mora_bench.training.state_cache import Feed
from mora_bench.training.vectorised import together

READOUTS = ("mean", "labels")
CPU = torch.device("cpu")
C = 5


def made(backbone, readout: str, name: str = "head", classes: int = C, moved: bool = True) -> Model:
    """A model whose head and method are not at their start, so that nothing is zero by design."""
    kind = registry.get(registry.METHODS, name)
    torch.manual_seed(1)
    model = Model(backbone, kind(backbone, own_axes(kind, backbone)), Dummy(backbone), classes, 0, None, readout).eval()
    if moved:
        with torch.no_grad():
            for parameter in model.trained().values():
                parameter.add_(0.3 * torch.randn_like(parameter))
    return model


def last_of(model: Model, batch):
    """Each stream's tokens after all blocks of a network without a method, normed."""
    backbone = model.backbone
    streams = backbone.join(backbone.embed(batch), batch.present)
    for i in range(backbone.depth):
        streams = tuple(backbone.block(At(s, i), tokens) for s, tokens in enumerate(streams))
    return [tokens.with_x(backbone.norm(s, tokens.x)) for s, tokens in enumerate(streams)]


DUAL = dual_inputs([(2, 4), (3, 2), (4, 4)], [5, 7, 3])


def test_the_mean_is_that_of_every_token_that_is_there():
    model, batch = made(tiny_backbone(), "mean"), random_inputs()
    (tokens,) = last_of(model, batch)
    expected = torch.stack([states[mask].mean(0) for states, mask in zip(tokens.x, tokens.mask, strict=True)])
    torch.testing.assert_close(model(batch), model.head(expected))


def test_on_towers_each_means_tokens_are_projected_as_its_pooled_one_is():
    model = made(tiny_clip(), "mean")
    text, image = ([x[mask].mean(0) for x, mask in zip(t.x, t.mask, strict=True)] for t in last_of(model, DUAL))
    expected = torch.cat([model.pooler["text"](torch.stack(text)), model.pooler["image"](torch.stack(image))], -1)
    torch.testing.assert_close(model(DUAL), model.head(expected))


def by_hand(query, weight, bias, tokens):
    """One label's logit of one sample: its tokens by stream, [t, D] each, with the label's query for each."""
    attended = []
    for u, h in zip(query, tokens, strict=True):
        scores = torch.stack([u @ token / len(u) ** 0.5 for token in h]).exp()
        attended.append((scores / scores.sum()) @ h)
    return float((weight @ torch.cat(attended) + bias).detach())


def test_each_label_attends_by_itself():
    model, batch = made(tiny_backbone(), "labels"), random_inputs()
    (tokens,) = last_of(model, batch)
    head = model.head
    expected = [
        [by_hand([head.queries[0][c]], head.weight[c], head.bias[c], [x[m]]) for c in range(C)]
        for x, m in zip(tokens.x, tokens.mask, strict=True)
    ]
    torch.testing.assert_close(model(batch).detach(), torch.tensor(expected), rtol=1e-4, atol=1e-4)


def test_on_towers_labels_attend_in_each_stream_and_what_they_find_is_projected():
    model = made(tiny_clip(), "labels")
    head, (text, image) = model.head, last_of(model, DUAL)
    logits = []
    for b in range(3):
        row = []
        for c in range(C):
            parts = []
            for s, tokens in enumerate((text, image)):
                h = tokens.x[b][tokens.mask[b]]
                read = (h @ head.queries[s][c] / h.shape[1] ** 0.5).softmax(0) @ h
                parts.append(model.pooler[("text", "image")[s]](read))
            row.append(float(head.weight[c] @ torch.cat(parts) + head.bias[c]))
        logits.append(row)
    torch.testing.assert_close(model(DUAL), torch.tensor(logits), rtol=1e-4, atol=1e-4)


def test_labels_first_read_the_mean():
    attention, means = (made(tiny_backbone(), readout, moved=False) for readout in ("labels", "mean"))
    (tokens,) = last_of(attention, random_inputs())
    attended = attention.head.attend([tokens])[0]
    torch.testing.assert_close(attended, tokens.mean()[:, None].expand_as(attended))
    assert means(random_inputs()).shape == attention(random_inputs()).shape


def test_the_backbones_own_is_bit_for_bit_what_pooler_says():
    for make, batch in ((tiny_backbone, random_inputs()), (tiny_clip, DUAL)):
        assert torch.equal(made(make(), "")(batch), made(make(), "pooler")(batch))


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("name", ON_A_STREAM)
def test_no_token_that_a_method_added_is_read(name, readout, folder, toy):
    model = made(load(folder), readout, name)
    batch = toy.batch(np.arange(6), thirds(toy, np.arange(6)).present)
    with torch.no_grad():
        embedded = model._run(batch, 0, 2).streams[0]
        out = model._run(batch, 0, 2 + model.backbone.depth).streams[0]
        assert (out.modality >= 0).sum(1).tolist() == (embedded.modality >= 0).sum(1).tolist()
        before = model(batch)
        added = (out.modality < 0)[..., None]
        model._run = lambda *_: type("State", (), {"streams": (out.with_x(torch.where(added, 7e3, out.x)),)})()
        assert torch.equal(model(batch), before)


#: By default MoRA is tried under both, other methods under one of them in turn.
UNDER = [
    (name, readout)
    for i, name in enumerate(ON_A_STREAM)
    for j, readout in enumerate(READOUTS)
    if EVERYTHING or name == "mora" or (i + j) % len(READOUTS) == 0
]


@pytest.mark.parametrize(("name", "readout"), UNDER)
def test_every_method_keeps_the_rules_under_every_readout(name, readout, folder, toy):
    kind = registry.get(registry.METHODS, name)
    recipe = dataclasses.replace(Subject.recipe, readout=readout)
    subject = Subject(kind, Dummy, toy, lambda: load(folder), recipe)
    for rule in (leaks.absent, method.alone, method.gradients, method.finite, method.owners):
        rule(subject)
    for rule in (spared.beginning, spared.flops):
        rule(subject)


def one_of(batch: Batch, row: int, patch: int = 16) -> Batch:
    """A sample without its batch's padding."""
    words, pictures = batch.inputs
    length, (height, width) = int(words.mask[row].sum()), pictures.grid[row].tolist()
    text = TextInputs(words.ids[[row], :length], words.mask[[row], :length])
    pixels = pictures.pixels[[row], :, : height * patch, : width * patch]
    return Batch((text, ImageInputs(pixels, pictures.grid[[row]])), batch.present[[row]])


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("make", [tiny_backbone, tiny_clip])
def test_a_sample_is_read_alone_and_without_padding(make, readout):
    model = made(make(), readout)
    with torch.no_grad():
        alone = torch.cat([model(one_of(DUAL, row)) for row in range(3)])
        torch.testing.assert_close(model(DUAL), alone, rtol=1e-4, atol=1e-4)
        # Whatever the padding holds.
        words, pictures = copy.deepcopy(DUAL.inputs)
        words.ids[~words.mask] = 7
        pictures.pixels[0, :, 32:] = 3.0
        odd = Batch((words, pictures), DUAL.present)
        torch.testing.assert_close(model(odd), alone, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("lacking", [(), (0,), (1,)])
def test_gradients_of_queries_are_finite_whatever_is_absent(lacking):
    for make, batch in ((tiny_backbone, random_inputs()), (tiny_clip, DUAL)):
        model = made(make(), "labels")
        present = batch.present.clone()
        present[:, list(lacking)] = False
        model(dataclasses.replace(batch, present=present)).pow(2).sum().backward()
        for query in model.head.queries:
            assert query.grad.isfinite().all()
            assert query.grad.any()


@pytest.mark.parametrize("readout", READOUTS)
def test_every_token_of_the_last_block_is_computed_and_the_beginning_kept(readout, folder, toy):
    model = made(load(folder), readout, moved=False)
    view = thirds(toy, np.arange(12))
    model.start_at(np.full(C, -3.0, np.float32))
    assert settle(model, view, CPU) == Shortcuts(constant=True, ahead=False, lean=False)
    pooler = made(load(folder), "", moved=False)
    assert settle(pooler, view, CPU).lean
    feed = Feed(model, view, 4, CPU)
    assert feed.kept
    at = np.array([7, 0, 3])
    with torch.no_grad():
        torch.testing.assert_close(model.finish(feed.state(at)), model(view.batch(at)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("name", ["head", "mora", "dcp"])
def test_several_models_train_as_one(name, readout, folder, toy):
    models = [made(load(folder), readout, name) for _ in range(2)]
    with torch.no_grad():
        for parameter in models[1].trained().values():
            parameter.mul_(0.5)
        state = models[0].begin(toy.batch(np.arange(6), thirds(toy, np.arange(6)).present))
        alone = torch.stack([model.finish(state) for model in models])
        torch.testing.assert_close(together(models)(state), alone, rtol=1e-4, atol=1e-4)


def test_the_label_attention_is_the_classifier_with_its_rate_and_decay_and_starts_at_prevalence():
    model = made(tiny_backbone(), "labels", "mora", moved=False)
    recipe = dataclasses.replace(RECIPE, head_lr_mult=10.0, decay_norms=True)
    learner = Learner(model, recipe, 10, CPU, MultiClass())
    decay = {id(p): g["weight_decay"] for g in learner.optimizer.param_groups for p in g["params"]}
    head = model.head
    assert isinstance(head, LabelAttention)
    initial = {id(p): g["initial_lr"] for g in learner.optimizer.param_groups for p in g["params"]}
    assert [initial[id(p)] for p in (head.queries[0], head.weight, head.bias)] == [recipe.lr * 10] * 3
    decays = [decay[id(p)] for p in (head.queries[0], head.weight, head.bias)]
    assert decays == [recipe.weight_decay, recipe.weight_decay, 0.0]
    model.start_at(np.array([0.1, -1, 2, 0, 3], np.float32))
    assert head.bias.tolist() == pytest.approx([0.1, -1, 2, 0, 3])


def multiply_adds(tokens: int, width: int, classes: int) -> int:
    """Of one attention a label: scores, what is found, logits."""
    return 2 * tokens * width * classes + classes * width


def test_flops_and_parameters_equal_closed_forms(folder, toy):
    batch = toy.batch(np.arange(1), np.ones((1, 2), bool))
    models = {readout: made(load(folder), readout, classes=8) for readout in ("pooler", *READOUTS)}
    width, tokens = 32, sum(int(part.mask.sum()) for part in models["mean"].embed(batch))
    step = {readout: step_flops(model, batch)["forward"] / 2 for readout, model in models.items()}
    head = 2 * width * width + 2 * width * 8
    assert step["pooler"] - step["mean"] == width * width
    assert step["labels"] - step["mean"] == multiply_adds(tokens, width, 8) - head
    counted = {readout: forward_flops(model, batch) for readout, model in models.items()}
    assert {readout: count.flops / 2 for readout, count in counted.items()} == pytest.approx(step)
    assert [count.without_formula for count in counted.values()] == [(), (), ()]
    shares = {readout: parameters(model) for readout, model in models.items()}
    assert shares["labels"].trained == {"adapter": 0, "pooler": 0, "head": 2 * 8 * width + 8, "backbone": 0}
    assert shares["mean"].trained["pooler"] == 0
    assert shares["pooler"].trained["pooler"] == width * width + width
    assert shares["mean"].all["backbone"] == shares["pooler"].all["backbone"] == shares["labels"].all["backbone"]
