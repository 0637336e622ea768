"""The page that lies beside an exported model, and the ten lines that run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def readme(record: Mapping[str, Any], snippet: str) -> str:
    """The page for what `parity.json` records.

    :param snippet: the runtime's lines from `images` to `logits`.
    """
    height, width, channels = record["input_shape"]
    batch, versions, parity = record["batch_size"], record["versions"], record["parity"]
    install = " ".join(["numpy", *(f"{name}=={versions[name]}" for name in record["requires"])])
    colours = {1: "grey", 3: "RGB"}.get(channels, f"{channels} channels")
    return f"""\
# {record["model"]} for {record["dataset"]}: {record["runtime"]}, {record["precision"]}, batch {batch}

Written by `zoo export`. The model takes {batch} image{"s" if batch > 1 else ""} at a time, float32 \
({batch}, {height}, {width}, {channels}), and gives a row of logits for each: {_classes(record["classes"])}.

    pip install {install}

```python
{lines(record, snippet)}
```

An image is {height} × {width}, {colours}, height by width by channels; others are brought to that size bilinearly. The
values, 0 to 255, are divided by 255, then normalised by the mean {_values(record["mean"])} and the standard deviation \
{_values(record["std"])}.

`example.npz` holds the first images of the test split, 8 bits a channel, and the logits that Keras gives for them in
float32. `parity.json` says how far this file's logits are from those of Keras over {parity["images"]:,} test images, in
standard deviations of the logits: at most {parity["max_difference"]:.2g}, on average \
{parity["mean_difference"]:.2g}; the class is the same for {parity["equal_top1"]:.2%}. Versions and digests are there
too.
"""


def lines(record: Mapping[str, Any], snippet: str) -> str:
    """The program: example images in, the largest difference from Keras out."""
    imports, _, code = snippet.strip().partition("\n\n")
    return "\n".join(
        [
            "import numpy as np",
            imports,
            "",
            'example = np.load("example.npz")',
            f'images = ((example["images"] / 255 - {_values(record["mean"])}) / {_values(record["std"])})'
            ".astype(np.float32)",
            code,
            'print(logits.argmax(axis=1), abs(logits - example["logits"]).max())',
        ]
    )


def _values(values: Sequence[float]) -> str:
    """One number where all channels share it."""
    return str(values[0]) if len(values) == 1 else str(list(values))


def _classes(classes: int | Sequence[str]) -> str:
    if isinstance(classes, int):
        return f"{classes} classes"
    if len(classes) > 20:
        return f"{len(classes)} classes, named in `parity.json`"
    return ", ".join(f"{number} {name}" for number, name in enumerate(classes))
