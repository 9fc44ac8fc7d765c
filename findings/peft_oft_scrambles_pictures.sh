#!/bin/sh
# What one would expect: OFT of peft turns the inputs of a layer by a rotation that begins as the identity (init_weights
#   is True by default), of Linear and Conv2d alike. So a fresh adapter changes nothing, and merging a trained one changes
#   nothing.
# What happens: of a convolution with a kernel larger than 1 x 1 the adapter cuts the picture into patches, turns them and
#   puts them together again in the wrong order and without dividing by how often they overlap. Under a rotation by
#   nothing the picture is already noise: the output of a fresh adapter on a 3 x 3 layer has correlation 0.0 with that of
#   the layer, and a network that gets 100 % of drawn pictures right gets about as many right as by guessing among three.
#   Trained, the adapter learns to live with the noise, and merging, which does the rotation alone, gives another network
#   than the one that was trained and validated. Nothing is raised or printed. BOFT and HRA of the same library begin at
#   no change and merge to no change on the same layers; so does OFT itself on 1 x 1.
# Versions: peft 0.21.2, torch 2.13.0 (CPU), transformers 5.23.0, numpy 2.4.6, Python 3.11. Seen on 2026-12-01.
# Why it matters here: adapters of peft go on convolutional encoders of films and slices, and on the patch projection of a
#   vision transformer, which is a convolution. A row "OFT" of a table is then a network that never saw the picture, and
#   its merged checkpoint is a third one.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet peft==0.21.2 torch==2.13.0 transformers==5.23.0 numpy==2.4.6
cat > seen.py <<'PYTHON'
import copy
import sys
import warnings

import torch
from peft import BOFTConfig, HRAConfig, OFTConfig, get_peft_model
from torch import nn

warnings.simplefilter("error", UserWarning)  # a warning would be a change
warnings.filterwarnings("ignore", module="peft.tuners.boft")  # about speed
torch.set_num_threads(1)
torch.manual_seed(0)
good = True
likeness = {}
for size, stride, padding in ((1, 1, 0), (3, 1, 1), (7, 2, 3), (16, 16, 0)):
    layer = nn.Sequential(nn.Conv2d(3, 8, size, stride, padding, bias=False)).eval()
    pictures = torch.randn(4, 3, 64, 64)
    before = layer(pictures).detach().ravel()
    for name, config in (
        ("OFT", OFTConfig(target_modules=["0"], oft_block_size=3)),
        ("BOFT", BOFTConfig(target_modules=["0"], boft_block_size=3)),
        ("HRA", HRAConfig(target_modules=["0"], r=2)),
    ):
        adapted = get_peft_model(copy.deepcopy(layer), config).eval()
        fresh = adapted(pictures).detach().ravel()
        merged = adapted.merge_and_unload()(pictures).detach().ravel()
        seen = [float(torch.corrcoef(torch.stack([before, other]))[0, 1]) for other in (fresh, merged)]
        likeness[name, size] = seen
        print(f"{size} x {size}, fresh {name}: correlation with the layer's own output {seen[0]:.3f}, merged {seen[1]:.3f}")
good &= all(min(seen) > 0.999 for (name, size), seen in likeness.items() if name != "OFT" or size == 1)
good &= all(abs(likeness["OFT", size][0]) < 0.1 and likeness["OFT", size][1] > 0.999 for size in (3, 7, 16))


def draw(many, seed):
    """A disc, a bar that stands or a bar that lies, anywhere, and noise."""
    seeds = torch.Generator().manual_seed(seed)
    kinds = torch.randint(0, 3, (many,), generator=seeds)
    pictures = 0.3 * torch.randn(many, 1, 24, 24, generator=seeds)
    rows, columns = torch.meshgrid(torch.arange(24), torch.arange(24), indexing="ij")
    for picture, kind in zip(pictures[:, 0], kinds.tolist()):
        y, x = torch.randint(7, 17, (2,), generator=seeds).tolist()
        across, down = (columns - x).abs(), (rows - y).abs()
        picture += [across**2 + down**2 <= 16, (across <= 1) & (down <= 6), (across <= 6) & (down <= 1)][kind].float()
    return pictures, kinds


def right(model, pictures, kinds):
    with torch.no_grad():
        return float((model.eval()(pictures).argmax(1) == kinds).float().mean())


def train(model, pictures, kinds):
    model.train()
    steps = torch.optim.Adam([one for one in model.parameters() if one.requires_grad], lr=0.01)
    for _ in range(150):
        batch = torch.randint(0, len(pictures), (64,))
        loss = nn.functional.cross_entropy(model(pictures[batch]), kinds[batch])
        steps.zero_grad()
        loss.backward()
        steps.step()


network = nn.Sequential(
    nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(12, 12, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 3),
)  # fmt: skip
train(network, *draw(1500, 1))
test = draw(1500, 2)
scores = {"without an adapter": right(network, *test)}
for name, config in (
    ("OFT", OFTConfig(target_modules=["2", "5"], oft_block_size=4)),
    ("BOFT", BOFTConfig(target_modules=["2", "5"], boft_block_size=4)),
):
    adapted = get_peft_model(copy.deepcopy(network), config)
    scores[f"fresh {name}"] = right(adapted, *test)
    train(adapted, *draw(1500, 3))
    scores[f"trained {name}"] = right(adapted, *test)
    scores[f"trained {name}, merged"] = right(adapted.merge_and_unload(), *test)
for name, score in scores.items():
    print(f"{name}: {score:.1%} of the pictures right")
good &= scores["without an adapter"] > 0.95 and scores["fresh OFT"] < 0.5
good &= abs(scores["trained OFT"] - scores["trained OFT, merged"]) > 0.1
good &= min(score for name, score in scores.items() if "BOFT" in name) > 0.95
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py
