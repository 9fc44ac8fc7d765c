"""Multiply-adds against closed forms, and what tools of others print for the same networks."""

import copy
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from transformers import ViltConfig, ViltModel

from mora_bench import registry
from mora_bench.backbones.vilt import Vilt
from mora_bench.errors import UserError
from mora_bench.training.counters import methods
from mora_bench.training.counters.contract import Counter, Net, Printed, without_fused
from mora_bench.training.counters.methods import Settings
from mora_bench.training.counters.nets import InputSize, subject
from mora_bench.training.counters.run import COUNTERS, ours, row

PAGE = (Path(__file__).parents[2] / "docs" / "tools.md").read_text().split("## Costs")[1].split("\n## ")[0]
TOOLS = {counter.name: counter for counter in COUNTERS}


def blocks(tokens, width, inner, depth):
    """Multiply-adds of so many transformer blocks: attention's four linear layers and two products, the MLP."""
    return depth * (4 * tokens * width**2 + 2 * tokens**2 * width + 2 * tokens * width * inner)


def patches(number, width):
    return number * 3 * 32**2 * width


#: Shape, text, attention -> closed form.
FORMS = {
    ("vilt-b32", 40, "eager"): patches(144, 768) + blocks(40 + 1 + 144, 768, 3072, 12) + 768**2,
    ("clip-b32", 77, "sdpa"): (
        patches(49, 768) + blocks(1 + 49, 768, 3072, 12) + 768 * 512 + blocks(77, 512, 2048, 12) + 512 * 512 + 512
    ),
    ("minilm-l6", 128, "sdpa"): blocks(128, 384, 1536, 6) + 384**2,
    ("minilm-l6", 512, "sdpa"): blocks(512, 384, 1536, 6) + 384**2,
    ("bert-base", 128, "sdpa"): blocks(128, 768, 3072, 12) + 768**2,
}
FORMS["clip-b32", 77, "eager"] = FORMS["clip-b32", 77, "sdpa"]
#: What most tools see of each; all but those named here.
MOST = {
    "vilt-b32 40": 1.0,
    "clip-b32 77": 0.984,
    "minilm-l6 128": 0.947,
    "minilm-l6 512": 0.818,
    "bert-base 128": 0.973,
}
THOP = MOST | {"vilt-b32 40": 0.963}
TORCHINFO = {
    "vilt-b32 40": 0.027,
    "clip-b32 77": 0.036,
    "minilm-l6 128": 0.016,
    "minilm-l6 512": 0.003,
    "bert-base 128": 0.010,
}


@cache
def net(name: str, text: int, attention: str) -> Net:
    (network,) = subject(name, InputSize(text), None if name == "vilt-b32" else attention).nets
    assert network.attention == attention
    return network


@cache
def counted(name: str, text: int, attention: str):
    return ours(net(name, text, attention))


@cache
def row_of(tool: str, name: str, text: int, attention: str):
    return row(TOOLS[tool], net(name, text, attention), counted(name, text, attention))


def over_ours(tool: str, name: str, text: int, attention: str) -> float:
    """The tool's multiply-adds over ours; skips a tool that is not installed."""
    if TOOLS[tool].version() is None:
        pytest.skip(f"{tool} is not installed; it is none of our dependencies")
    count_row = row_of(tool, name, text, attention)
    assert count_row.status == "counted", count_row.why
    return count_row.over_ours


@pytest.mark.parametrize(("name", "text", "attention"), FORMS)
def test_ours_is_the_closed_form(name, text, attention):
    assert counted(name, text, attention).total == FORMS[name, text, attention]


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(("name", "text", "attention"), FORMS)
def test_a_tool_says_what_it_is_known_to_say(tool, name, text, attention):
    known = {"thop": THOP, "torchinfo": TORCHINFO, "deepspeed": dict.fromkeys(MOST, 1.0)}.get(tool, MOST)
    if attention == "eager" and tool not in ("thop", "torchinfo"):
        known = dict.fromkeys(known, 1.0)
    within = 0.001 if tool == "torchinfo" else 0.01
    assert over_ours(tool, name, text, attention) == pytest.approx(known[f"{name} {text}"], abs=within)


def table(corner: str) -> dict[str, list[str]]:
    """A table of the page by its first cell: the cells of each line by the line's first."""
    (block,) = [match for match in re.findall(r"((?:^\|.*\n)+)", PAGE, re.M) if match.split("|")[1].strip() == corner]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
    return {first: rest for first, *rest in lines if set(first) != {"-"}}


def columns() -> list[tuple[str, int, str]]:
    """Shape, text and attention of each column of the page's table of multiply-adds."""
    parts = [re.split(r",? ", heading) for heading in table("multiply-adds")["multiply-adds"][1:]]
    return [(shape, int(text), attention) for shape, text, attention in parts]


def test_our_numbers_on_the_page_are_what_we_count():
    mine = table("multiply-adds")["`mora_bench`, G"][1:]
    assert set(columns()) == set(FORMS)
    assert mine == [f"{counted(*column).total / 1e9:.4g}" for column in columns()]
    parameters = table("parameters")
    for at, shape in enumerate(parameters["parameters"]):
        column = next(form for form in columns() if form[0] == shape)
        assert parameters["`mora_bench`"][at] == f"{counted(*column).parameters:,}"


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tools_numbers_on_the_page_are_what_it_says(tool):
    version, *shares = table("multiply-adds")[tool]
    assert len(shares) == len(columns())
    ratios = [over_ours(tool, *column) for column in columns()]
    assert version in (TOOLS[tool].version() or "")
    assert [float(share) for share in shares] == pytest.approx(ratios, abs=0.0006)
    parameters = table("parameters")
    for at, shape in enumerate(parameters["parameters"]):
        column = next(form for form in columns() if form[0] == shape)
        printed = row_of(tool, *column).parameters
        share = None if printed is None else f"{printed / counted(*column).parameters:.3f}"
        assert (parameters[tool][at] if tool in parameters else None) == share


def test_the_shares_on_the_page_are_ours_and_pefts():
    lines = table("method")
    assert set(lines) == {"method", "`lora`", "`mora`"}
    for name in ("lora", "mora"):
        share, parameters = by_shapes(name)
        of_ours = [parameters.share_adapter, parameters.share_adapter_head, share.once, share.percent]
        assert lines[f"`{name}`"] == [f"{parameters.trained['adapter']:,}", *[f"{figure:.4g}" for figure in of_ours]]


def by_shapes(name: str):
    """What peft and we say of a method on ViLT-B/32, from shapes alone."""
    with torch.device("meta"):
        vilt = ViltModel(ViltConfig())
        backbone = Vilt(vilt, {"text": "text", "image": "image"})
        kind = registry.get(registry.METHODS, name)
        axes = methods.axes_of(kind, backbone.depth, Settings())
        plain = ViltModel(ViltConfig())
        method = kind(backbone, axes)
        model = methods.Model(backbone, method, methods.Dummy(backbone), 8, head_seed=0)
        return methods.by_peft(plain, method.export()[0], copy.deepcopy(model.head)), methods.parameters(model)


def test_peft_counts_the_classifier_twice_and_the_adapter_in_the_whole():
    share, parameters = by_shapes("lora")
    head, base = 1_196_552, 112_791_560
    assert share.trained == 294_912 + head
    assert share.all == base + 294_912 + head
    assert round(share.percent, 3) == 1.305
    assert round(share.of_base, 3) == round(parameters.share_adapter_head, 3) == 1.322
    assert share.once == pytest.approx(100 * (294_912 + head) / (base + 294_912))


def test_a_method_costs_what_records_say_and_the_backbone_is_left_as_it_was():
    small = subject("small", InputSize(20))
    before = {name: tensor.clone() for name, tensor in small.backbone.state_dict().items()}
    (plain,) = small.nets
    width, classes = 96, 8
    head, mora = (methods.cost(name, small, Settings()) for name in ("head", "mora"))
    assert head.multiply_adds == ours(plain).total + 2 * width**2 + 2 * width * classes
    tokens, rank = 20 + 1 + 16, 4
    assert mora.multiply_adds - head.multiply_adds == 2 * tokens * width * rank + 2 * rank * width
    # Of the last block: query, output and MLP of one token, and its row of attention.
    inner, others = 384, tokens - 1
    assert head.multiply_adds - head.as_trained == others * (2 * width**2 + 2 * width * inner + 2 * tokens * width)
    assert head.peft is None
    after = small.backbone.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


def test_a_text_longer_than_vilts_positions_is_said_and_one_beyond_clips_is_refused():
    assert subject("small", InputSize(200)).notes == (
        "Positions of texts are stretched from 128 to 200, as a grid with --recipe.max-text does.",
    )
    with pytest.raises(UserError, match="--text-length 129: small-dual reads texts of 1 to 128 tokens"):
        subject("small-dual", InputSize(129))


@pytest.mark.parametrize("tokens", [1, 6])
def test_fused_is_counted_by_closed_form_and_its_pictures_apart(tokens):
    fused = subject(f"fused:untrained,untrained,{tokens}", InputSize(30))
    reading, seeing = map(ours, fused.nets)
    width, features = 64, 32
    assert reading.total == blocks(30 + tokens, width, 128, 3) + tokens * features * width
    # A small ResNet's convolutions, of their outputs' sizes, in an order of their own.
    convolutions = []

    def counted(layer, inputs, out):
        convolutions.append(out[0].numel() * layer.in_channels * layer.kernel_size[0] * layer.kernel_size[1])

    network = fused.nets[1].module
    hooks = [m.register_forward_hook(counted) for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    network(**fused.nets[1].inputs)
    for hook in hooks:
        hook.remove()
    assert seeing.total == seeing.convolutions == sum(convolutions)
    assert "once per picture" in fused.nets[1].name
    assert f"gives {tokens} token" in fused.notes[0]
    mora = methods.cost("mora", fused, Settings(classes=3))
    assert mora.trained["projection"] == features * width + width + 2 * tokens * width
    head = width * 2 * width + 2 * width * 3
    # `down` and `up` of every token, rank 4, in one block; the sum of the ups of two modalities.
    assert mora.multiply_adds == reading.total + head + (2 * (30 + tokens) + 2) * width * 4


def test_a_pair_whose_pictures_are_features_is_counted_in_the_same_way():
    pair = subject("pair:small-dual,untrained", InputSize(8))
    assert [net.name.rpartition(", ")[2] for net in pair.nets] == ["text tower", "once per picture"]
    assert ours(pair.nets[1]).total == ours(subject("fused:untrained,untrained", InputSize(8)).nets[1]).total


@pytest.mark.parametrize("name", ["small", "small-dual", "pair:small-dual,small-dual", "fused:untrained,untrained"])
def test_another_picture_costs_what_its_patches_do(name):
    """Twice the patches of a picture: a convolution of twice the multiply-adds, which no other part has."""
    once, twice = (
        [counted for counted in map(ours, subject(name, InputSize(8, size)).nets) if counted.convolutions]
        for size in ((64, 64), (128, 64))
    )
    assert len(once) == len(twice) == 1
    assert twice[0].convolutions == 2 * once[0].convolutions
    assert twice[0].total > 1.5 * once[0].total


def test_a_family_of_ones_own_is_counted_as_it_runs_here():
    registry.load_plugins([Path(__file__).parents[1] / "plugins" / "toys.py"])
    towers = subject("towers", InputSize())
    (only,) = towers.nets
    assert (only.attention, towers.text, towers.picture) == ("", 40, None)
    assert ours(only).total > 0
    with pytest.raises(UserError, match="the backbone runs its own attention"):
        subject("towers", InputSize(), "eager")


class Broken(Counter):
    """Replaces functions of torch, moves the random state, talks, and fails half-way."""

    name, module, packages, unit = "broken", "torch", ("torch",), "MACs"

    def count(self, net):
        F.linear = torch.Tensor.matmul = None
        torch.manual_seed(1)
        torch.set_grad_enabled(False)
        net.module.train()
        next(net.module.parameters()).data.zero_()
        print("half-way")
        raise ZeroDivisionError("no operator")

    def expected(self, ours):
        return without_fused(ours)


class Off(Broken):
    """Says half as much, and a parameter too many."""

    def count(self, net):
        return Printed(ours(net).total / 2, 1)


def test_a_tool_that_fails_is_a_row_and_leaves_nothing_behind():
    (small,) = subject("small", InputSize(8)).nets
    weights = {name: tensor.clone() for name, tensor in small.module.state_dict().items()}
    linear, product, state = F.linear, torch.Tensor.matmul, torch.get_rng_state()
    count_row = row(Broken(), small, ours(small))
    assert (count_row.status, count_row.why) == ("failed", ("ZeroDivisionError: no operator; half-way",))
    assert (F.linear, torch.Tensor.matmul) == (linear, product)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.is_grad_enabled()
    assert not small.module.training
    assert all(torch.equal(tensor, weights[name]) for name, tensor in small.module.state_dict().items())


def test_a_difference_that_is_not_known_is_called_so():
    (small,) = subject("small", InputSize(8)).nets
    assert row(Off(), small, ours(small)).why == (
        "differs for a reason that is not known here",
        "prints other parameters for a reason that is not known here",
    )


@pytest.mark.parametrize("tool", TOOLS)
def test_each_difference_of_a_tool_from_ours_has_its_reason(tool):
    for name in ("small", "small-dual"):
        for network in subject(name, InputSize(16)).nets:
            count_row = row(TOOLS[tool], network, ours(network))
            if count_row.status == "not installed":
                pytest.skip(f"{tool} is not installed; it is none of our dependencies")
            assert count_row.status == "counted", count_row.why
            assert not [why for why in count_row.why if "not known" in why]
            assert bool(count_row.why) or count_row.over_ours == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(("tool", "share"), [("calflops", 0), ("ptflops", 0), ("deepspeed", 1), ("torchinfo", 1)])
def test_what_a_tool_prints_of_a_frozen_network(tool, share):
    if TOOLS[tool].version() is None:
        pytest.skip(f"{tool} is not installed; it is none of our dependencies")
    (small,) = subject("small", InputSize(8)).nets
    all_of_it = ours(small).parameters
    assert TOOLS[tool].count(replace(small, module=small.module.requires_grad_(False))).parameters == share * all_of_it


def test_of_a_frozen_picture_network_and_its_features_nothing_is_left_out():
    for net in subject("align-untrained", InputSize(8)).nets:
        assert ours(net).left_out == ()
