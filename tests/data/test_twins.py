"""The twins: what is drawn and said, pinned; labels follow the findings; noise as documented."""

import hashlib

import numpy as np
import pytest

from mora_bench.data.twins import cxr_patients, noise, odir_patients
from mora_bench.data.twins import tables as twins


@pytest.mark.parametrize("name", ["odir", "cxr"])
def test_texts_and_labels_are_pinned_to_the_version(name):
    """If this fails because the twin was changed on purpose: raise twins.VERSION, then pin the new checksum."""
    table = getattr(twins, name)(range(50))
    digest = hashlib.sha256(
        repr((twins.VERSION, table.modalities["text"].values, table.targets.tolist())).encode()
    ).hexdigest()[:12]
    assert digest == {"odir": "d0e7e6e281ac", "cxr": "c4f847a97ee3"}[name]


@pytest.mark.parametrize(("name", "expected"), [("odir", "a0e3d6d453818172"), ("cxr", "0385a2ac31c43ec4")])
def test_fingerprints_are_what_they_were_before_modalities_had_names(name, expected):
    """Splits and masks are drawn from them. (Found by the code of commit 94bcf05.)"""
    assert getattr(twins, name)(range(50)).fingerprint() == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("odir", [91.64, 71.23, 70.36, 61.08, 58.46, 60.2]), ("cxr", [125.73, 105.36, 120.43])]
)
def test_pictures_are_pinned_to_the_version(name, expected):
    """Mean grey levels: they survive another Pillow's last bits, not another drawing."""
    images = getattr(twins, name)(range(3)).modalities["image"].values
    means = [picture.read().mean() for pictures in images for picture in pictures]
    np.testing.assert_allclose(means, expected, atol=0.3)


def test_a_picture_is_a_function_of_its_index():
    picture = twins.Drawing("odir", 7, 1)
    assert (picture.read() == picture.read()).all()
    assert (picture.read() != twins.Drawing("odir", 8, 1).read()).any()


@pytest.mark.parametrize("module", [odir_patients, cxr_patients])
def test_class_imbalance_is_plausible(module):
    share = np.mean([module.case(np.random.default_rng([9, i])).labels for i in range(1500)], 0)
    assert share.max() < 0.5
    assert share.min() > 0.03
    assert share.max() / share.min() > 2


@pytest.mark.parametrize(
    ("finding", "words", "text_share", "film_share"),
    [("Scoliosis", "scoliosis", noise.OTHER, noise.OWN), ("Nodule", "nodul", noise.OWN, noise.OTHER)],
)
def test_each_modality_tells_as_often_as_documented(finding, words, text_share, film_share):
    cases = [cxr_patients.case(np.random.default_rng([9, i])) for i in range(3000)]
    affected = [patient for patient in cases if patient.labels[cxr_patients.LABELS.index(finding)]]
    assert np.mean([words in p.findings.lower() for p in affected]) == pytest.approx(text_share, abs=0.06)
    assert np.mean([finding in p.visible for p in affected]) == pytest.approx(film_share, abs=0.06)


def test_half_of_the_findings_are_each_modalitys_own():
    assert len(cxr_patients.FINDINGS) == 2 * len(cxr_patients.SEEN)
    assert cxr_patients.SEEN.issubset(cxr_patients.FINDINGS)
    assert odir_patients.SEEN.issubset(odir_patients.SIGNS)
    assert len(odir_patients.SIGNS) // 2 <= len(odir_patients.SEEN) <= len(odir_patients.SIGNS) // 2 + 1


def test_normal_is_the_absence_of_every_other_label():
    for i in range(300):
        labels = odir_patients.case(np.random.default_rng([9, i])).labels
        assert labels[0] == (not any(labels[1:]))
