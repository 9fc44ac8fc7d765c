"""The base of methods that change the blocks that their axes name."""

import re

import pytest

from mora_bench.methods.contract import InBlocks


@pytest.mark.parametrize(
    ("reads", "has"), [({"block": "0"}, "'block'"), ({"rank": 4, "bloks": "0"}, "'rank', 'bloks'"), ({}, "nothing")]
)
def test_a_method_in_blocks_that_reads_no_blocks_is_refused_as_it_is_defined(reads, has):
    message = f"""Typo: reads has {has}, and not 'blocks', which every subclass of InBlocks reads. \
Write reads = {{"blocks": "all"}}, with what else it reads"""
    with pytest.raises(TypeError, match=re.escape(message)):
        type("Typo", (InBlocks,), {"reads": reads})


def test_without_reads_of_its_own_it_reads_blocks():
    assert type("Plain", (InBlocks,), {}).reads == {"blocks": "all"}
