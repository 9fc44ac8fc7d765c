"""MoRA on ViLT-B/32 (random weights), as this project runs it and as the field's scripts do.

Pictures of 320 x 608, texts of ODIR's lengths (mean 21, 95th percentile 32 tokens). The rivals:

- released: as MoRA's own scripts train. Text padded to 1,024 tokens, eager attention, the whole network every step, the
  adapter in a loop over samples.
- transformers + peft: what a user would write today. Dynamic padding, transformers' ViLT, MoRA as a peft method.
"""

from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from peft import get_peft_model
from torch import Tensor, nn
from transformers import ViltConfig, ViltModel

from mora_bench.backbones.contract import At
from mora_bench.backbones.vilt import Vilt, extend_positions
from mora_bench.data.batch import Batch
from mora_bench.data.modalities.image import ImageInputs
from mora_bench.data.modalities.text import TextInputs
from mora_bench.data.samples import View
from mora_bench.methods.contract import Axes
from mora_bench.methods.imputer import Dummy
from mora_bench.methods.mora import Mora
from mora_bench.methods.network import Model, classifier
from mora_bench.methods.peft import MoraConfig
from mora_bench.training.flops import step_flops
from mora_bench.training.probe import settle

LENGTHS = (17, 19, 21, 32)
PADDED = 1024
CLASSES = 8
MODALITIES = {"text": "text", "image": "image"}


def vilt() -> ViltModel:
    torch.manual_seed(0)
    model = ViltModel(ViltConfig())
    extend_positions(model, PADDED)
    return model.eval()


def batch(fours: int = 1) -> Batch:
    """`fours` times four samples: a complete one, two without image, one without text ("both" at 75 %)."""
    rows, generator = fours * len(LENGTHS), torch.Generator().manual_seed(0)
    present = torch.tensor([[True, True], [True, False], [True, False], [False, True]]).repeat(fours, 1)
    lengths = torch.where(present[:, 0], torch.tensor(LENGTHS).repeat(fours), 2)
    positions = torch.arange(int(lengths.max()))
    pixels = torch.randn(rows, 3, 320, 608, generator=generator)
    pixels[~present[:, 1]] = 1
    ids = torch.randint(1000, 30_000, (rows, len(positions)), generator=generator)
    words = TextInputs(ids, positions < lengths[:, None])
    return Batch((words, ImageInputs(pixels, torch.tensor([[10, 19]]).expand(rows, 2))), present)


def targets(rows: int) -> Tensor:
    return (torch.rand(rows, CLASSES, generator=torch.Generator().manual_seed(1)) < 0.3).float()


def network(method, axes: Axes) -> Model:
    backbone = Vilt(vilt(), MODALITIES)
    return Model(backbone, method(backbone, axes), Dummy(backbone), CLASSES, 0)


@dataclass(frozen=True)
class Made:
    """Synthetic samples with all modalities, for a `View`."""

    present: np.ndarray

    def batch(self, rows: np.ndarray, present: np.ndarray) -> Batch:
        full = batch()
        return Batch(full.with_tensors([tensor[rows] for tensor in full.tensors()]).inputs, torch.tensor(present))


def settled(model: Model, device: torch.device) -> Model:
    """The model on a device, after `settle`."""
    complete = np.ones((1, len(MODALITIES)), bool)
    settle(model.to(device), View(Made(complete), np.arange(1), complete), device)
    return model


def ours(model: Model | None = None, keep: bool = True, inputs: Batch | None = None):
    """The model, what it computes in a step (the frozen beginning kept or not), and what trains."""
    inputs = inputs or batch()
    model = settled(model or network(Mora, Axes(4, (0,))), inputs.present.device)
    state = model.begin(inputs)
    return model, (lambda: model.finish(state)) if keep else (lambda: model(inputs)), list(model.trained().values())


def step_gflops(model: Model, inputs: Batch, keep: bool = True) -> float:
    """GFLOPs of a training step on `inputs`, each sample without padding; the frozen beginning left out if kept."""
    samples = [inputs.with_tensors([tensor[k : k + 1] for tensor in inputs.tensors()]) for k in range(len(inputs))]
    counted = [step_flops(model, sample) for sample in samples]
    return sum(counts["forward"] + counts["backward"] - keep * counts["begin"] for counts in counted) / 1e9


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
        words, pictures = inputs.inputs
        pad = PADDED - words.ids.shape[1]
        words = TextInputs(F.pad(words.ids, (0, pad)), F.pad(words.mask, (0, pad)))
        with torch.no_grad():
            text, image = Vilt(self.vilt, MODALITIES).embed(Batch((words, pictures), inputs.present))
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


def with_peft(inputs: Batch | None = None):
    inputs = inputs or batch()
    device = inputs.present.device
    model = get_peft_model(vilt(), MoraConfig(r=4, blocks=[0], modules_to_save=["pooler"])).to(device)
    head = classifier(768, CLASSES).to(device)
    arguments = plain(inputs)
    trained = [p for p in (*model.parameters(), *head.parameters()) if p.requires_grad]
    return (model, head), lambda: head(model(**arguments, present=inputs.present).pooler_output), trained


def plain(inputs: Batch) -> dict[str, Tensor]:
    """The inputs as transformers' ViLT takes them; all pictures have the canvas's size."""
    words, pictures = inputs.inputs
    return {
        "input_ids": words.ids,
        "attention_mask": words.mask.long(),
        "pixel_values": pictures.pixels,
        "pixel_mask": torch.ones(len(inputs), *pictures.pixels.shape[2:], device=pictures.pixels.device),
    }


def encoders(backbone: Vilt, inputs: Batch, first: int | None = None) -> dict:
    """The forward pass to the pooler's output, by our encoder and by transformers' own, which give the same.

    With `first`, ours computes only the first `first` tokens of the last block.
    """

    @torch.no_grad()
    def our_output():
        (tokens,) = backbone.join(backbone.embed(inputs), inputs.present)
        for i in range(backbone.depth):
            tokens = backbone.block(At(0, i), tokens, first=first if i == backbone.depth - 1 else None)
        return backbone.pool((tokens,), backbone.vilt.pooler)

    @torch.no_grad()
    def theirs():
        return backbone.vilt(**plain(inputs)).pooler_output

    torch.testing.assert_close(our_output(), theirs(), rtol=0, atol=1e-5)
    return {"mora_bench": our_output, "transformers": theirs}


def step(forward, trained, dtype: torch.dtype | None = None):
    """One training step, ready to be called; with `dtype` under autocast."""
    device = trained[0].device
    optimizer = torch.optim.AdamW(trained, lr=1e-3, fused=True)
    wanted = None

    def run():
        nonlocal wanted
        with nullcontext() if dtype is None else torch.autocast(device.type, dtype):
            predicted = forward()
        if wanted is None:
            wanted = targets(len(predicted)).to(device)
        loss = F.binary_cross_entropy_with_logits(predicted.float(), wanted)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return run
