#!/bin/sh
# What one would expect: KeypointsTTAWrapper of ttach asks a model for landmarks in turned and mirrored pictures, turns its answers back
#   and averages them. Of a model that finds its landmark exactly, however the picture lies, the average is the landmark.
# What happens: pixels are divided by width and height of the picture as it came, also where a picture is turned by 90 or 270
#   degrees, and its width is the height. In a film of 100 x 200 pixels with Rotate90 the landmark of a perfect model
#   moves by 25 pixels on average and 51 at most, and out of the film for 57 of 200. Square pictures, models with scaled=True and
#   turns by 180 degrees are right, and so is the wrapper for masks. Nothing is raised or printed.
# Versions: ttach 0.0.3, torch 2.13.0, numpy 2.4.6, Python 3.11. Seen on 2026-12-01.
# Why it matters here: landmarks (of hips, of the heart's size, of a fovea) come from films that are not square. Averaging over
#   turned copies is done to gain accuracy; a measured angle or ratio is then worse than without, and looks like the model's fault.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile ttach==0.0.3 torch==2.13.0 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys
import warnings

import torch
import ttach

torch.set_num_threads(1)
FILMS = 200


def films(height, width):
    """Black films with one bright pixel each, and the middle of that pixel as x, y."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(0, width, (FILMS,), generator=generator)
    y = torch.randint(0, height, (FILMS,), generator=generator)
    pictures = torch.zeros(FILMS, 1, height, width)
    pictures[torch.arange(FILMS), 0, y, x] = 1
    return pictures, torch.stack([x, y], 1) + 0.5


class Finder(torch.nn.Module):
    """Finds the bright pixel, without error."""

    def __init__(self, scaled=False):
        super().__init__()
        self.scaled = scaled

    def forward(self, pictures):
        height, width = pictures.shape[2:]
        place = pictures.flatten(1).argmax(1)
        found = torch.stack([place % width, place // width], 1) + 0.5
        return found / torch.tensor([width, height]) if self.scaled else found


def show(name, size, turns, scaled=False):
    pictures, right = films(*size)
    wrapper = ttach.KeypointsTTAWrapper(Finder(scaled), ttach.Compose([ttach.HorizontalFlip(), ttach.Rotate90(turns)]), scaled=scaled)
    found = wrapper(pictures)
    if scaled:
        found = found * torch.tensor([size[1], size[0]])
    off = (found - right).norm(dim=1)
    outside = ((found < 0) | (found > torch.tensor([size[1], size[0]]))).any(1).sum().item()
    print(f"{name:42}: off by {off.mean():.2f} pixels on average, {off.max():.2f} at most; {outside} of {FILMS} outside of the film")
    return off.mean().item(), off.max().item(), outside


ALL = [0, 90, 180, 270]
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    seen = {
        "wide": show("film of 100 x 200, turned", (100, 200), ALL),
        "tall": show("film of 200 x 100, turned", (200, 100), ALL),
        "90": show("film of 100 x 200, turned by 90 only", (100, 200), [90]),
        "180": show("film of 100 x 200, turned by 180 only", (100, 200), [0, 180]),
        "square": show("film of 200 x 200, turned", (200, 200), ALL),
        "scaled": show("film of 100 x 200, turned, scaled=True", (100, 200), ALL, scaled=True),
    }
    # The wrapper for masks, of a model that returns its picture.
    pictures, _ = films(100, 200)
    masks = ttach.SegmentationTTAWrapper(torch.nn.Identity(), ttach.Compose([ttach.HorizontalFlip(), ttach.Rotate90(ALL)]))
    same = torch.allclose(masks(pictures), pictures, atol=1e-5)
told = [str(one.message) for one in told if "ttach" in str(one.filename)]
print("masks come back as they were:", same, "; warnings of the package:", told or "none")
off = 20 < seen["wide"][0] < 30 and 20 < seen["tall"][0] < 35 and seen["wide"][2] > 30
fine = all(seen[name][1] < 0.01 for name in ("180", "square", "scaled")) and same
sys.exit(0 if off and fine and not told else 1)
PYTHON
venv/bin/python seen.py
