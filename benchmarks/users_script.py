"""What a user writes by hand to train and test head, LoRA and MoRA on a BERT that also reads pictures.

With torch, transformers, peft and the network of EfficientNet-lite alone. It is fair: batches, padding to the longest
of a batch, no gradients where nothing trains, pictures that are decoded and resized once beforehand, none read where a
sample shows none. What it does as such scripts do: the frozen picture network reads every picture whenever it is shown,
the whole network runs at every step, and testing is a pass over the test samples for each pattern and rate.
"""

import copy
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import f1_score
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

#: Cells of a picture; pictures of a patient.
CELLS, EYES = (2, 2), 2
TOKENS = CELLS[0] * CELLS[1]


@dataclass(frozen=True)
class Settings:
    """How it trains; the defaults are AdamW's and the paper's."""

    epochs: int
    batch: int
    lr: float
    warmup: float
    weight_decay: float = 2e-2
    betas: tuple[float, float] = (0.9, 0.98)
    eps: float = 1e-8
    rank: int = 8
    tested: int = 64
    precision: str = "fp32"


@dataclass(frozen=True)
class Patients:
    """Token ids of the texts, pictures as uint8 [3, H, W] by eye (None where there is none), targets float [N, C]."""

    texts: Sequence[Sequence[int]]
    pictures: Sequence[Sequence[Tensor | None]]
    targets: Tensor
    empty: Sequence[int]


@dataclass
class Seconds:
    """Where the time goes."""

    spent: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def of(self, what: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        self.spent[what] += time.perf_counter() - begun


class Shown(Dataset):
    """Patients `rows` as a mask shows them, bool [n, 2] (text, pictures)."""

    def __init__(self, patients: Patients, rows: np.ndarray, present: np.ndarray):
        self.patients, self.rows, self.present = patients, rows, present

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, k: int) -> tuple:
        row, (text, picture) = self.rows[k], self.present[k]
        words = self.patients.texts[row] if text else self.patients.empty
        eyes = self.patients.pictures[row] if picture else [None] * EYES
        return words, eyes, self.present[k], self.patients.targets[row]


def collate(samples: Sequence[tuple]) -> dict[str, Any]:
    """A batch: texts padded to the longest; the pictures that there are, by size, with sample and eye."""
    texts, eyes, present, targets = zip(*samples, strict=True)
    length = max(map(len, texts))
    ids = torch.tensor([[*text, *[0] * (length - len(text))] for text in texts])
    mask = torch.arange(length) < torch.tensor([[len(text)] for text in texts])
    by_size: dict[tuple, list[tuple[int, int, Tensor]]] = {}
    for i, pair in enumerate(eyes):
        for eye, picture in enumerate(pair):
            if picture is not None:
                by_size.setdefault(tuple(picture.shape), []).append((i, eye, picture))
    pictures = [
        (
            torch.tensor([i for i, _, _ in group]),
            torch.tensor([eye for _, eye, _ in group]),
            torch.stack([p for *_, p in group]),
        )
        for group in by_size.values()
    ]
    present = torch.from_numpy(np.array(present))
    return {"ids": ids, "mask": mask, "pictures": pictures, "present": present, "targets": torch.stack(targets)}


class MoraLayer(nn.Module):
    """A layer with MoRA beside it: out + sum over present m of up_m(down(x))."""

    def __init__(self, layer: nn.Module, width: int, rank: int):
        super().__init__()
        self.layer = layer
        self.down = nn.Linear(width, rank, bias=False)
        self.ups = nn.ModuleList(nn.Linear(rank, width, bias=False) for _ in range(2))
        self.present = torch.empty(0)

    def forward(self, x: Tensor, *rest: Any, **more: Any) -> Tensor:
        low = self.down(x)
        added = sum(self.present[:, m, None, None] * up(low) for m, up in enumerate(self.ups))
        return self.layer(x, *rest, **more) + added


class Net(nn.Module):
    """[CLS] text [SEP], then the pictures' tokens, through BERT; the mean of the tokens shown, through a classifier.

    Args:
        bert, reader: the pre-trained networks; `reader` makes a grid of features [B, F, h, w] of pixels.
        method: head, lora or mora.
        projects: whether the projection of pictures trains.
    """

    def __init__(self, bert: Any, reader: Any, features: int, classes: int, method: str, projects: bool, rank: int):
        super().__init__()
        self.bert = bert.requires_grad_(False)
        self.reader = [reader]
        self.method = method
        width = bert.config.hidden_size
        self.project = nn.Linear(features, width).requires_grad_(projects)
        self.positions = nn.Parameter(torch.zeros(EYES, TOKENS, width), requires_grad=projects)
        self.head = nn.Sequential(
            nn.Linear(width, 2 * width), nn.LayerNorm(2 * width), nn.GELU(), nn.Linear(2 * width, classes)
        )
        self.seconds = Seconds()
        if method == "mora":
            bert.encoder.layer[0] = MoraLayer(bert.encoder.layer[0], width, rank)
        elif method == "lora":
            from peft import LoraConfig, get_peft_model

            config = LoraConfig(r=rank, lora_alpha=rank, target_modules=["query", "value"])
            self.peft = get_peft_model(bert, config)

    @torch.no_grad()
    def features(self, pictures: list, rows: int) -> tuple[Tensor, Tensor]:
        """Features [B, eyes, cells, F] of pictures, 0 where there is none, and which eyes have one, bool [B, eyes]."""
        values = torch.zeros(rows, EYES, TOKENS, self.project.in_features)
        shown = torch.zeros(rows, EYES, dtype=torch.bool)
        with self.seconds.of("pictures"):
            for at, eye, pixels in pictures:
                grid = self.reader[0]((pixels.float() - 127) / 128)
                values[at, eye] = F.adaptive_avg_pool2d(grid, CELLS).flatten(2).transpose(1, 2).float()
                shown[at, eye] = True
        return values, shown

    def forward(self, ids: Tensor, mask: Tensor, pictures: list, present: Tensor) -> Tensor:
        rows, length = ids.shape
        features, shown = self.features(pictures, rows)
        # With nothing to train before the classifier, nothing before it needs a gradient.
        frozen = self.method == "head" and not self.project.weight.requires_grad
        with torch.no_grad() if frozen else nullcontext():
            seen = (self.project(features) + self.positions).flatten(1, 2)
            if self.method == "mora":
                self.bert.encoder.layer[0].present = present.float()
            visible = torch.cat([mask, shown.repeat_interleave(TOKENS, 1)], 1)
            last = self.bert(
                inputs_embeds=torch.cat([self.bert.embeddings.word_embeddings(ids), seen], 1),
                attention_mask=visible.long(),
                token_type_ids=torch.cat([torch.zeros_like(ids), torch.ones(seen.shape[:2], dtype=torch.long)], 1),
                position_ids=torch.cat([torch.arange(length), torch.arange(TOKENS).repeat(EYES)]).expand(rows, -1),
            ).last_hidden_state
            mean = (last * visible[..., None]).sum(1) / visible.sum(1, keepdim=True)
        return self.head(mean)


def inputs(batch: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in batch.items() if name != "targets"}


def train(
    net: Net, training: Shown, validation: Shown, settings: Settings, order: Sequence[Sequence[np.ndarray]]
) -> None:
    """Train what requires a gradient on batches of `order`, epoch by epoch; keep what validates best (F1-macro)."""
    trained = {name: p for name, p in net.named_parameters() if p.requires_grad}
    groups = [
        {"params": [p for p in trained.values() if p.ndim >= 2], "weight_decay": settings.weight_decay},
        {"params": [p for p in trained.values() if p.ndim < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=settings.lr, betas=settings.betas, eps=settings.eps, fused=True)
    total = sum(map(len, order))
    warm = max(round(settings.warmup * total), 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: (step + 1) / warm if step < warm else max(total - step, 0) / max(total - warm, 1)
    )
    best, best_weights = -1.0, {}
    autocast = torch.autocast("cpu", torch.bfloat16) if settings.precision == "bf16" else nullcontext()
    for batches in order:
        net.train()
        net.bert.eval()
        for batch in DataLoader(training, batch_sampler=batches, collate_fn=collate):
            with net.seconds.of("forward"), autocast:
                predicted = net(**inputs(batch))
            with net.seconds.of("backward"):
                loss = F.binary_cross_entropy_with_logits(predicted.float(), batch["targets"])
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                schedule.step()
        with net.seconds.of("validation"):
            score = f1(validation, predict(net, validation, settings.tested))
        if score > best:
            best, best_weights = score, {name: p.detach().clone() for name, p in trained.items()}
    with torch.no_grad():
        for name, parameter in trained.items():
            parameter.copy_(best_weights[name])


@torch.no_grad()
def predict(net: Net, samples: Shown, batch: int) -> np.ndarray:
    """Logits [n, C]."""
    net.eval()
    return torch.cat([net(**inputs(group)) for group in DataLoader(samples, batch, collate_fn=collate)]).float().numpy()


def f1(samples: Shown, logits: np.ndarray) -> float:
    """F1-macro at 0.5."""
    wanted = samples.patients.targets[samples.rows].numpy().astype(int)
    return float(f1_score(wanted, logits > 0, average="macro", zero_division=0))


def test(net: Net, patients: Patients, rows: np.ndarray, masks: dict[str, Sequence[np.ndarray]], batch: int) -> dict:
    """F1-macro of test patients under each mask, a pass each: `masks` are bool [n, 2] by pattern, one a rate."""
    with net.seconds.of("testing"):
        shown = {pattern: [Shown(patients, rows, mask) for mask in by_rate] for pattern, by_rate in masks.items()}
        return {
            name: [f1(samples, predict(net, samples, batch)) for samples in by_rate] for name, by_rate in shown.items()
        }


def with_start(net: Net, start: dict[str, Any]) -> Net:
    """The network with initial weights of the projection, the classifier and the adapter."""
    with torch.no_grad():
        net.project.weight.copy_(start["projection"]["linear.weight"])
        net.project.bias.copy_(start["projection"]["linear.bias"])
        net.positions.copy_(start["projection"]["rows.image"])
    net.head.load_state_dict(start["head"])
    if net.method == "lora":
        from peft import set_peft_model_state_dict

        set_peft_model_state_dict(
            net.peft, {f"base_model.model.{name}": tensor for name, tensor in start["adapter"].items()}
        )
    elif net.method == "mora":
        layer = net.bert.encoder.layer[0]
        down, up = (start["adapter"][f"encoder.layer.0.mora_branch.{name}"] for name in ("down", "up"))
        layer.down.load_state_dict({"weight": copy.deepcopy(down)})
        for layer_up, weight in zip(layer.ups, up, strict=True):
            layer_up.load_state_dict({"weight": weight.T})
    return net
