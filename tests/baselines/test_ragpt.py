"""RAGPT against naive references, sample by sample; and what keeps a sample from reading its own label."""

import copy
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from conftest import dual_inputs, load, through, tiny_backbone
from mora_baselines import ragpt
from mora_baselines.ragpt import Generator, Prompter, Ragpt

from mora_bench import registry
from mora_bench.backbones.contract import At
from mora_bench.backbones.load import resolve
from mora_bench.backbones.tokens import Part, Tokens
from mora_bench.checks import leaks
from mora_bench.checks.rules import BrokenRule
from mora_bench.checks.subject import Subject
from mora_bench.errors import UserError
from mora_bench.methods.contract import Axes
from mora_bench.methods.imputer import Dummy
from mora_bench.plan.expand import expand
from mora_bench.plan.grid import Grid

SIZES = [(2, 2), (2, 4), (1, 3), (3, 3), (2, 3), (4, 1), (3, 2), (2, 2), (1, 2)]
LENGTHS = [4, 9, 3, 6, 12, 5, 7, 8, 10]
KNOWN = [[True, True], [True, True], [True, False], [True, True], [False, True], [True, True], [True, True]]
KNOWN += [[True, False], [True, True]]
NEW = dual_inputs([(1, 2), (4, 2), (3, 4)], [6, 3, 11])
PRESENT = [[True, True], [True, False], [False, True]]
STEADY = torch.tensor([True, True])


def embedded(backbone, batch):
    """The parts of a batch in the backbone's precision."""
    dtype = next(backbone.parameters()).dtype
    with torch.no_grad():
        return backbone.embed(
            batch.with_tensors([t.to(dtype) if t.is_floating_point() else t for t in batch.tensors()])
        )


def training(backbone):
    """Parts, presence and labels of nine training samples of different lengths."""
    generator = torch.Generator().manual_seed(3)
    parts = embedded(backbone, dual_inputs(SIZES, LENGTHS))
    return parts, torch.tensor(KNOWN), (torch.rand(len(SIZES), 8, generator=generator) < 0.4).to(parts[0].x)


def fitted(backbone, steady=STEADY, blocks=(1,), known=None, **knobs):
    torch.manual_seed(0)
    method = Ragpt(backbone, Axes(blocks=blocks, knobs=knobs))
    with torch.no_grad():
        method.fit_labelled([known or training(backbone)], steady)
    exact = next(backbone.parameters()).dtype == torch.float64
    return (method.double() if exact else method).eval()


def new(backbone, present=PRESENT):
    (tokens,) = backbone.join(embedded(backbone, NEW), torch.tensor(present))
    return tokens


def test_the_generator_is_a_circular_convolution_with_a_residual_a_norm_and_a_layer():
    torch.manual_seed(0)
    generator = Generator(7, 5, 0.0)
    torch.nn.init.normal_(generator.norm.weight)
    mean = torch.randn(3, 7, 5, requires_grad=True)
    got = generator(mean)
    waves = torch.view_as_complex(generator.filter)
    filtered = []
    for n in range(7):
        total = 0
        for f in range(7):
            turned = sum(mean[:, t] * torch.exp(torch.tensor(-2j * torch.pi * f * t / 7)) for t in range(7))
            total = total + waves[f] * turned * torch.exp(torch.tensor(2j * torch.pi * f * n / 7)) / 7
        filtered.append(total.real)
    mixed = F.layer_norm(mean + torch.stack(filtered, 1), (5,), generator.norm.weight, generator.norm.bias)
    expected = mixed @ generator.linear.weight.T + generator.linear.bias
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-5)
    weights = torch.randn_like(got)
    ours, theirs = (torch.autograd.grad((x * weights).sum(), [mean, generator.filter]) for x in (got, expected))
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-5)


def attended(prompter, own, others):
    """The prompts of one sample: tokens [t, D] over its neighbours' [s, D]."""
    weights = (prompter.query(own) @ prompter.key(others).T / own.shape[1] ** 0.5).softmax(1)
    pooled = F.adaptive_avg_pool1d((weights @ prompter.value(others)).T[None], prompter.count)
    return pooled[0].T


def test_the_prompter_is_attention_and_the_mean_of_six_parts_whatever_the_padding():
    torch.manual_seed(0)
    prompter = Prompter(6, 32)
    x, others = torch.randn(4, 17, 32), torch.randn(4, 20, 32)
    own, kept = torch.rand(4, 17) < 0.5, torch.rand(4, 20) < 0.6
    own[1, 3:] = False
    own[1, :3] = True
    kept[3] = False
    got = prompter(x, own, others, kept)
    assert not got[3].any()
    expected = torch.stack([attended(prompter, x[b][own[b]], others[b][kept[b]]) for b in range(3)])
    torch.testing.assert_close(got[:3], expected, rtol=0, atol=1e-5)
    weights = torch.randn_like(expected)
    ours, theirs = (torch.autograd.grad((y * weights).sum(), list(prompter.parameters())) for y in (got[:3], expected))
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-5)


def by_hand(backbone, method, known, parts, row, has):
    """[CLS], or the label prompt, of one new sample after all blocks, as plain sequences."""
    stored, shown, labels = known
    rows = range(len(shown))
    own = [part.x[row][part.mask[row]] for part in parts]
    theirs = [[part.x[j][part.mask[j]] for j in rows] for part in stored]

    def likeness(m, j):
        return F.cosine_similarity(own[m].mean(0), theirs[m][j].mean(0), dim=0).item()

    def together(j):
        both = [likeness(m, j) for m in (0, 1) if has[m] and shown[j, m]]
        return sum(both) / len(both) if both else None

    def best(scores):
        scores = {j: score for j, score in scores.items() if score is not None}
        return sorted(scores, key=lambda j: -scores[j])[: method.k]

    of = [best({j: likeness(m, j) if has[m] else together(j) for j in rows if shown[j, m]}) for m in (0, 1)]
    sequences = list(own)
    for m in (0, 1):
        if not has[m]:
            near, length = [theirs[m][j] for j in of[m]], method.generators[str(m)].filter.shape[0]
            mean = own[m].new_zeros(length, own[m].shape[1])
            for t in range(max(map(len, near))):
                mean[t] = torch.stack([x[t] for x in near if len(x) > t]).mean(0)
            made = method.generators[str(m)](mean[None])[0][: round(sum(map(len, near)) / len(near))]
            sequences[m] = torch.cat([own[m][:1], made[1:]]) if m == 0 and not method.label_first else made
    prompts = [attended(method.prompter, sequences[m], torch.cat([theirs[m][j] for j in of[m]])) for m in (0, 1)]
    near = best({j: together(j) for j in rows})
    label = torch.stack(
        [sum(method.label_vectors[c] for c in labels[j].nonzero()[:, 0]) + torch.zeros(32) for j in near]
    )
    x = torch.cat(sequences)[None]
    for i in range(backbone.depth):
        if i == 1:
            front = [label.mean(0)[None]] if method.label_first else []
            behind = prompts if method.label_first else [label.mean(0)[None], *prompts]
            x = torch.cat([*front, x[0], *behind])[None]
        mask = torch.ones(x.shape[:2], dtype=torch.bool)
        x = backbone.block(At(0, i), Tokens(x, mask, mask[:, :2], torch.zeros(x.shape[:2]))).x
    return x[0, 0]


@pytest.mark.parametrize("label_first", [False, True])
@pytest.mark.parametrize("k", [2, 5])
def test_it_is_the_published_one_sample_by_sample(label_first, k):
    backbone = tiny_backbone().double()
    known = training(backbone)
    method = fitted(backbone, label_first=label_first, k=k)
    got = through(backbone, method, new(backbone))
    assert got.mask[:, 0].all()
    parts = embedded(backbone, NEW)
    expected = torch.stack([by_hand(backbone, method, known, parts, row, has) for row, has in enumerate(PRESENT)])
    torch.testing.assert_close(got.x[:, 0], expected, rtol=0, atol=1e-9)
    weights = torch.randn_like(expected)
    trained = list(method.parameters())
    ours, theirs = (
        torch.autograd.grad((x * weights).sum(), trained, retain_graph=True) for x in (got.x[:, 0], expected)
    )
    assert all(gradient.any() for gradient in ours if gradient.numel() > 32)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-9)


def test_a_second_block_renews_the_prompts():
    backbone = tiny_backbone()
    tokens = new(backbone, [[True, True]] * 3)
    length = int(tokens.mask.sum(1).max())
    for label_first in (False, True):
        method = fitted(backbone, blocks=(1, 2), label_first=label_first)
        entering = []

        def frozen(t, i=0, entering=entering):
            entering.append(t)
            return backbone.block(At(0, i), t)

        after = tokens
        for i in range(3):
            after = method.block(At(0, i), lambda t, i=i: frozen(t, i), after)
        assert [t.x.shape[1] for t in entering] == [length, length + 13, length + 13]
        first, second = (torch.cat([t.x[:, :1], t.x[:, -12:]], 1)[:, not label_first :] for t in entering[1:])
        assert torch.equal(first, second)
        assert (entering[2].modality[:, -12:] == -1).all()
        assert ((entering[2].modality[:, 0] == -1) == label_first).all()
        assert method.made is None


def neighbours(method, tokens):
    by_modality, by_all = method.memory.neighbours(tokens, method.k)
    return [
        [{*rows[valid].tolist()} for rows, valid in zip(*near, strict=True)] for near in (*by_modality.values(), by_all)
    ]


def test_whatever_shows_all_that_a_sample_shows_alike_is_no_neighbour():
    """A sample of the memory, with what it showed and with less; and one with the same text and another picture."""
    backbone = tiny_backbone()
    parts, present, labels = training(backbone)
    # Row 5 has the text of row 1.
    length = LENGTHS[1]
    text = Part(parts[0].x.clone(), parts[0].mask.clone())
    text.x[5], text.mask[5] = text.x[1], text.mask[1]
    known = ([text, parts[1]], present, labels)
    method = fitted(backbone, known=known, k=9)
    (whole,) = backbone.join(known[0], present)
    assert length == int(whole.mask[5, : text.x.shape[1]].sum())
    for row, near in enumerate(zip(*neighbours(method, whole), strict=True)):
        assert all(row not in some for some in near)
    text_only = replace(whole, present=torch.tensor([[True, False]] * 9))
    by_text, by_image, by_all = neighbours(method, text_only)
    assert by_text[1] == {0, 2, 3, 6, 7, 8}
    assert by_image[1] == {0, 3, 6, 8}
    assert by_all[1] == by_text[1]
    # With both, the picture tells row 5 from row 1.
    assert 5 in neighbours(method, whole)[0][1]


def test_the_rule_finds_a_memory_that_does_not_leave_out_the_sample(folder, toy, monkeypatch):
    subject = Subject(Ragpt, Dummy, toy, lambda: copy.deepcopy(load(folder)))
    leaks.own_label(subject)
    monkeypatch.setattr(ragpt, "SAME", -2.0)
    with pytest.raises(BrokenRule, match="the label of a training sample changed its own logits"):
        leaks.own_label(subject)


def test_what_no_neighbour_shows_stays_as_it_was_and_has_no_prompts():
    backbone = tiny_backbone()
    parts, _, labels = training(backbone)
    # Nobody shows both.
    alone = torch.tensor([[j % 2 == 0, j % 2 == 1] for j in range(9)])
    method = fitted(backbone, known=(parts, alone, labels))
    assert not method.generators
    tokens = new(backbone)
    prepared = method.prepared(method.memory, tokens)
    for row in range(3):
        assert torch.equal(prepared.x[row][prepared.mask[row]], tokens.x[row][tokens.mask[row]])
    _, prompts = method.made
    assert [bool(some.any()) for some in prompts.unflatten(1, (2, 6)).flatten(0, 1)] == [1, 1, 1, 0, 0, 1]


def test_made_tokens_stand_in_for_the_modality_and_the_read_token_stays():
    backbone = tiny_backbone()
    method = fitted(backbone)
    tokens = new(backbone)
    prepared = method.prepared(method.memory, tokens)
    assert torch.equal(prepared.x[:, 0], tokens.x[:, 0])
    assert (prepared.modality[:, 0] == 0).all()
    assert ((prepared.modality == -1) == ~prepared.mask).all()
    kinds = prepared.modality
    assert [(kinds[0] == 0).sum().item(), (kinds[0] == 1).sum().item()] == [6, 1 + 2]
    assert (kinds[1] == 0).sum() == 3
    assert (kinds[2] == 1).sum() == 1 + 12
    by_modality, _ = method.memory.neighbours(tokens, 5)
    for m, row, of in ((1, 1, [1 + h * w for h, w in SIZES]), (0, 2, LENGTHS)):
        near = by_modality[m].rows[row][by_modality[m].valid[row]].tolist()
        assert (kinds[row] == m).sum() == round(sum(of[j] for j in near) / len(near))
    assert prepared.mask.sum(1).max() == prepared.mask.shape[1]


def test_labels_that_nobody_knows_add_nothing():
    backbone = tiny_backbone()
    parts, present, labels = training(backbone)
    method = fitted(backbone, known=(parts, present, labels.masked_fill(labels == 0, torch.nan)))
    assert torch.equal(method.memory.labels, labels)


def test_a_modality_whose_embedding_trains_is_neither_looked_for_nor_made():
    backbone = tiny_backbone()
    method = fitted(backbone, steady=torch.tensor([True, False]))
    assert method.memory.modalities == [0]
    assert not method.generators
    tokens = new(backbone)
    by_text, by_all = neighbours(method, tokens)
    assert by_text[2] == by_all[2] == set()
    assert len(by_text[0]) == len(by_text[1]) == 5
    prepared = method.prepared(method.memory, tokens)
    for row in range(3):
        assert torch.equal(prepared.x[row][prepared.mask[row]], tokens.x[row][tokens.mask[row]])
    with pytest.raises(UserError, match=r"take --recipe\.projection aligned"):
        fitted(backbone, steady=torch.tensor([False, False]))


def test_what_is_known_when_planning_is_said_then(runtime):
    grid = Grid(methods=("ragpt", "head"), floors=("none",), datasets=("odir",))
    grid = replace(grid, recipe=replace(grid.recipe, dropout=0.1))
    plan = expand(grid, grid, runtime)
    assert {cell.method for cell in plan.cells} == {"head"}
    (why,) = [why for why in plan.collapsed if "ragpt" in why]
    assert "recipe.dropout 0.1 changes these (leave it at 0)" in why
    assert "one sequence of all modalities" in registry.get(registry.METHODS, "ragpt").unfit(resolve("small-dual", 64))


@pytest.mark.parametrize("knobs", [{"k": 0}, {"prompts": 0}, {"dropout": 1.0}])
def test_settings_that_make_no_sense_are_refused(knobs):
    with pytest.raises(UserError, match="k and prompts are 1 or more and dropout is in"):
        Ragpt(tiny_backbone(), Axes(blocks=(1,), knobs=knobs))


def test_no_sample_is_in_what_is_saved():
    """A checkpoint holds parameters and buffers, a saved adapter parameters."""
    method = fitted(tiny_backbone())
    assert [name for name, _ in method.named_buffers()] == []
    parts = {name.partition(".")[0] for name, _ in method.named_parameters()}
    assert parts == {"prompter", "generators", "label_vectors"}
