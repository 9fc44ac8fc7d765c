"""The settings of transformers' image processors, obeyed or refused by name.

transformers 5 writes one file for all of a processor, processor_config.json, with the pictures' settings under
`image_processor`; where that exists it wins over preprocessor_config.json, as in transformers 5.23
(`ImageProcessingMixin.get_image_processor_dict`).
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mora_bench.errors import UserError

PROCESSOR, PREPROCESSOR = "processor_config.json", "preprocessor_config.json"
#: Where a folder says how pictures are resized before transformers' processor sees them: the longer side at most any
#: multiple of the shorter, which no processor of transformers does. Folders that we shipped once say it.
OWN = "mora_bench"
#: Pillow's filters, as `resample` numbers them.
FILTERS = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")
#: Steps that are obeyed, with their defaults; and those that make no difference, because pictures keep their shape.
STEPS = {"do_resize": True, "do_rescale": True, "do_normalize": True}
HARMLESS = ("do_center_crop", "do_pad", "do_convert_rgb")


def steps(image: Mapping[str, Any], where: Path) -> dict[str, bool]:
    """Which of `STEPS` a processor takes.

    Raises:
        UserError: one is no yes or no, pictures are not resized, or it takes another step.
    """
    flags = {name: value for name, value in image.items() if name.startswith("do_") and name not in HARMLESS}
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise UserError(f"{where}: {name} is {value!r}; expected true or false.")
        if value and name not in STEPS:
            raise UserError(f"{where}: {name} is true, which this program does not do. Expected false.")
    taken = {name: flags.get(name, default) for name, default in STEPS.items()}
    if taken["do_resize"] == (OWN in image):
        raise UserError(
            f"{where}: do_resize is {str(taken['do_resize']).lower()}, "
            + (f"and {OWN} resizes, too: say do_resize false." if OWN in image else "but pictures of any size come in.")
        )
    return taken


def resample(image: Mapping[str, Any], default: str, where: Path) -> str:
    """The name of the filter that pictures are resized with.

    Raises:
        UserError: it is none of Pillow's.
    """
    value = image.get("resample", FILTERS.index(default))
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < len(FILTERS):
        known = ", ".join(f"{number} ({name})" for number, name in enumerate(FILTERS))
        raise UserError(f"{where}: resample is {value!r}; expected one of Pillow's filters: {known}.")
    return FILTERS[value]


def scaled(
    image: Mapping[str, Any], taken: Mapping[str, bool], mean: list[float], std: list[float], where: Path
) -> tuple[list[float], list[float]]:
    """Mean and deviation of values from 0 to 1 that do all that a processor does to values from 0 to 255:
    (value x rescale_factor - mean) / std, where a step that is not taken changes nothing. EfficientNet's processor may
    take 1 from rescaled values (rescale_offset), and may divide by std once more at the end (include_top).

    Raises:
        UserError: rescale_factor is no number above 0, or one of EfficientNet's steps is no yes or no.
    """
    factor = image.get("rescale_factor", 1 / 255)
    if not isinstance(factor, int | float) or isinstance(factor, bool) or not 0 < factor < math.inf:
        raise UserError(f"{where}: rescale_factor is {factor!r}; expected a number above 0.")
    flags, last = _of_efficientnet(image, where), std
    if not taken["do_normalize"]:
        mean, std = [0.0] * 3, [1.0] * 3
    if flags["rescale_offset"] and taken["do_rescale"]:
        mean = [m + 1 for m in mean]
    if flags["include_top"]:
        std = [s * more for s, more in zip(std, last, strict=True)]
    white = 255 * (factor if taken["do_rescale"] else 1)
    # Not divided by 1 with a rounding error.
    return (mean, std) if math.isclose(white, 1) else ([m / white for m in mean], [s / white for s in std])


def _of_efficientnet(image: Mapping[str, Any], where: Path) -> dict[str, bool]:
    """Which of the steps that EfficientNet's processor alone knows are taken."""
    is_its = str(image.get("image_processor_type", "")).startswith("EfficientNet")
    flags = {"rescale_offset": False, "include_top": is_its}
    flags |= {name: image[name] for name in flags if name in image}
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise UserError(f"{where}: {name} is {value!r}; expected true or false.")
    return flags
