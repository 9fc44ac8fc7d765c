"""benchmarks/costs_of_families.py against closed forms of tiny networks; what docs/backbones.md says of its table."""

from pathlib import Path

import costs_of_families as costs
import pytest
import torch
from costs_of_families import Family, family_cost, joined, open_clip_folder, transformers_folder
from torch import nn
from transformers import BertConfig, CLIPConfig, ResNetConfig, ResNetModel

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "results" / "reference" / "families" / "costs.md"
PAGE = " ".join((ROOT / "docs" / "backbones.md").read_text().split())
BLOCKS, PATCH, SIDE, TEXT = 2, 16, 32, 10
BERT = BertConfig(
    vocab_size=1200, hidden_size=128, num_hidden_layers=BLOCKS, num_attention_heads=2, intermediate_size=96,
    max_position_embeddings=40,
)  # fmt: skip


def blocks(tokens, width, inner, depth):
    """Multiply-adds of blocks of which the last computes only the token that is read: keys and values of all tokens."""
    whole = 4 * tokens * width**2 + 2 * tokens**2 * width + 2 * tokens * width * inner
    last = (2 * tokens + 2) * width**2 + 2 * tokens * width + 2 * width * inner
    return (depth - 1) * whole + last


def classifier(features):
    return features * 2 * features + 2 * features * costs.CLASSES


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """The cost of a CLIP with towers of 32 and 64 features, projected to 16."""
    shared = {"num_hidden_layers": BLOCKS, "num_attention_heads": 2}
    ids = {"vocab_size": 1200, "bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}
    text = shared | ids | {"hidden_size": 32, "intermediate_size": 48}
    image = shared | {"hidden_size": 64, "intermediate_size": 96, "patch_size": PATCH, "image_size": SIDE}
    config = CLIPConfig(text_config=text, vision_config=image, projection_dim=16)
    pictures = {"size": {"shortest_edge": SIDE}}
    make = transformers_folder("CLIPModel", config, pictures)
    return family_cost(make(tmp_path_factory.mktemp("clip")), text=TEXT)


PATCHES = 4
EMBEDDED = PATCHES * 3 * PATCH**2 * 64
PROJECTED = 32 * 16 + 64 * 16
FORWARD = EMBEDDED + blocks(TEXT, 32, 48, BLOCKS) + blocks(PATCHES + 1, 64, 96, BLOCKS) + PROJECTED + classifier(32)


def test_a_forward_pass_is_its_closed_form(clip):
    assert clip.picture == (SIDE, SIDE)
    assert clip.tokens == {"text": TEXT, "image": PATCHES + 1}
    assert clip.forward * 1e9 == pytest.approx(2 * FORWARD, rel=1e-9)
    assert (clip.frozen, clip.frozen_parameters) == (0, 0)


def test_a_step_of_the_head_is_that_of_projections_and_classifier_alone(clip):
    """What is projected needs no gradient, so a projection takes two products and all behind it three."""
    assert clip.steps["head"] * 1e9 == pytest.approx(2 * (2 * PROJECTED + 3 * classifier(32)), rel=1e-9)


def test_a_step_of_full_fine_tuning_is_three_passes_but_for_the_gradient_of_pixels(clip):
    assert clip.steps["full"] * 1e9 == pytest.approx(2 * (3 * FORWARD - EMBEDDED), rel=1e-9)


def changed(tokens, width, inner):
    """Multiply-adds of a step of MoRA in one tower of two blocks: its branch beside block 0, then the last block.

    What block 0 itself gives is kept. A frozen linear layer has no gradient of its weights, so it takes two products,
    attention three; the branch's `down`, whose input needs no gradient, and the sum of its ups take two.
    """
    rank, ups = 4, 2
    branch = 2 * tokens * width * rank + 3 * tokens * rank * width + 2 * ups * rank * width
    return branch + 2 * ((2 * tokens + 2) * width**2 + 2 * width * inner) + 3 * 2 * tokens * width


def test_a_step_of_mora_begins_at_its_branch(clip):
    towers = changed(TEXT, 32, 48) + changed(PATCHES + 1, 64, 96)
    assert clip.steps["mora"] * 1e9 == pytest.approx(2 * (towers + 3 * (PROJECTED + classifier(32))), rel=1e-9)
    assert clip.steps["mora"] < clip.steps["lora"] < clip.steps["full"]


def test_moras_share_is_of_all_but_the_adapter(clip):
    """Rank 4: for each tower a `down`, and an `up` for each of two modalities."""
    adapter = 4 * (1 + 2) * (32 + 64)
    together = clip.parameters + classifier(32) + 2 * 32 + costs.CLASSES + 2 * 2 * 32
    assert clip.share == pytest.approx(100 * adapter / together, rel=1e-9)


def block_parameters(width, inner):
    """Of attention's four linear layers, the MLP's two, and two norms."""
    return 4 * (width + 1) * width + (width + 1) * inner + (inner + 1) * width + 4 * width


def test_open_clips_layout_holds_both_towers(tmp_path):
    image = {"width": 64, "blocks": BLOCKS, "mlp": 96, "patch": PATCH, "side": SIDE}
    cost = family_cost(open_clip_folder(BERT, image, 48, 24, 32)(tmp_path), text=TEXT)
    words = (1200 + 40 + 2 + 2) * 128 + BLOCKS * block_parameters(128, 96)
    seen = (3 * PATCH**2 + 1 + 1 + PATCHES + 1 + 2) * 64 + BLOCKS * block_parameters(64, 96)
    assert cost.parameters == words + seen + 128 * 48 + 48 * 24 + 64 * 24
    assert cost.tokens == {"text": TEXT, "image": PATCHES + 1}


@pytest.fixture(scope="module")
def fused(tmp_path_factory):
    """The costs of a BERT with a ResNet, its projection trained and aligned; and the ResNet."""
    config = ResNetConfig(embedding_size=8, hidden_sizes=[16, 32], depths=[1, 1], layer_type="basic")
    make = joined(
        "fused",
        transformers_folder("BertModel", BERT),
        transformers_folder("ResNetModel", config, {"size": {"shortest_edge": 64}}),
    )
    name = make(tmp_path_factory.mktemp("fused"))
    return family_cost(name, text=TEXT), family_cost(name, aligned=True, text=TEXT), ResNetModel(config).eval()


def test_a_picture_network_stands_apart(fused):
    trained, _, resnet = fused
    multiply_adds = []

    def seen(layer, inputs, output):
        multiply_adds.append(output.numel() * layer.weight[0].numel())

    for layer in resnet.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(seen)
    resnet(torch.zeros(1, 3, 64, 64))
    assert trained.frozen * 1e9 == pytest.approx(2 * sum(multiply_adds), rel=1e-9)
    assert trained.frozen_parameters == sum(parameter.numel() for parameter in resnet.parameters())
    assert trained.tokens == {"text": TEXT, "image": 4}


def test_an_aligned_projection_leaves_the_head_the_classifier(fused):
    """A projection that trains stands before block 0, so that nothing is kept of a pass."""
    trained, aligned, _ = fused
    # The classifier's input needs no gradient.
    assert aligned.steps["head"] * 1e9 == pytest.approx(2 * (3 * classifier(128) - 128 * 256), rel=1e-9)
    assert trained.steps["head"] > 2 * trained.forward * 0.9
    assert trained.parameters == aligned.parameters


def test_a_line_of_the_table(monkeypatch, capsys, clip, fused):
    assert costs.row("a", clip)[:3] == ["a", "32 x 32", "10 + 5"]
    assert " + " not in "".join(costs.row("a", clip)[3:])
    values = costs.row("b", fused[0])
    assert values[3] == f"{fused[0].parameters / 1e6:.1f} + {fused[0].frozen_parameters / 1e6:.1f}"
    known = (Family("one", str), Family("two", str, aligned=True))
    monkeypatch.setattr(costs, "families", lambda: known)
    monkeypatch.setattr(costs, "family_cost", lambda backbone, aligned: fused[aligned])
    costs.main(["two"])
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith("One sample: a text of 40 tokens and a picture; GFLOPs; random weights; torch ")
    assert len(shown) == 5
    assert [cell.strip() for cell in shown[-1].strip("|").split("|")] == costs.row("two", fused[1])
    with pytest.raises(SystemExit, match="no such family: three"):
        costs.main(["three"])


def table() -> dict[str, dict[str, float]]:
    """The shipped table: numbers by family and column, without what stands behind a plus."""
    head, _, *lines = [line.strip("|").split("|") for line in TABLE.read_text().splitlines() if line.startswith("|")]
    names = [name.strip() for name in head]
    rows = [dict(zip(names, (cell.strip() for cell in cells), strict=True)) for cells in lines]
    return {row["family"]: {name: float(row[name].split(" + ")[0]) for name in names[3:]} for row in rows}


def test_the_table_has_a_row_for_each_family():
    assert list(table()) == [family.title for family in costs.families()]


@pytest.mark.parametrize("name", ["ViLT-B/32", "CLIP ViT-B/32", "ALIGN base", "`pair:` BERT base, DINOv2 base"])
def test_full_fine_tuning_in_the_table_is_three_passes_less_than_one_of_pixels(name):
    shipped = table()[name]
    assert 2.9 < shipped["`full`"] / shipped["forward"] <= 3.01


def test_what_the_page_says_of_moras_step():
    """When that is no longer so, the page has to say something else."""
    shipped = table()
    flava = shipped.pop("FLAVA full")
    of_full = [row["`mora`"] / row["`full`"] for row in shipped.values()]
    of_lora = [row["`mora`"] / row["`lora`"] for row in shipped.values()]
    assert 0.6 <= round(min(of_full), 2) < max(of_full) < 0.7
    assert (round(min(of_lora), 2), round(max(of_lora), 2)) == (0.91, 0.99)
    assert round(flava["`mora`"] / flava["`full`"], 2) == 0.17
    assert round(flava["`mora`"] / flava["`lora`"], 2) == 0.82
    fused, aligned = (shipped[f"`fused:` BERT base, ResNet-50{more}"] for more in ("", ", aligned"))
    assert fused["`head`"] == fused["`mora`"] > 1000 * aligned["`head`"]


def test_what_the_page_says_of_siglip():
    shipped = table()
    for column in ("forward", "`mora`", "`lora`", "`full`"):
        assert round(shipped["SigLIP base, patch 16"][column] / shipped["CLIP ViT-B/16"][column], 1) == 1.3
    assert "A base SigLIP costs 1.3 times what a CLIP with patches of 16 does" in PAGE


def test_the_pages_example_follows_from_the_table():
    clip = table()["CLIP ViT-B/32"]
    epoch, once = 2800 * clip["`mora`"], 2800 * clip["forward"]
    assert f"takes 2,800 x {clip['`mora`']} = {epoch:,.0f} GFLOPs an epoch" in PAGE
    assert f"{epoch:,.0f} / (0.2 x 100,000) = {epoch / 20_000:.1f} seconds" in PAGE
    assert f"2,800 x {clip['forward']} = {once:,.0f} GFLOPs once, {once / 20_000:.1f} seconds" in PAGE
    assert f"2,800 x {clip['`head`']} = {2800 * clip['`head`']:.0f} in each epoch" in PAGE
