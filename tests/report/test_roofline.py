"""The picture of a model under its roofs."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from zoo.benchmarking.peak import Arithmetic, LeftOut, Memory, Peaks
from zoo.errors import UsageError
from zoo.report import peaks as report
from zoo.report.roofline import draw

SVG = "{http://www.w3.org/2000/svg}"
PEAKS = Peaks(
    fingerprint="0123456789abcdef",
    device="cpu",
    created_at="2026-11-23T12:00:00+00:00",
    seconds=12.5,
    load_at_start=0.1,
    arithmetic=(
        Arithmetic(precision="float32", threads=2, flops_per_s=2e11, by="numpy 2.0", size=1024),
        Arithmetic(precision="int8", threads=2, flops_per_s=None, reason="no library has it"),
    ),
    memory=(
        Memory(working_set_bytes=2**20, threads=2, bytes_per_s=9e10, by="copy, numpy 2.0"),
        Memory(working_set_bytes=2**30, threads=2, bytes_per_s=1e10, by="read, numpy 2.0"),
    ),
)


def layer(name: str, macs: int, shape: list[int], inputs: list[str], parameters: int) -> dict[str, Any]:
    of_it = {"name": name, "type": "Layer", "macs": macs, "output_shape": shape, "inputs": inputs}
    return {**of_it, "parameters": parameters, "trainable_parameters": parameters}


LAYERS = [
    layer("image", 0, [8, 8, 3], [], 0),
    layer("a<b", 8 * 8 * 27 * 16, [8, 8, 16], ["image"], 448),
    layer("dense", 10_240, [10], ["a<b"], 10_250),
]


def test_each_layer_that_multiplies_is_a_disc_in_each_panel() -> None:
    root = ET.fromstring(draw({"name": "toy", "layers": LAYERS}, PEAKS, threads=2))
    titles = [title.text for title in root.iter(f"{SVG}title")]
    assert titles[0] == "toy: float32 on 2 threads"
    assert len([title for title in titles[1:] if str(title).startswith("a<b: 73.0 % of the FLOPs")]) == 2
    assert len([title for title in titles[1:] if str(title).startswith("dense")]) == 2
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for circle in root.iter(f"{SVG}circle"):
        assert -1 <= float(circle.attrib["cx"]) <= width
        assert -1 <= float(circle.attrib["cy"]) <= height


@pytest.mark.parametrize(
    ("layers", "threads", "line"),
    [
        (LAYERS, 1, "no peak of float32 on 1 thread was measured"),
        (LAYERS[:1], 2, "toy has no layer that is known to multiply"),
    ],
)
def test_without_a_roof_or_a_layer_there_is_no_picture(layers: list[dict[str, Any]], threads: int, line: str) -> None:
    with pytest.raises(UsageError, match=line):
        draw({"name": "toy", "layers": layers}, PEAKS, threads=threads)


def test_tables_of_peaks() -> None:
    assert report.arithmetic(PEAKS, "tsv").splitlines() == [
        "matrix product  \t  threads\t       peak\tby       \t         size",
        "float32         \t        2\t200 GFLOP/s\tnumpy 2.0\t1,024 × 1,024",
        "int8            \t        2\t          –\t–        \t            –",
    ]
    assert report.memory(PEAKS, "tsv").splitlines()[1:] == [
        "1 MiB   \t        2\t90.0 GB/s\tcopy, numpy 2.0",
        "1.00 GiB\t        2\t10.0 GB/s\tread, numpy 2.0",
    ]
    late = (
        LeftOut(what="jax", threads=2),
        LeftOut(what="memory", threads=1),
        LeftOut(what="torch", threads=2, precision="int8"),
    )
    assert report.notes(dataclasses.replace(PEAKS, left_out=late))[1] == (
        "! the time was over before these were measured: jax, 2 threads; memory, 1 thread; torch int8, 2 threads; "
        "'zoo peak --again' with more --seconds"
    )
    busy = dataclasses.replace(PEAKS, load_at_start=1.7)
    assert "! the machine was busy (load 1.7): 'zoo peak --again' once it is not" in report.notes(busy)
    assert report.notes(PEAKS) == [
        "! int8, 2 threads: no library has it",
        "environment 0123456789abcdef, measured 2026-11-23T12:00:00+00:00 in 12 s",
    ]
