"""The CXR twin: which findings a patient has, what the report says of them, and what the film shows.

Noise, the same for every finding: with probability `1 - MENTIONED` the report passes over a finding that is there,
with probability `1 - VISIBLE` the film does not show it, independently; with probability `FALSE` the report mentions,
and independently the film shows, one that is not there. Reports also deny findings that they do not mention. Labels
follow the findings, never the report.
"""

from dataclasses import dataclass

import numpy as np

from mora_bench.data.cxr import LABELS
from mora_bench.data.twins import chest

MENTIONED, VISIBLE, FALSE = 0.55, 0.85, 0.006
NORMAL_SHARE = 0.2

#: finding -> (probability among patients who are not normal, ways to say it). The order of frequencies follows
#: Indiana's; all are raised, the rare ones to about 8 %, so that a test split of a hundred
#: films holds some of each.
FINDINGS: dict[str, tuple[float, tuple[str, ...]]] = {
    "Lung": (
        0.3,
        (
            "The lungs are hyperexpanded with flattened diaphragms.",
            "Hyperinflated lungs, suggestive of emphysema.",
            "Chronic obstructive lung disease changes with increased lung volumes.",
        ),
    ),
    "Opacity": (
        0.27,
        (
            "There is a patchy opacity in the {side} {zone} lobe.",
            "Hazy opacity is seen within the {side} lung.",
            "Ill-defined {side} {zone} lobe opacity.",
        ),
    ),
    "Cardiomegaly": (
        0.24,
        ("The heart is {degreely} enlarged.", "{Degree} cardiomegaly.", "The cardiac silhouette is enlarged."),
    ),
    "Pulmonary Atelectasis": (
        0.22,
        (
            "Streaky bibasilar atelectasis.",
            "There is subsegmental atelectasis in the {side} base.",
            "Linear densities in the {side} lung base represent discoid atelectasis.",
        ),
    ),
    "Calcinosis": (
        0.2,
        (
            "Calcified hilar and mediastinal lymph nodes.",
            "There are calcifications of the {side} hilum.",
            "Scattered hilar calcifications from old granulomatous disease.",
        ),
    ),
    "Calcified Granuloma": (
        0.19,
        (
            "There is a calcified granuloma in the {side} {zone} lobe.",
            "A dense, well circumscribed {side} lung granuloma is again noted.",
            "Stable calcified granuloma within the {side} lung.",
        ),
    ),
    "Thoracic Vertebrae": (
        0.18,
        (
            "Degenerative changes of the thoracic vertebrae.",
            "Mild endplate spurring is present in the thoracic spine vertebrae.",
            "Multilevel osteophytes along the thoracic vertebral bodies.",
        ),
    ),
    "Cicatrix": (
        0.15,
        (
            "Biapical scarring.",
            "There is pleural-parenchymal scarring in the {side} apex.",
            "Linear scar in the {side} upper lobe.",
        ),
    ),
    "Spine": (
        0.15,
        (
            "Degenerative disease of the lower spine.",
            "Spondylosis of the spine with disc space loss.",
            "Arthritic changes of the spine.",
        ),
    ),
    "Markings": (
        0.14,
        (
            "Prominent interstitial markings bilaterally.",
            "Bronchovascular markings are increased.",
            "Coarsened interstitial markings, chronic in appearance.",
        ),
    ),
    "Pleural Effusion": (
        0.14,
        (
            "There is a {degree} {side} pleural effusion.",
            "Blunting of the {side} costophrenic angle, compatible with effusion.",
            "{Side} sided pleural fluid is present.",
        ),
    ),
    "Aorta": (
        0.14,
        ("The aorta is tortuous.", "Tortuous and ectatic thoracic aorta.", "The aortic knob is prominent."),
    ),
    "Diaphragm": (
        0.12,
        (
            "Elevated right hemidiaphragm.",
            "There is eventration of the right diaphragm.",
            "Stable elevation of the right hemidiaphragm.",
        ),
    ),
    "Density": (
        0.12,
        (
            "There is a vague density in the {side} upper lung.",
            "A round density projects over the {side} apex.",
            "Increased density of the {side} upper lobe.",
        ),
    ),
    "Atherosclerosis": (
        0.12,
        (
            "Atherosclerotic calcification of the aortic arch.",
            "Vascular calcification of the thoracic aorta, atherosclerosis.",
            "Calcified atheromatous plaque along the arch.",
        ),
    ),
    "Deformity": (
        0.11,
        (
            "Old healed {side} rib fracture deformities.",
            "There is a chronic deformity of the {side} ribs.",
            "Posttraumatic deformity of the {side} clavicle and ribs.",
        ),
    ),
    "Airspace Disease": (
        0.11,
        (
            "Focal airspace disease in the {side} lower lobe, concerning for pneumonia.",
            "{Side} basilar airspace consolidation.",
            "Multifocal airspace disease.",
        ),
    ),
    "Catheters, Indwelling": (
        0.11,
        (
            "A {side} central venous catheter is present with its tip in the superior vena cava.",
            "{Side} chest port catheter in stable position.",
            "Dialysis catheter tip near the cavoatrial junction.",
        ),
    ),
    "Scoliosis": (
        0.11,
        (
            "Scoliosis of the thoracic spine.",
            "There is dextroscoliosis.",
            "Mild levoscoliosis and curvature of the spine.",
        ),
    ),
    "Nodule": (
        0.11,
        (
            "There is a pulmonary nodule in the {side} {zone} lobe.",
            "A noncalcified nodule measures {size} mm.",
            "Nodular focus in the {side} {zone} lung, recommend CT.",
        ),
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
    "No acute cardiopulmonary disease.",
    "No acute cardiopulmonary abnormality identified.",
    "Findings as above, clinical correlation recommended.",
    "No evidence of active disease.",
    "Stable chest compared with the prior examination.",
    "Recommend short interval followup radiograph.",
)


@dataclass(frozen=True)
class ChestCase:
    """One patient: what the tables say and what has to be drawn."""

    labels: tuple[int, ...]
    findings: str
    impression: str
    visible: frozenset[str]


def _say(rng: np.random.Generator, finding: str) -> str:
    side, degree = str(rng.choice(("left", "right"))), str(rng.choice(("mild", "moderate", "severe")))
    return str(rng.choice(FINDINGS[finding][1])).format(
        side=side,
        Side=side.capitalize(),
        zone=rng.choice(("upper", "middle", "lower")),
        degree=degree,
        degreely=f"{degree}ly",
        Degree=degree.capitalize(),
        size=rng.integers(4, 20),
    )


def case(rng: np.random.Generator, mentioned: float = MENTIONED, clear: tuple[int, int] = (1, 2)) -> ChestCase:
    """Draw one patient: findings first, then each modality's noisy view of them.

    `clear` is the least and the greatest number of sentences that deny something or say nothing in particular.
    """
    normal = rng.random() < NORMAL_SHARE
    has = {f: not normal and rng.random() < p for f, (p, _) in FINDINGS.items()}
    told = [f for f in FINDINGS if rng.random() < (mentioned if has[f] else FALSE)]
    visible = frozenset(f for f in FINDINGS if rng.random() < (VISIBLE if has[f] else FALSE))
    sentences = [_say(rng, f) for f in told]
    sentences += [str(s) for s in rng.choice(CLEAR, rng.integers(*clear, endpoint=True), replace=False)]
    rng.shuffle(sentences)
    return ChestCase(
        labels=tuple(int(has[f]) for f in LABELS),
        findings=" ".join(sentences),
        impression=str(rng.choice(CLOSING)),
        visible=visible,
    )


def draw(rng: np.random.Generator, patient: ChestCase) -> np.ndarray:
    """The frontal film: uint8 [128, 128, 3]."""
    return chest.draw_film(rng, patient.visible)
