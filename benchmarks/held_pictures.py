"""What the pictures of ODIR-5K tell before anybody looks at an eye: size of file, frame, colour, blur, side."""

from collections.abc import Iterator
from functools import cached_property, lru_cache
from pathlib import Path

import held_odir
import numpy as np
from held_counts import Sheet, auroc, facts, forest_auroc, share
from PIL import Image
from scipy import ndimage
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from mora_bench.data.readers import odir

#: Pixels along a side of the pictures that are looked at; grey levels below which a pixel is the black around the disc.
SIDE, BLACK = 64, 15
#: Pixels of the frame that is looked at, along an edge and along a corner.
EDGE, CORNER = 2, 8


class Eyes:
    """All pictures that are there, small: uint8 [E, 64, 64, 3], with the rows of their patients, sides, and sizes."""

    def __init__(self, root: Path):
        self.data = held_odir.read(root)
        pairs = self.data.table.modalities["image"].values
        files = [(row, side, eye.path) for row, pair in enumerate(pairs) for side, eye in enumerate(pair) if eye]
        self.rows, self.sides = (np.array([file[k] for file in files]) for k in (0, 1))
        self.bytes = np.array([path.stat().st_size for *_, path in files], float)
        opened = [_opened(path) for *_, path in files]
        self.small = np.stack([small for small, _ in opened])
        self.coding = np.array([coding for _, coding in opened])
        self.grey = self.small.astype(np.float32).mean(3)
        self.disc = self.grey > BLACK

    @cached_property
    def both(self) -> np.ndarray:
        """The patients that have two pictures."""
        return np.flatnonzero(self.data.pictures == 2)

    def pairs(self, features: np.ndarray) -> np.ndarray:
        """Features of both eyes of patients that have two, side by side; features [E] or [E, F]."""
        flat = features.reshape(len(self.rows), -1)
        paired = np.isin(self.rows, self.both)
        return flat[paired].reshape(len(self.both), -1)

    @cached_property
    def coarse(self) -> np.ndarray:
        """The pictures as 16 x 16 fields of colour, [E, 768]."""
        return self.small.reshape(-1, 16, 4, 16, 4, 3).mean((2, 4)).reshape(len(self.small), -1)

    @cached_property
    def frame(self) -> np.ndarray:
        """How much of each edge and corner is inside the disc, and the disc's share, [E, 9]."""
        disc, near, corner = self.disc, EDGE, CORNER
        parts = [disc[:, :near], disc[:, -near:], disc[:, :, :near], disc[:, :, -near:], disc]
        parts += [disc[:, a, b] for a in _ends(corner) for b in _ends(corner)]
        return np.stack([part.mean((1, 2)) for part in parts], 1)

    @cached_property
    def colour(self) -> np.ndarray:
        """The mean colour inside the disc, [E, 3]."""
        inside = self.disc[..., None]
        return (self.small * inside).sum((1, 2)) / np.maximum(inside.sum((1, 2)), 1)

    @cached_property
    def detail(self) -> np.ndarray:
        """How far pixels inside the disc are from the mean of their neighbours, [E]."""
        rough = self.grey - ndimage.gaussian_filter(self.grey, (0, 1, 1))
        inner = ndimage.binary_erosion(self.disc, np.ones((1, 9, 9)))
        count = np.maximum(inner.sum((1, 2)), 1)
        mean = (rough * inner).sum((1, 2)) / count
        return np.sqrt((((rough - mean[:, None, None]) * inner) ** 2).sum((1, 2)) / count)


def _ends(width: int) -> Iterator[slice]:
    yield slice(None, width)
    yield slice(-width, None)


def _opened(path: Path) -> tuple[np.ndarray, int]:
    """A small picture, and the sum of its file's table of quantisation, which says how it was saved; 0: no JPEG."""
    with Image.open(path) as picture:
        coding = sum(getattr(picture, "quantization", {0: [0]})[0])
        return np.asarray(picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)), coding


@lru_cache(maxsize=1)
def read(root: Path) -> Eyes:
    return Eyes(root)


def shortcuts(root: Path) -> Sheet:
    eyes = read(root)
    first = PCA(1, random_state=0).fit_transform(eyes.coarse)
    looks = {
        "size of the files": eyes.bytes, "outline of the frame": eyes.frame, "mean colour": eyes.colour,
        "detail": eyes.detail, "first component": first,
    }  # fmt: skip
    rows = []
    for label in odir.LABELS:
        truth = eyes.data.having(label)[eyes.both]
        rows.append([label, *(forest_auroc(truth, eyes.pairs(look)) for look in looks.values())])
    return Sheet(("label", *(f"AUROC of {look}" if not k else look for k, look in enumerate(looks))), rows)


def components(root: Path) -> Sheet:
    eyes = read(root)
    pca = PCA(3, random_state=0).fit(eyes.coarse)
    scores, bright = pca.transform(eyes.coarse), eyes.grey.mean((1, 2))
    rows = []
    for k, part in enumerate(pca.explained_variance_ratio_):
        alike = abs(np.corrcoef(scores[:, k], bright)[0, 1])
        rows.append([str(k + 1), f"{100 * part:.0f} %", f"{alike:.2f}"])
    return Sheet(("component", "of the variance", "correlation with mean brightness, without sign"), rows)


def blur(root: Path) -> Sheet:
    eyes = read(root)
    words = (eyes.data.left, eyes.data.right)
    cataract = np.array(["cataract" in words[side][row] for row, side in zip(eyes.rows, eyes.sides, strict=True)])
    least = np.argsort(eyes.detail, kind="stable")[:50]
    return facts([
        ("pictures", len(cataract)),
        ("of eyes with cataract", int(cataract.sum())),
        ("AUROC of little detail for cataract", auroc(cataract, -eyes.detail)),
        ("with cataract among the 50 pictures of least detail", int(cataract[least].sum())),
    ])  # fmt: skip


def sides(root: Path) -> Sheet:
    """Whether a picture shows the side that its file's name says: a linear model on patches of local contrast."""
    eyes = read(root)
    green = eyes.small[..., 1].astype(np.float32).reshape(-1, 32, 2, 32, 2).mean((2, 4))
    inside = (green > BLACK).astype(np.float32)

    def around(values: np.ndarray, width: int) -> np.ndarray:
        blurred, weight = (ndimage.gaussian_filter(plane, (0, width, width)) for plane in (values * inside, inside))
        return blurred / np.maximum(weight, 0.05)

    local = (green - around(green, 4)) * inside
    local = local / (np.sqrt(around(local**2, 6)) + 2)
    model = make_pipeline(PCA(60, random_state=0), LogisticRegression(C=0.1, max_iter=500))
    left, flat = eyes.sides == 0, local.reshape(len(local), -1)
    folds = GroupKFold(5)
    chances = cross_val_predict(model, flat, left, groups=eyes.rows, cv=folds, method="predict_proba")[:, 1]
    right = (chances > 0.5) == left
    pairs = eyes.pairs(right)
    return facts([
        ("pictures", len(left)),
        ("AUROC of a linear model for the side", auroc(left, chances)),
        ("pictures whose side it says", share(right)),
        ("patients with two pictures, both said the other way round", int((~pairs).all(1).sum())),
    ])  # fmt: skip


def saved(root: Path) -> Sheet:
    """Whether pictures were saved in the same way, and of whom those are that were not."""
    eyes = read(root)
    ways, counts = np.unique(eyes.coding, return_counts=True)
    shown = [odir.LABELS.index(label) for label in "NDGCMO"]
    rows = []
    for way, count in sorted(zip(ways.tolist(), counts.tolist(), strict=True), key=lambda pair: -pair[1]):
        targets = eyes.data.targets[np.unique(eyes.rows[eyes.coding == way])] == 1
        rows.append([str(way), str(count), str(len(targets)), *(share(column) for column in targets.T[shown])])
    headers = ("sum of the file's quantisation table", "pictures", "patients", *(odir.LABELS[k] for k in shown))
    return Sheet(headers, rows)


TABLES = {
    "odir-shortcuts": shortcuts, "odir-components": components, "odir-blur": blur, "odir-sides": sides,
    "odir-saved": saved,
}  # fmt: skip
