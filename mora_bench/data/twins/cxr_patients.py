"""The CXR twin: which findings a patient has, what the report says of them, and what the film shows.

Noise: the findings of `SEEN` are the film's own, the others the report's, and each modality tells of them as noise.py
says; with probability `FALSE` the report mentions, and independently the film shows, one that is not there. Labels
follow the findings, never the report. A lateral film tells of the findings in the same way, independently of the
frontal one; those of `BESIDE` are its own.

A benchmark report says each finding in one way and denies nothing: the shipped backbone does not learn sixty phrasings
among denials from 800 reports. The texts it is pre-trained on use all ways, and some of them are long.
"""

from dataclasses import dataclass

import numpy as np

from mora_bench.data.readers.cxr import LABELS
from mora_bench.data.twins import film, lateral
from mora_bench.data.twins.noise import telling

FALSE = 0.006
NORMAL_SHARE = 0.2
#: Factor on the probabilities in `FINDINGS`.
OFTEN = 1.5

#: finding -> (probability among patients who are not normal, ways to say it). The order of frequencies follows
#: Indiana's; all are raised (in the benchmark twin to 11 to 24 %): a test split of a hundred holds some of each.
FINDINGS: dict[str, tuple[float, tuple[str, ...]]] = {
    "Lung": (
        0.2,
        ("Hyperexpanded lungs.", "Hyperinflated {side} lung, emphysema.", "Chronic obstructive lung disease."),
    ),
    "Opacity": (0.19, ("Patchy {side} opacity.", "Hazy opacity in the {zone} lobe.", "Ill-defined {side} opacity.")),
    "Cardiomegaly": (
        0.18,
        ("The heart is {degreely} enlarged.", "{Degree} cardiomegaly.", "Enlarged cardiac silhouette."),
    ),
    "Pulmonary Atelectasis": (
        0.16,
        ("Bibasilar atelectasis.", "Subsegmental atelectasis, {side} base.", "Streaky discoid atelectasis."),
    ),
    "Calcinosis": (
        0.15,
        ("Calcified hilar nodes.", "{Side} hilar calcifications.", "Calcified mediastinal lymph nodes."),
    ),
    "Calcified Granuloma": (
        0.15,
        ("Calcified granuloma, {side} {zone} lobe.", "{Side} lung granuloma.", "Stable calcified granuloma."),
    ),
    "Thoracic Vertebrae": (
        0.14,
        (
            "Degenerative thoracic vertebrae.",
            "Endplate spurring of the vertebral bodies.",
            "Thoracic vertebral osteophytes.",
        ),
    ),
    "Cicatrix": (0.13, ("Biapical scarring.", "Pleural-parenchymal scar, {side} apex.", "Linear {side} scar.")),
    "Spine": (
        0.13,
        ("Degenerative disease of the spine.", "Spondylosis of the spine.", "Arthritic changes of the spine."),
    ),
    "Markings": (
        0.12,
        ("Prominent interstitial markings.", "Increased bronchovascular markings.", "Coarsened markings."),
    ),
    "Pleural Effusion": (
        0.12,
        ("{Degree} {side} pleural effusion.", "Blunted {side} costophrenic angle.", "{Side} pleural fluid."),
    ),
    "Aorta": (0.12, ("Tortuous aorta.", "Ectatic thoracic aorta.", "Prominent aortic knob.")),
    "Diaphragm": (
        0.11,
        ("Elevated right hemidiaphragm.", "Eventration of the right diaphragm.", "Right hemidiaphragm elevation."),
    ),
    "Density": (
        0.11,
        ("Vague {side} upper density.", "Round density over the {side} apex.", "Increased {side} density."),
    ),
    "Atherosclerosis": (
        0.11,
        ("Atherosclerotic aortic calcification.", "Aortic atherosclerosis.", "Atheromatous plaque of the arch."),
    ),
    "Deformity": (
        0.1,
        ("Old {side} rib deformity.", "Chronic deformity of the {side} ribs.", "Healed rib fracture deformities."),
    ),
    "Airspace Disease": (
        0.1,
        (
            "Focal {side} airspace disease.",
            "{Side} basilar airspace consolidation.",
            "Pneumonia, multifocal airspace disease.",
        ),
    ),
    "Catheters, Indwelling": (
        0.1,
        ("{Side} central venous catheter.", "{Side} chest port catheter.", "Dialysis catheter in place."),
    ),
    "Scoliosis": (0.1, ("Thoracic scoliosis.", "Mild dextroscoliosis.", "Levoscoliosis of the spine.")),
    "Nodule": (
        0.1,
        ("Pulmonary nodule, {side} {zone} lobe.", "Noncalcified nodule of {size} mm.", "{Side} nodular focus."),
    ),
}
CLEAR = (
    "The lungs are clear.",
    "No pneumothorax.",
    "The cardiomediastinal silhouette is within normal limits.",
    "Heart size and pulmonary vascularity are normal.",
    "No acute bony abnormality.",
    "There is no focal consolidation or pleural effusion.",
    "The visualized osseous structures are intact.",
    "No pneumothorax or large effusion is identified.",
    "The trachea is midline.",
    "Soft tissues are unremarkable.",
    "The pulmonary vasculature is within normal limits.",
    "No suspicious mass or adenopathy is seen.",
    "Both costophrenic angles are sharp.",
    "The hilar contours appear stable in size and shape.",
    "Visualized upper abdomen demonstrates no free air beneath the diaphragm.",
    "Mild degenerative spurring may be related to the patient's age.",
    "Comparison with the previous radiographs shows no interval change.",
    "There is no evidence of acute infiltrate, edema or congestive heart failure.",
    "Surgical clips and sternotomy wires, where present, are unchanged in position.",
    "Lateral and frontal views were obtained, with adequate inspiration.",
    "Cardiac and mediastinal contours are unchanged since the last study.",
    "No displaced fracture; the bones are otherwise osteopenic but intact.",
)
CLOSING = (
    "",
    "No acute disease.",
    "No acute cardiopulmonary abnormality.",
    "Clinical correlation recommended.",
    "No active disease.",
    "Stable chest.",
)


#: Findings that are the film's own.
SEEN = frozenset(
    {
        "Lung",
        "Cardiomegaly",
        "Thoracic Vertebrae",
        "Spine",
        "Pleural Effusion",
        "Aorta",
        "Diaphragm",
        "Deformity",
        "Catheters, Indwelling",
        "Scoliosis",
    }
)


#: Findings that are the lateral film's own: some of the frontal film's, some of the report's.
BESIDE = frozenset(
    {
        "Lung",
        "Thoracic Vertebrae",
        "Spine",
        "Pleural Effusion",
        "Diaphragm",
        "Pulmonary Atelectasis",
        "Airspace Disease",
        "Calcified Granuloma",
        "Nodule",
        "Atherosclerosis",
    }
)


@dataclass(frozen=True)
class ChestCase:
    """One patient: what the tables say and what has to be drawn."""

    labels: tuple[int, ...]
    findings: str
    impression: str
    visible: frozenset[str]


def say(rng: np.random.Generator, finding: str, ways: int) -> str:
    side, degree = str(rng.choice(("left", "right"))), str(rng.choice(("mild", "moderate", "severe")))
    return str(rng.choice(FINDINGS[finding][1][:ways])).format(
        side=side,
        Side=side.capitalize(),
        zone=rng.choice(("upper", "middle", "lower")),
        degree=degree,
        degreely=f"{degree}ly",
        Degree=degree.capitalize(),
        size=rng.integers(4, 20),
    )


def case(
    rng: np.random.Generator,
    clarity: float | None = None,
    clear: tuple[int, int] = (0, 0),
    ways: int = 1,
    often: float = OFTEN,
) -> ChestCase:
    """Draw one patient: findings first, then each modality's noisy view of them.

    Args:
        rng: the only source of randomness.
        clarity: probability that either modality tells of a finding that is there; None: as noise.py says.
        clear: least and greatest number of sentences that deny something or say nothing in particular.
        ways: how many of the ways to say a finding are in use.
        often: factor on the probabilities in `FINDINGS`.
    """
    normal = rng.random() < NORMAL_SHARE
    has = {f: not normal and rng.random() < often * p for f, (p, _) in FINDINGS.items()}
    mentioned = [f for f in FINDINGS if rng.random() < (telling(f not in SEEN, clarity) if has[f] else FALSE)]
    shown = frozenset(f for f in FINDINGS if rng.random() < (telling(f in SEEN, clarity) if has[f] else FALSE))
    sentences = [say(rng, f, ways) for f in mentioned]
    sentences += [str(s) for s in rng.choice(CLEAR, rng.integers(*clear, endpoint=True), replace=False)]
    rng.shuffle(sentences)
    return ChestCase(
        labels=tuple(int(has[f]) for f in LABELS),
        findings=" ".join(sentences),
        impression=str(rng.choice(CLOSING if sentences else CLOSING[1:])),
        visible=shown,
    )


def draw(rng: np.random.Generator, patient: ChestCase) -> np.ndarray:
    """The frontal film: uint8 [128, 128, 3]."""
    return film.draw_film(rng, patient.visible)


def beside(rng: np.random.Generator, patient: ChestCase) -> frozenset[str]:
    """The findings that the lateral film shows."""
    has = {label for label, yes in zip(LABELS, patient.labels, strict=True) if yes}
    return frozenset(f for f in FINDINGS if rng.random() < (telling(f in BESIDE, None) if f in has else FALSE))


def draw_beside(rng: np.random.Generator, patient: ChestCase) -> np.ndarray:
    """The lateral film: uint8 [128, 128, 3]."""
    return lateral.draw_lateral(rng, beside(rng, patient))
