"""Texts without the words that name a label."""

import numpy as np
import pytest

from mora_bench import registry
from mora_bench.data import datasets
from mora_bench.data.readers.redacted import NOTHING, OF_CXR, OF_ODIR, without


def test_words_that_name_a_label_go_and_others_stay():
    text = "Left_text:Cataract, laser spotRight_text:dry age-related macular degeneration"
    assert without(text, OF_ODIR) == "Left_text: , laser spotRight_text:"
    # The marker of the right eye stays though no blank stands before it.
    assert without("Left_text:normal fundusRight_text:drusen", OF_ODIR) == "Left_text: Right_text:drusen"
    assert without("Bibasilar atelectasis. Low volumes.", OF_CXR) == "Bibasilar . Low volumes."
    assert without("Scoliosis", OF_CXR) == NOTHING


@pytest.mark.parametrize("name", ["odir", "cxr"])
def test_only_the_texts_differ(name):
    original, redacted = datasets.load(name, None), datasets.load(f"{name}-redacted", None)
    assert redacted.name == f"{name}-redacted"
    assert np.array_equal(original.targets, redacted.targets)
    assert np.array_equal(original.present, redacted.present)
    assert original.modalities["image"] == redacted.modalities["image"]
    assert original.modalities["text"] != redacted.modalities["text"]
    assert original.fingerprint() != redacted.fingerprint()


def test_the_redacted_datasets_can_draw_test_samples_apart():
    dataset = registry.get(registry.DATASETS, "cxr-redacted")
    assert len(dataset.more(range(1000, 1003))) == 3
    assert dataset.known is None
