"""Shared by all benchmarks: one thread, and versions and device in every result."""

import pytest
import torch

from mora_bench import provenance

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _where(request):
    if "benchmark" in request.fixturenames:
        info = request.getfixturevalue("benchmark").extra_info
        info |= {"device": provenance.device_name("cpu"), "threads": 1, "versions": provenance.versions()}
