"""The twins: what is drawn and said, pinned; labels follow the findings; noise as documented."""

import hashlib

import numpy as np
import pytest

from mora_bench.data import twins
from mora_bench.data.twins import chests, eyes


@pytest.mark.parametrize("name", ["odir", "cxr"])
def test_texts_and_labels_are_pinned_to_the_version(name):
    """If this fails because the twin was changed on purpose: raise twins.VERSION, then pin the new checksum."""
    table = getattr(twins, name)(50)
    digest = hashlib.sha256(repr((twins.VERSION, table.texts, table.targets.tolist())).encode()).hexdigest()[:12]
    assert digest == {"odir": "572d674c845c", "cxr": "6aad54a01cfc"}[name]


@pytest.mark.parametrize(
    ("name", "expected"), [("odir", [92.3, 67.01, 70.36, 61.08, 58.46, 60.2]), ("cxr", [125.96, 104.19, 117.37])]
)
def test_pictures_are_pinned_to_the_version(name, expected):
    """Mean grey levels: they survive another Pillow's last bits, not another drawing."""
    means = [picture.read().mean() for pictures in getattr(twins, name)(3).pictures for picture in pictures]
    np.testing.assert_allclose(means, expected, atol=0.3)


def test_a_picture_is_a_function_of_its_index():
    picture = twins.Drawing("odir", 7, 1)
    assert (picture.read() == picture.read()).all()
    assert (picture.read() != twins.Drawing("odir", 8, 1).read()).any()


@pytest.mark.parametrize("module", [eyes, chests])
def test_class_imbalance_is_plausible(module):
    share = np.mean([module.case(np.random.default_rng([9, i])).labels for i in range(1500)], 0)
    assert share.max() < 0.5
    assert share.min() > 0.03
    assert share.max() / share.min() > 2


def test_reports_mention_as_often_as_documented():
    told, there = 0, 0
    for i in range(1500):
        patient = chests.case(np.random.default_rng([9, i]))
        if patient.labels[chests.LABELS.index("Scoliosis")]:
            there += 1
            told += "scoliosis" in patient.findings.lower()
    assert told / there == pytest.approx(chests.MENTIONED, abs=0.12)


def test_films_show_as_often_as_documented():
    shown, there = 0, 0
    for i in range(1500):
        patient = chests.case(np.random.default_rng([9, i]))
        if patient.labels[chests.LABELS.index("Nodule")]:
            there += 1
            shown += "Nodule" in patient.visible
    assert shown / there == pytest.approx(chests.VISIBLE, abs=0.1)


def test_normal_is_the_absence_of_every_other_label():
    for i in range(300):
        labels = eyes.case(np.random.default_rng([9, i])).labels
        assert labels[0] == (not any(labels[1:]))
