"""The contract of methods and imputers on every family of backbones, with two, three and four modalities."""

import copy
from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest
import torch
from conftest import EVERYTHING, TINY, make_model, tiny_backbone
from mora_baselines import regression
from transformers import ViltConfig, ViltModel

from mora_bench import registry
from mora_bench.backbones import load as backbones
from mora_bench.backbones.contract import At
from mora_bench.backbones.vilt import Vilt
from mora_bench.checks import leaks, method, spared
from mora_bench.checks.subject import Subject, in_memory
from mora_bench.data import cache as decoded
from mora_bench.data.modalities.series import Series
from mora_bench.data.presence import pattern_presence
from mora_bench.data.readers import odir_eyes, odir_record
from mora_bench.data.table import Column, Table
from mora_bench.data.twins import tables as twins
from mora_bench.methods.imputer import Dummy
from mora_bench.plan.expand import expand
from mora_bench.plan.grid import Grid

#: The end of the name of a family beside an encoder of signals.
HEARS = "+signal"
NAMED = {"fused": "fused:untrained,untrained", "pair": "pair:small-dual,untrained"}
EYES = {"left": "image", "right": "image", "keywords": "text"}
METHODS = registry.names(registry.METHODS)
IMPUTERS = [name for name in registry.names(registry.IMPUTERS) if name != "dummy"]
RULES = (
    method.outputs,
    leaks.absent,
    leaks.hidden,
    leaks.own_label,
    method.alone,
    method.frozen,
    method.gradients,
    method.detaching,
    method.saving,
    spared.beginning,
    spared.padding,
)
#: Rules about what any method's parts cost and are called, which a family breaks for all methods or for none: by
#: default they are not tried with imputers.
COUNTED = (spared.ranks, spared.flops, method.owners)


def record(table: Table) -> dict[str, Column]:
    return {"record": odir_record.recorded(table).modalities["record"]}


def four(table: Table) -> Table:
    """Left eye, keywords, record and a signal with gaps: four modalities of four kinds."""
    eyes = odir_eyes.apart(table).modalities
    rng = np.random.default_rng(0)
    series = [rng.normal(size=(12 + i, 2)) for i in range(len(table))]
    gapped = [np.where(rng.random(values.shape) < 0.3, np.nan, values) for values in series]
    vitals = Column("signal", tuple(Series(values, 1.0, ("hr", "bp")) for values in gapped))
    left = {name: eye for name, eye in eyes.items() if name != "right"}
    return replace(table, modalities=left | record(table) | {"vitals": vitals})


def studies(table: Table) -> Table:
    """The pictures of `four` as bags of one to three, with the keywords and the record."""
    eyes = table.modalities["image"].values
    bags = tuple(pair[: 1 + i % 2] + eyes[i - 1][: i % 3 == 2] for i, pair in enumerate(eyes))
    return replace(table, modalities={"films": Column("bag", bags), "text": table.modalities["text"]} | record(table))


TABLES = {
    "pair": lambda table: table,
    "eyes": odir_eyes.apart,
    "record": odir_record.recorded,
    "studies": studies,
    "four": four,
}


@pytest.fixture(scope="module")
def backbones_by_family(
    folder, clip_folder, siglip_folder, open_clip_folder, align_folder, flava_folder, bridgetower_folder, sound_folder
):
    """Names of backbones by family; two of them also with a frozen encoder of signals."""
    folders = {"vilt": folder, "clip": clip_folder, "siglip": siglip_folder}
    folders |= {"open-clip": open_clip_folder, "align": align_folder, "flava": flava_folder}
    folders |= {"bridgetower": bridgetower_folder}
    hearing = {f"{family}{HEARS}": f"{folders[family]}+signal:{sound_folder},3" for family in ("vilt", "clip")}
    return folders | hearing | NAMED


@pytest.fixture(scope="module")
def subjects(backbones_by_family, tmp_path_factory):
    """What makes a `Subject` of a method and an imputer, for a family and data."""
    table = cache(lambda data: TABLES[data](twins.odir(range(24))))

    @cache
    def maker(family, data):
        spec = backbones.resolve(str(backbones_by_family[family]), 64)
        samples = in_memory(decoded.prepare(table(data), data, spec.rules, tmp_path_factory.mktemp(data)))
        network = backbones.load(spec, table(data).shape, 64, 0)
        return partial(Subject, samples=samples, backbone=lambda: copy.deepcopy(network))

    return maker


def keeps(subject: Subject, rules) -> None:
    for rule in rules:
        rule(subject)


#: What `four` holds of `eyes`, and `studies` of bags, needs no row of its own.
WHERE = [("vilt", "studies"), ("vilt", "four"), ("clip", "pair"), ("clip", "studies"), ("clip", "four")]
WHERE += [("siglip", "pair"), ("siglip", "studies"), ("fused", "pair"), ("fused", "studies"), ("pair", "pair")]
WHERE += [("open-clip", "pair"), ("align", "pair"), ("vilt+signal", "four"), ("clip+signal", "four")]
WHERE += [("flava", "pair"), ("flava", "studies"), ("bridgetower", "pair"), ("bridgetower", "studies")]
#: Where imputers are tried.
IMPUTED = [("vilt", "studies"), ("vilt", "four"), ("clip", "pair"), ("clip", "four"), ("fused", "four")]
IMPUTED += [("siglip", "pair"), ("open-clip", "pair"), ("align", "pair"), ("vilt+signal", "four"), ("flava", "four")]
IMPUTED += [("bridgetower", "pair")]


def pairs(places: list[tuple[str, str]], names: list[str]) -> list[tuple[str, str, str]]:
    """Places (family and data) with what is tried there: everything would take a quarter of all tests' time. By default
    each is tried in one place, and each place tries one or two of them."""
    step = min(len(places), len(names))
    return [
        (*pair, name)
        for i, pair in enumerate(places)
        for j, name in enumerate(names)
        if EVERYTHING or (i + j) % step == 0
    ]


def test_by_default_each_place_tries_another_method_and_each_method_is_tried_somewhere():
    for places, names in ((WHERE, METHODS), (IMPUTED, IMPUTERS)):
        triples = pairs(places, names)
        assert {(family, data) for family, data, _ in triples} == {*places}
        assert {name for _, _, name in triples} == {*names}
        assert len(triples) >= max(len(places), len(names))


@pytest.mark.parametrize(("family", "data", "name"), pairs(WHERE, METHODS))
def test_every_method_keeps_every_rule_or_says_why_it_makes_no_sense(family, data, name, subjects, backbones_by_family):
    kind = registry.get(registry.METHODS, name)
    spec = backbones.resolve(str(backbones_by_family[family]), 64)
    hears, family = family, family.removesuffix(HEARS)
    if kind.unfit(spec):
        coupling = family in ("vilt", "flava", "fused", "pair", "align") and name == "mora-zhao"
        assert coupling or (not spec.single_stream and name in ("aoept", "memprompt", "ragpt", "scp"))
        return
    keeps(subjects(hears, data)(kind, Dummy), (*RULES, *COUNTED))


@pytest.mark.parametrize(("family", "data", "name"), pairs(IMPUTED, IMPUTERS))
def test_every_imputer_keeps_every_rule(family, data, name, subjects, monkeypatch):
    # A rule asks how it is fitted, not how long.
    monkeypatch.setattr(regression, "EPOCHS", 4)
    mora, imputer = registry.get(registry.METHODS, "mora"), registry.get(registry.IMPUTERS, name)
    keeps(subjects(family, data)(mora, imputer), (*RULES, *COUNTED * EVERYTHING, method.observed_kept))


def test_a_second_picture_has_its_own_token_type_where_the_checkpoint_has_one():
    torch.manual_seed(0)
    vilt = ViltModel(ViltConfig(**TINY, vocab_size=200, modality_type_vocab_size=3)).eval()
    assert Vilt(vilt, EYES).untyped == ()
    assert [row for row, _ in Vilt(vilt, EYES).types] == [1, 2, 0]
    assert tiny_backbone().untyped == ()
    # Published ViLTs know two types: the second picture takes the first one's, and a learned row beside it.
    assert Vilt(tiny_backbone().vilt, EYES).untyped == ("right",)
    assert Vilt(tiny_backbone().vilt, {"note": "text", "letter": "text"}).untyped == ("letter",)


def test_the_learned_row_starts_at_nothing_trains_and_tells_the_eyes_apart(subjects):
    subject = subjects("vilt", "eyes")(Dummy, Dummy)
    eyes, model = subject.samples, make_model("mora", subject.backbone()).eval()
    assert not model.types["right"].any()
    assert "types.right" in model.trained()
    assert any(p is model.types["right"] for p in model.by_owner()["adapter"])
    rows, present = np.arange(4), np.ones((4, 3), bool)
    swapped = eyes.contents[1], eyes.contents[0], eyes.contents[2]
    other = type(eyes)(eyes.table, swapped, eyes.present)
    with torch.no_grad():
        torch.testing.assert_close(model(eyes.batch(rows, present)), model(other.batch(rows, present)))
        torch.nn.init.normal_(model.types["right"])
        assert not torch.allclose(model(eyes.batch(rows, present)), model(other.batch(rows, present)), atol=1e-5)


@pytest.mark.parametrize(("family", "data"), [("vilt", "eyes"), ("clip", "eyes"), ("clip", "four")])
def test_mora_is_its_formula_in_float64(family, data, subjects):
    """out = block(x) + sum over present m of up_m(down(x)), for every pattern; each tower has its own."""
    subject = subjects(family, data)(registry.get(registry.METHODS, "mora"), Dummy)
    model = subject.model(spare=False).double().eval()
    for branch in model.method.branches.values():
        torch.nn.init.normal_(branch.up)
    assert [*model.method.branches] == (["0"] if family == "vilt" else ["image-0", "text-0"])
    backbone, patterns = model.backbone, pattern_presence(len(subject.samples.contents))
    batch = subject.samples.batch(np.arange(len(patterns)), patterns)
    batch = batch.with_tensors([t.double() if t.is_floating_point() else t for t in batch.tensors()])
    with torch.no_grad():
        for s, tokens in enumerate(backbone.join(model.embed(batch), batch.present)):
            plain = backbone.block(At(s, 0), tokens).x
            got = model.method.block(At(s, 0), partial(backbone.block, At(s, 0)), tokens).x
            name = "0" if family == "vilt" else f"{backbone.towers[s]}-0"
            for b, pattern in enumerate(patterns):
                added = 0
                if name in model.method.branches:
                    branch = model.method.branches[name]
                    inner = tokens.x[b] @ branch.down.T
                    added = sum(inner @ branch.up[m] for m in range(len(pattern)) if pattern[m])
                torch.testing.assert_close(got[b], plain[b] + added, rtol=0, atol=1e-10)


def test_what_makes_no_sense_is_said_in_the_plan(clip_folder, runtime):
    grid = Grid(methods=("memprompt", "head"), floors=("none",), datasets=("odir",), backbone=(str(clip_folder),))
    plan = expand(grid, grid, runtime)
    assert {cell.method for cell in plan.cells} == {"head"}
    (why,) = [why for why in plan.collapsed if "memprompt" in why]
    assert "makes no sense on" in why
    assert "in one sequence" in why
