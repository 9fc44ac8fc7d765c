"""The ODIR twin: who has what, what the keywords say of it, and what the two fundus photographs show.

Noise: the signs of `SEEN` are the photographs' own, the others the keywords', and each modality tells of them as
noise.py says, once per patient; with probability `FALSE` the keywords name, and independently the pictures show, a sign
that is not there. Labels follow the signs, never the keywords.
"""

from dataclasses import dataclass

import numpy as np

from mora_bench.data.readers.odir import LABELS
from mora_bench.data.twins import fundus
from mora_bench.data.twins.noise import telling

FALSE = 0.015
#: Signs that are the photographs' own; the others are the keywords'.
SEEN = frozenset({"diabetes", "cataract", "myopia", "membrane", "nerve fibres"})

#: sign -> (label, probability that a patient has it, keywords). Rare labels of ODIR (G, C, A, H, M: 3 to 6 %) are
#: kept rare but raised to 8 to 12 %, so that a test split of a hundred patients holds some of each.
SIGNS: dict[str, tuple[str, float, tuple[str, ...]]] = {
    "diabetes": (
        "D",
        0.26,
        (
            "mild nonproliferative retinopathy",
            "moderate non proliferative retinopathy",
            "severe nonproliferative retinopathy",
            "proliferative diabetic retinopathy",
            "diabetic retinopathy",
            "suspected diabetic retinopathy",
        ),
    ),
    "glaucoma": (
        "G",
        0.11,
        ("glaucoma", "suspected glaucoma", "optic disc cupping, glaucoma", "optic nerve atrophy with large cup"),
    ),
    "cataract": ("C", 0.11, ("cataract", "lens opacity, cataract", "senile cataract", "suspected cataract")),
    "degeneration": (
        "A",
        0.10,
        (
            "dry age-related macular degeneration",
            "wet age-related macular degeneration",
            "drusen with macular degeneration",
            "choroidal neovascularization in the macula",
        ),
    ),
    "hypertension": (
        "H",
        0.08,
        ("hypertensive retinopathy", "arteriosclerosis with hypertensive retinopathy", "flame shaped hemorrhage"),
    ),
    "myopia": (
        "M",
        0.10,
        (
            "pathological myopia",
            "myopia retinopathy",
            "myopic maculopathy",
            "tessellated fundus with peripapillary atrophy",
        ),
    ),
    "membrane": (
        "O",
        0.09,
        ("macular epiretinal membrane", "epiretinal membrane", "epiretinal membrane over the macula"),
    ),
    "laser": ("O", 0.08, ("laser spot", "post retinal laser surgery", "post laser photocoagulation")),
    "nerve fibres": (
        "O",
        0.07,
        ("myelinated nerve fibers", "retinal nerve fiber layer defect", "myelinated fibers at the disc"),
    ),
}
NORMAL = ("normal fundus", "normal fundus", "normal fundus", "no abnormality")
VAGUE = (
    "lens dust",
    "low image quality",
    "image offset",
    "anterior segment image",
    "vitreous floaters",
    "old chorioretinal scar, follow up",
    "optic disk photographically invisible",
    "intraocular lens, clear",
)


@dataclass(frozen=True)
class EyeCase:
    """One patient: what the table says and what has to be drawn."""

    labels: tuple[int, ...]
    keywords: tuple[str, str]
    visible: tuple[frozenset[str], frozenset[str]]
    age: int
    sex: str


def case(rng: np.random.Generator, clarity: float | None = None) -> EyeCase:
    """Draw one patient: signs first, then labels from the signs, then each modality's noisy view of them.

    `clarity` is the probability that either modality tells of a sign that is there; None: as noise.py says.
    """
    has = {sign: rng.random() < probability for sign, (_, probability, _) in SIGNS.items()}
    keywords, drawn = [], []
    # A sign sits in the left eye, the right eye or both; what either modality tells of it is decided once per patient.
    eyes = {sign: rng.choice(3, p=(0.3, 0.3, 0.4)) for sign in SIGNS}
    named = {s: rng.random() < (telling(s not in SEEN, clarity) if has[s] else FALSE) for s in SIGNS}
    shown = {s: rng.random() < (telling(s in SEEN, clarity) if has[s] else FALSE) for s in SIGNS}
    for side in (0, 1):
        eye_signs = [s for s in SIGNS if eyes[s] in (side, 2)]
        words = [str(rng.choice(SIGNS[s][2])) for s in eye_signs if named[s]]
        if not words:
            words = [str(rng.choice(VAGUE if rng.random() < 0.25 else NORMAL))]
        rng.shuffle(words)
        keywords.append(", ".join(words))
        drawn.append(frozenset(s for s in eye_signs if shown[s]))
    present = {SIGNS[s][0] for s, yes in has.items() if yes} or {"N"}
    age = int(np.clip(rng.normal(58, 11) + 6 * has["degeneration"] + 5 * has["cataract"], 18, 91))
    return EyeCase(
        labels=tuple(int(label in present) for label in LABELS),
        keywords=(keywords[0], keywords[1]),
        visible=(drawn[0], drawn[1]),
        age=age,
        sex=str(rng.choice(("Female", "Male"))),
    )


def draw(rng: np.random.Generator, patient: EyeCase, side: int) -> np.ndarray:
    """The photograph of one eye (0 left, 1 right): uint8 [128, 128, 3]."""
    return fundus.draw_eye(rng, ("left", "right")[side], patient.visible[side])
