"""A training step of MoRA on ViLT-B/32 (random weights), against what the field's scripts do.

Batch 4, pictures of 320 x 608, texts of ODIR's lengths (mean 21, 95th percentile 32 tokens), float32. The rivals:

- released: as MoRA's own scripts train. Text padded to 1,024 tokens, eager attention, the whole network every step, the
  adapter in a loop over samples.
- transformers + peft: what a user would write today. Dynamic padding, transformers' ViLT, MoRA as a peft method.
"""

import pytest
import torch
import torch.nn.functional as F
from peft import get_peft_model
from torch import Tensor, nn
from transformers import ViltConfig, ViltModel

from mora_bench.backbone.load import extend_positions
from mora_bench.backbone.vilt import Backbone
from mora_bench.imputer import Dummy
from mora_bench.measure import step_flops
from mora_bench.method import Axes
from mora_bench.model import Model, classifier
from mora_bench.mora import Mora
from mora_bench.peft_mora import MoraConfig
from mora_bench.tokens import Batch

LENGTHS = (17, 19, 21, 32)
PADDED = 1024
CLASSES = 8
ROUNDS = {"rounds": 5, "warmup_rounds": 1}


def vilt() -> ViltModel:
    torch.manual_seed(0)
    model = ViltModel(ViltConfig())
    extend_positions(model, PADDED)
    return model.eval()


def batch() -> Batch:
    """A complete sample, two without image, one without text: "both" at 75 %."""
    rows, generator = len(LENGTHS), torch.Generator().manual_seed(0)
    present = torch.tensor([[True, True], [True, False], [True, False], [False, True]])
    lengths = torch.where(present[:, 0], torch.tensor(LENGTHS), 2)
    place = torch.arange(int(lengths.max()))
    pixels = torch.randn(rows, 3, 320, 608, generator=generator)
    pixels[~present[:, 1]] = 1
    return Batch(
        ids=torch.randint(1000, 30_000, (rows, len(place)), generator=generator),
        ids_mask=place < lengths[:, None],
        pixels=pixels,
        grid=torch.tensor([[10, 19]]).expand(rows, 2),
        present=present,
    )


def targets() -> Tensor:
    return (torch.rand(len(LENGTHS), CLASSES, generator=torch.Generator().manual_seed(1)) < 0.3).float()


def ours(blocks: tuple[int, ...] = (0,)):
    backbone = Backbone(vilt())
    model = Model(backbone, Mora(backbone, Axes(4, blocks)), Dummy(backbone), CLASSES, 0)
    state = model.begin(batch())
    return model, lambda: model.finish(state), list(model.trained().values())


class Released(nn.Module):
    """MoRA's forward pass as its scripts run it, block by block, on transformers' modules."""

    def __init__(self) -> None:
        super().__init__()
        self.vilt = vilt().requires_grad_(False)
        self.vilt.pooler.requires_grad_(True)
        self.down = nn.Linear(768, 4, bias=False)
        self.ups = nn.ModuleList(nn.Linear(4, 768, bias=False) for _ in range(2))
        self.head = classifier(768, CLASSES)

    def forward(self, inputs: Batch) -> Tensor:
        pad = PADDED - inputs.ids.shape[1]
        ids, mask = F.pad(inputs.ids, (0, pad)), F.pad(inputs.ids_mask, (0, pad))
        padded = Batch(ids, mask, inputs.pixels, inputs.grid, inputs.present)
        with torch.no_grad():
            text, image = Backbone(self.vilt).embed(padded)
        x, mask = torch.cat([text.x, image.x], 1), torch.cat([text.mask, image.mask], 1)
        bias = torch.zeros(mask.shape).masked_fill(~mask, torch.finfo(x.dtype).min)[:, None, None]
        for i, layer in enumerate(self.vilt.encoder.layer):
            out = layer(x, bias)[0]
            if i == 0:
                low, added = self.down(x), []
                for row in range(len(x)):
                    ups = [self.ups[m](low[row]) for m in range(2) if inputs.present[row, m]]
                    added.append(sum(ups))
                out = out + torch.stack(added)
            x = out
        return self.head(self.vilt.pooler(self.vilt.layernorm(x)))


def released():
    model = Released()
    inputs = batch()
    return model, lambda: model(inputs), [p for p in model.parameters() if p.requires_grad]


def with_peft():
    model = get_peft_model(vilt(), MoraConfig(r=4, blocks=[0], modules_to_save=["pooler"]))
    head = classifier(768, CLASSES)
    inputs = batch()
    plain = {
        "input_ids": inputs.ids,
        "attention_mask": inputs.ids_mask.long(),
        "pixel_values": inputs.pixels,
        "pixel_mask": torch.ones(len(LENGTHS), 320, 608),
    }
    trained = [p for p in (*model.parameters(), *head.parameters()) if p.requires_grad]
    return (model, head), lambda: head(model(**plain, present=inputs.present).pooler_output), trained


def step(forward, trained):
    """One training step, ready to be called."""
    optimizer = torch.optim.AdamW(trained, lr=1e-3, fused=True)
    wanted = targets()

    def run():
        loss = F.binary_cross_entropy_with_logits(forward(), wanted)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return run


@pytest.mark.parametrize(
    ("way", "make"), [("mora_bench", ours), ("transformers + peft", with_peft), ("released", released)]
)
@pytest.mark.benchmark(group="MoRA's training step, ViLT-B/32, batch 4, 320 x 608")
def test_step(benchmark, way, make):
    _model, forward, trained = make()
    benchmark.extra_info |= {"way": way, "torch": torch.__version__, "threads": torch.get_num_threads()}
    benchmark.pedantic(step(forward, trained), **ROUNDS if way != "released" else {"rounds": 2, "warmup_rounds": 1})


@pytest.mark.parametrize("block", [0, 3, 6, 9, 11])
@pytest.mark.benchmark(group="MoRA's training step by insertion block, ViLT-B/32")
def test_step_by_block(benchmark, block):
    model, forward, trained = ours((block,))
    one = batch()
    flops = step_flops(model, Batch(*(tensor[:1] for tensor in vars(one).values())))
    benchmark.extra_info["gflops"] = (flops["forward"] - flops["begin"] + flops["backward"]) / 1e9
    benchmark.pedantic(step(forward, trained), **ROUNDS)
