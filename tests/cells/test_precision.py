"""What a device computes in by itself."""

import pytest

from mora_bench.cells import precision
from mora_bench.cells.precision import native_bf16


@pytest.mark.parametrize(
    ("flags", "native", "why"),
    [
        ("fpu avx512f avx512_bf16 amx_bf16", True, "the processor has avx512_bf16"),
        ("fpu amx_bf16 amx_tile", True, "the processor has amx_bf16"),
        ("fpu avx2 avx512f avx512_bf16x", False, "the processor has neither avx512_bf16 nor amx_bf16"),
        ("", False, "the processor has neither avx512_bf16 nor amx_bf16"),
    ],
)
def test_a_processor_computes_in_bf16_if_its_flags_say_so(tmp_path, monkeypatch, flags, native, why):
    file = tmp_path / "cpuinfo"
    file.write_text(f"processor\t: 0\nmodel name\t: Toy avx512_bf16\nflags\t\t: {flags}\nbugs\t\t: none\n")
    monkeypatch.setattr(precision, "CPUINFO", file)
    assert native_bf16("cpu") == (native, why)


def test_where_nothing_says_what_a_device_computes_in_it_does_not(tmp_path, monkeypatch):
    monkeypatch.setattr(precision, "CPUINFO", tmp_path / "none")
    assert native_bf16("cpu") == (False, "this system does not say what its processor computes in")
    assert native_bf16("mps") == (False, "nothing says what a device mps computes in")


@pytest.mark.parametrize("has", [True, False])
def test_a_gpu_is_asked_without_emulation(monkeypatch, has):
    torch = pytest.importorskip("torch")
    asked = []

    class At:
        def __init__(self, device):
            asked.append(str(device))

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device", At)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Toy GPU")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has or including_emulation)
    assert native_bf16("cuda:1") == (has, f"Toy GPU {'computes' if has else 'does not compute'} in it")
    assert asked == ["cuda:1"]


def test_without_a_gpu_here_nobody_can_be_asked(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert native_bf16("cuda") == (False, "there is no GPU here to ask")
