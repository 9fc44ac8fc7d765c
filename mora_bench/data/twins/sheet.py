"""A twin as one picture, for people to look at."""

import textwrap

from PIL import Image, ImageDraw

from mora_bench.data.twins import tables as twins

#: Pixels along a picture's side.
_SIDE = 150


def sheet(name: str, samples: int) -> Image.Image:
    """The first `samples` patients as one picture: pictures, text and labels of each."""
    table = (twins.odir if name == "odir" else twins.cxr)(range(samples))
    wide = max(map(len, table.modalities["image"].values)) * _SIDE
    columns = max(min(1280 // (wide + 8), samples), 1)
    lines = 9 if name == "cxr" else 5
    height = _SIDE + 15 * lines
    page = Image.new("RGB", (columns * (wide + 8), -(-samples // columns) * height), "white")
    pen = ImageDraw.Draw(page)
    images, texts = table.modalities["image"].values, table.modalities["text"].values
    for i, (pictures, text) in enumerate(zip(images, texts, strict=True)):
        x, y = (i % columns) * (wide + 8), (i // columns) * height
        for k, picture in enumerate(filter(None, pictures)):
            page.paste(Image.fromarray(picture.read()).resize((_SIDE, _SIDE)), (x + k * _SIDE, y))
        labels = ", ".join(label for label, yes in zip(table.labels, table.targets[i], strict=True) if yes)
        wrapped = textwrap.wrap(f"[{labels or 'none'}] {text}", wide // 6)[:lines]
        pen.multiline_text((x, y + _SIDE + 2), "\n".join(wrapped), fill="black", spacing=3)
    return page
