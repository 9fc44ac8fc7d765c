#!/bin/sh
# What one would expect: torchmetrics' GeneralizedDiceScore over a test set is the mean of its patients' scores, and
#   that of a patient follows from his mask and prediction alone. How many patients share a batch has no part in it,
#   as it has none in the DiceScore and MeanIoU beside it.
# What happens: a class that a patient does not have, a tumour say, has the weight 1 / 0^2. In its place the greatest
#   weight in the batch is put, by a table that is read in the wrong order, so that it is often the weight of another
#   class or of another patient. The same 64 predictions of patients of whom a half have a tumour have 0.82 in batches
#   of 1, 0.70 in batches of 2, 0.64 in batches of 4, 0.66 in batches of 16, and others again in another order. A
#   patient of whom 0.999 is said alone has 0.965 with a neighbour behind him, for the same prediction. Where each
#   patient has all classes nothing of this happens, and the numbers are those of the formula. Nothing is raised or
#   printed, and the documentation does not say so; weight_type="linear" is not touched.
# Versions: torchmetrics 1.9.0, torch 2.13.0 (CPU), numpy 2.4.6, Python 3.11. Seen on 2026-12-01.
# Why it matters here: healthy patients, and those without one of the regions, are in each set of tumour MRI. Of two
#   methods the one that was tested in smaller batches, because it needs more memory, leads by 18 points with the same
#   masks.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile torchmetrics==1.9.0 torch==2.13.0 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys
import warnings

import torch
from torchmetrics.functional.segmentation import generalized_dice_score
from torchmetrics.segmentation import DiceScore, GeneralizedDiceScore, MeanIoU

warnings.simplefilter("error")  # a warning would be a change
generator = torch.Generator().manual_seed(0)


def patient(tumour, size=64):
    """A mask of background, organ and a tumour of so many pixels a side."""
    mask = torch.zeros(size, size, dtype=torch.long)
    mask[10:40, 10:40] = 1
    mask[20 : 20 + tumour, 20 : 20 + tumour] = 2
    return mask


def noisy(masks, share=0.02):
    said, wrong = masks.clone(), torch.rand(masks.shape, generator=generator) < share
    said[wrong] = torch.randint(0, 3, (int(wrong.sum()),), generator=generator)
    return said


def by_hand(said, masks):
    """The mean over patients, with the weight 1 / size^2, of the classes that each patient has."""
    scores = []
    for one, other in zip(masks, said):
        both = total = 0
        for number in range(3):
            size = (one == number).sum().item()
            if size:
                both += 2 * ((one == number) & (other == number)).sum().item() / size**2
                total += (size + (other == number).sum().item()) / size**2
        scores.append(both / total)
    return sum(scores) / len(scores)


def measured(kind, said, masks, batch, **options):
    metric = kind(num_classes=3, input_format="index", **options)
    for start in range(0, len(masks), batch):
        metric.update(said[start : start + batch], masks[start : start + batch])
    return metric.compute().mean().item()


has = torch.randint(0, 2, (64,), generator=generator)
sides = torch.randint(2, 12, (64,), generator=generator)
half, everyone = (torch.stack([patient(int(side)) for side in one]) for one in (has * sides, sides))
seen = {}
for name, masks in (("half have a tumour", half), ("all have a tumour", everyone)):
    said = noisy(masks)
    order = torch.randperm(64, generator=generator)
    for batch in (1, 2, 4, 8, 16):
        found = measured(GeneralizedDiceScore, said, masks, batch)
        shuffled = measured(GeneralizedDiceScore, said[order], masks[order], batch)
        rest = [measured(kind, said, masks, batch) for kind in (DiceScore, MeanIoU)]
        line = measured(GeneralizedDiceScore, said, masks, batch, weight_type="linear")
        seen[name, batch] = found, shuffled, rest[0], rest[1], line
        print(
            f"{name}, batches of {batch}: generalised Dice {found:.3f}, in another order {shuffled:.3f}; "
            f"weight_type linear {line:.3f}, Dice {rest[0]:.3f}, IoU {rest[1]:.3f}"
        )
    print(f"{name}: by hand {by_hand(said, masks):.3f}")
    seen[name] = by_hand(said, masks)
healthy, neighbour = patient(0), patient(25)
said = healthy.clone()
said[50:55, 50:55] = 2
alone = generalized_dice_score(said[None], healthy[None], num_classes=3, input_format="index")[0].item()
pair = torch.stack([said, neighbour]), torch.stack([healthy, neighbour])
together = generalized_dice_score(*pair, num_classes=3, input_format="index")[0].item()
print(f"a healthy patient with 25 pixels of false tumour: {alone:.4f} alone, {together:.4f} with a neighbour in the batch")
sizes = 1, 2, 4, 8, 16
half_seen = [seen["half have a tumour", batch] for batch in sizes]
good = abs(half_seen[0][0] - seen["half have a tumour"]) < 1e-4
good &= half_seen[0][0] - min(one[0] for one in half_seen) > 0.1
good &= max(abs(one[0] - one[1]) for one in half_seen) > 0.005
for place in (2, 3, 4):
    good &= max(one[place] for one in half_seen) - min(one[place] for one in half_seen) < 1e-5
good &= all(abs(seen["all have a tumour", batch][0] - seen["all have a tumour"]) < 1e-4 for batch in sizes)
good &= alone > 0.999 and together < 0.97
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py
