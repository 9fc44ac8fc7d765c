"""Which precisions a device computes in by itself, without emulating them."""

from pathlib import Path

#: Names on Linux of the flags of a processor that multiplies matrices in bf16.
FLAGS = ("avx512_bf16", "amx_bf16")
CPUINFO = Path("/proc/cpuinfo")


def native_bf16(device: str) -> tuple[bool, str]:
    """Whether a device, as torch names it, computes in bf16 by itself; and what says so, in words."""
    if device.startswith("cuda"):
        return _gpu(device)
    if device != "cpu":
        return False, f"nothing says what a device {device} computes in"
    try:
        lines = CPUINFO.read_text().splitlines()
    except OSError:
        return False, "this system does not say what its processor computes in"
    flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), [])
    has = [flag for flag in FLAGS if flag in flags]
    return bool(has), f"the processor has {has[0]}" if has else f"the processor has neither {' nor '.join(FLAGS)}"


def _gpu(device: str) -> tuple[bool, str]:
    import torch

    if not torch.cuda.is_available():
        return False, "there is no GPU here to ask"
    with torch.cuda.device(torch.device(device)):
        name, has = torch.cuda.get_device_name(), torch.cuda.is_bf16_supported(including_emulation=False)
    return has, f"{name} {'computes' if has else 'does not compute'} in it"
