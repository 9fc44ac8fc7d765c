"""Records and scores made by hand, for whatever reads a results folder."""

import re

import msgspec

from mora_bench.cells.cell import Cell
from mora_bench.cells.recipe import Recipe
from mora_bench.files import digest
from mora_bench.missing import masks
from mora_bench.records.schema import (
    SCHEMA,
    Clock,
    Competitor,
    Data,
    Flops,
    Parameters,
    Provenance,
    Record,
    Scores,
    Setting,
    Training,
)

TOY = Provenance(
    time="",
    device="Toy CPU",
    device_type="cpu",
    threads=1,
    workers=2,
    platform="",
    commit=None,
    dirty=None,
    versions={},
)


def measured(content):
    """A file of scores without its own digest and that of its record, in which the time of the training stands: what
    two runs of one cell have in common."""
    return re.sub(rb'"(digest|record)": "[0-9a-f]{16}"', rb'"\1": ""', content, count=2)


def signed(raw):
    """The file of a record or of scores that says what `raw` says, as somebody would write it who knows of digests."""
    content = msgspec.json.format(msgspec.json.encode(raw | {"digest": ""}), indent=1)
    return content.replace(b'"digest": ""', b'"digest": "%s"' % digest([content]).encode(), 1)


def cell(method="mora", seed=0, **changes):
    values = {
        "dataset": "odir", "source": "twin", "data": "d" * 16, "split": "patient", "missing": "both", "rate": 0.7,
        "method": method, "method_version": "1", "rank": 4 if method == "mora" else None,
        "blocks": (0,) if method == "mora" else None, "impute": "dummy", "impute_version": "1", "backbone": "small",
        "weights": "w" * 16, "recipe": Recipe(epochs=1, lr=0.001), "seed": seed,
    }  # fmt: skip
    return Cell(**(values | changes))


def scores(of, f1):
    strata = {name: {"f1_macro": f1 / 2, "n": 11} for name in ("complete", "text_only", "image_only")}
    setting = Setting(scores={"f1_macro": f1, "n": 3}, strata=strata, realised={})
    settings = dict.fromkeys(masks.patterns(of.modalities), setting)
    return Scores(
        schema=SCHEMA, key=of.key, scoring=of.scoring, score_key=of.score_key, task="multi-label", primary="f1_macro",
        test_rate=of.test_rate, val=settings, test=settings, rates=[], curve={},
    )  # fmt: skip


def record(method="mora", seed=0, f1=0.5, family="", provenance=TOY, **changes):
    """A record that is done and its scores."""
    of = cell(method, seed, **changes)
    done = Record(
        schema=SCHEMA,
        key=of.key,
        status="done",
        cell=of,
        provenance=provenance,
        competitor=Competitor(title=method, family=family),
        data=Data(labels=[], split="", contents={}, realised={"train": {"n": 80}, "val": {"n": 10}, "test": {"n": 10}}),
        time=Clock(cell_s=2.0, predict_s=0.1, step_ms=12.0, epoch_s=1.0),
        training=Training(history=[], best_step=1, best_score=f1, steps=1),
        parameters=Parameters(
            all={},
            trained={"adapter": 9},
            model=9,
            share_adapter=0.01 * (method != "head"),
            share_adapter_head=1.5,
            share_total=2.25,
        ),
        flops=Flops(forward=2e9, step_begin=0.0, step_forward=2e9, step_backward=1e9, tokens={}),
    )
    return done, scores(of, f1)


def failed(method="mora", seed=0, **changes):
    of = cell(method, seed, **changes)
    failure = Record(
        schema=SCHEMA,
        key=of.key,
        status="failed",
        cell=of,
        provenance=TOY,
        competitor=Competitor(title=method, family=""),
        error="Boom: a_b|c & 5 %",
    )
    return failure, None


def predictor(method="prior", seed=0, f1=0.1, **changes):
    """A competitor without a network and its scores."""
    none = {"rank": None, "blocks": None, "recipe": None, "backbone": "none", "weights": "", "impute": "none"}
    done, scored = record(method, seed, f1, "no network", **(none | {"impute_version": ""} | changes))
    done = msgspec.structs.replace(
        done, training=None, parameters=None, flops=None, time=Clock(cell_s=0.1, predict_s=0.1),
        competitor=Competitor(title=method, family="no network", abstains="without text: no label"),
    )  # fmt: skip
    return done, scored
