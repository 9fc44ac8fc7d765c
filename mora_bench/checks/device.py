"""The rules that nothing is left on the CPU, tried on a GPU that is not there.

Under torch's `FakeTensorMode` tensors have a device and no values, so that a mixture of devices shows on any machine.
The GPU is called "meta", because a CPU build of torch cannot even slice what is called "cuda".
"""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from mora_bench.checks.rules import BrokenRule
from mora_bench.checks.subject import Subject
from mora_bench.training.unsteady import owner

GPU = torch.device("meta")
#: How torch says, without and with values, that tensors of two devices met.
MIXED = ("found two different devices", "to be on the same device")
TORCH = str(Path(torch.__file__).parent)


def device(subject: Subject) -> None:
    """On a GPU it leaves nothing on the CPU. Not tried is what asks for values, as `.item()` and `nonzero` do."""
    model = subject.unfitted().to(GPU)
    # Made before, because what decides shapes has values and stays on the CPU, as on a GPU.
    batch = subject.all_of_training.to(GPU)
    with on_one_device(owner(model)):
        subject.fit(model, batch, GPU)
        for training in (False, True):
            logits = model.train(training)(batch)
        logits.pow(2).sum().add(model.method.penalty()).backward()


@contextmanager
def on_one_device(who: str) -> Iterator[None]:
    """What is computed here has no values, and must not mix devices. What asks for values ends it.

    Raises:
        BrokenRule: it did; `who` says whose work it was.
    """
    try:
        with no_values():
            yield
    except Exception as error:
        # What runs on the CPU, and fails here otherwise, fails for want of values.
        if any(words in str(error) for words in MIXED):
            raise BrokenRule(
                f"on a GPU {who} would mix devices{_place(error)}: {str(error).splitlines()[0]}. Make a tensor where "
                "what is given is, as torch.zeros(n, device=x.device), and keep those of __init__ by register_buffer"
            ) from error


@contextmanager
def no_values() -> Iterator[None]:
    """Tensors have a device and a shape, and no values, but for those that there were before."""
    with FakeTensorMode(allow_non_fake_inputs=True):
        yield


def _place(error: Exception) -> str:
    """The last line outside torch that the error passed."""
    outside = [at for at in traceback.extract_tb(error.__traceback__) if not at.filename.startswith(TORCH)]
    return f" ({outside[-1].filename}, line {outside[-1].lineno})" if outside else ""
