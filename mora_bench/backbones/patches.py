"""Tokens of pictures of any size and number."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from mora_bench.backbones.tokens import Part
from mora_bench.data.modalities.bag import BagInputs
from mora_bench.data.modalities.image import ImageInputs


def placed(x: Tensor, grid: Tensor, table: Tensor, mode: str, align_corners: bool) -> tuple[Tensor, Tensor]:
    """Add to every patch its position's embedding, interpolated once per picture size.

    Args:
        x: embedded patches [B, D, H, W]; smaller pictures lie in the upper left corner.
        grid: int64 [B, 2] on the CPU, rows and columns of patches of each picture.
        table: [S * S, D], embeddings of the positions of a square picture.
        mode, align_corners: of `torch.nn.functional.interpolate`.

    Returns:
        Tokens [B, H * W, D], row after row, and their mask, bool [B, H * W].
    """
    rows, columns = x.shape[2:]
    side = round(len(table) ** 0.5)
    plane = table.T.unflatten(1, (side, side))[None]
    position = torch.zeros_like(x)
    mask = torch.zeros(len(x), rows, columns, dtype=torch.bool, device=x.device)
    # Sizes are on the CPU, so nothing waits for a device here.
    sizes = [tuple(size) for size in grid.tolist()]
    for h, w in sorted(set(sizes)):
        members = torch.tensor([row for row, size in enumerate(sizes) if size == (h, w)], device=x.device)
        fitted = F.interpolate(plane, size=(h, w), mode=mode, align_corners=align_corners)
        position = position.index_add(
            0, members, F.pad(fitted, (0, columns - w, 0, rows - h)).expand(len(members), -1, -1, -1).to(x)
        )
        mask[members, :h, :w] = True
    return (x + position).flatten(2).transpose(1, 2), mask.flatten(1)


def each_picture(embed: Callable[[ImageInputs], Part], inputs: ImageInputs | BagInputs) -> Part:
    """Embed an image, or every picture of a bag; the tokens of a bag's pictures follow each other.

    Args:
        embed: makes the tokens of single pictures, [B, T, D].
    """
    if isinstance(inputs, ImageInputs):
        return embed(inputs)
    shape, grid = inputs.grid.shape[:2], inputs.grid.flatten(0, 1)
    # The grid is on the CPU, so nothing waits for a device here.
    filled = [i for i, (rows, columns) in enumerate(grid.tolist()) if rows * columns]
    at = torch.tensor(filled, device=inputs.pixels.device)
    part = embed(ImageInputs(inputs.pixels.flatten(0, 1).index_select(0, at), grid[filled]))
    x = part.x.new_zeros(len(grid), *part.x.shape[1:]).index_copy(0, at, part.x)
    mask = part.mask.new_zeros(len(grid), part.mask.shape[1]).index_copy(0, at, part.mask)
    return Part(x.unflatten(0, shape).flatten(1, 2), mask.unflatten(0, shape).flatten(1))
