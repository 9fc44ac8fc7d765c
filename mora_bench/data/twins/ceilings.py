"""How much can be known of a twin's labels: exact posteriors of a reader who misses nothing that a modality tells.

Signs and findings are drawn one by one, and each modality tells of each independently (noise.py). So what is known of a
label is a product over findings, and its distribution is computed, not simulated. A network can at best read off all
of this; F1 above the ceiling is luck or a leak.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

from mora_bench.data.readers import cxr as cxr_reader
from mora_bench.data.readers import odir as odir_reader
from mora_bench.data.twins import cxr_patients, odir_patients
from mora_bench.data.twins.noise import telling

#: Width of the cells in which log-odds are counted. Mass between two centers is shared so that its mean is kept.
STEP = 0.004
#: The most that log-odds from other findings can be.
MOST = 200.0


@dataclass(frozen=True)
class Posterior:
    """The distribution of the posterior of one label: `posterior` [K], its probability `mass`, and `true`, the part of
    the mass in which the label is true."""

    posterior: np.ndarray
    mass: np.ndarray
    true: np.ndarray


def _likelihoods(shares: Sequence[float], false: float) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of every combination of telling modalities, if a finding is present, and if absent: two [2^m].

    Args:
        shares: of each modality that is present, the probability that it tells of a finding that is there.
        false: the same of one that is not.
    """
    present, absent = [], []
    for combination in product((True, False), repeat=len(shares)):
        present.append(np.prod([share if yes else 1 - share for share, yes in zip(shares, combination, strict=True)]))
        absent.append(np.prod([false if yes else 1 - false for yes in combination]))
    return np.array(present), np.array(absent)


@lru_cache(maxsize=8)
def odir(text: bool, image: bool) -> tuple[Posterior, ...]:
    """The knowledge of each label of the ODIR twin that keywords and photographs, where present, give."""
    evidence = {}
    for sign, (_, rate, _) in odir_patients.SIGNS.items():
        seen = sign in odir_patients.SEEN
        shares = [telling(not seen, None)] * text + [telling(seen, None)] * image
        present, absent = _likelihoods(shares, odir_patients.FALSE)
        evidence[sign] = rate * present, (1 - rate) * absent
    known = []
    for label in odir_reader.LABELS:
        signs = [s for s, (code, _, _) in odir_patients.SIGNS.items() if code == label] or list(odir_patients.SIGNS)
        none, mass = np.ones(1), np.ones(1)
        for sign in signs:
            present, absent = evidence[sign]
            none = np.multiply.outer(none, absent).ravel()
            mass = np.multiply.outer(mass, present + absent).ravel()
        true = none if label == "N" else mass - none
        known.append(Posterior(true / mass, mass, true))
    return tuple(known)


@lru_cache(maxsize=8)
def cxr(text: bool, image: bool) -> tuple[Posterior, ...]:
    """The knowledge of each label of the CXR twin that report and film, where present, give."""
    return _chest(text, image, False)


@lru_cache(maxsize=8)
def cxr_views(frontal: bool, lateral: bool, report: bool) -> tuple[Posterior, ...]:
    """The same with a lateral film besides."""
    return _chest(report, frontal, lateral)


def _chest(text: bool, frontal: bool, lateral: bool) -> tuple[Posterior, ...]:
    """Whether a patient is normal ties the findings: what is known of the others says how likely that is."""
    evidence = {}
    for finding, (rate, _) in cxr_patients.FINDINGS.items():
        shares = [telling(finding not in cxr_patients.SEEN, None)] * text
        shares += [telling(finding in cxr_patients.SEEN, None)] * frontal
        shares += [telling(finding in cxr_patients.BESIDE, None)] * lateral
        present, absent = _likelihoods(shares, cxr_patients.FALSE)
        chance = cxr_patients.OFTEN * rate
        evidence[finding] = chance * present, (1 - chance) * absent, absent
    ill = 1 - cxr_patients.NORMAL_SHARE
    known = []
    for label in cxr_reader.LABELS:
        odds, mass = _others([likelihoods for finding, likelihoods in evidence.items() if finding != label])
        present, absent, normal = evidence[label]
        # By evidence of the label's own finding, then of the others. `odds`: ill against normal, from the others.
        true = ill * present[:, None] * mass
        total = true + ill * absent[:, None] * mass + (1 - ill) * normal[:, None] * mass / odds
        keep = (mass > 0) & np.ones_like(total, bool)
        known.append(Posterior((true[keep] / total[keep]), total[keep], true[keep]))
    return tuple(known)


def _others(evidence: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """The distribution, among patients who are ill, of P(evidence | ill) / P(evidence | normal): ratios and masses."""
    size = int(MOST / STEP)
    mass = np.zeros(2 * size + 1)
    mass[size] = 1
    for present, absent, normal in evidence:
        before, mass = mass, np.zeros_like(mass)
        for share, ratio in zip(present + absent, np.log((present + absent) / normal) / STEP, strict=True):
            low = int(np.floor(ratio))
            for shift, part in ((low, 1 - (ratio - low)), (low + 1, ratio - low)):
                mass += share * part * np.roll(before, shift)
    used = np.flatnonzero(mass > 1e-15)
    return np.exp((used - size) * STEP), mass[used]
