"""`zoo peak`, and what is drawn by it."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from support import Zoo


@pytest.mark.real
def test_peaks_are_measured_once_and_a_model_is_drawn_under_them(zoo: Zoo, tmp_path: Path) -> None:
    home, picture = {"ZOO_HOME": str(tmp_path)}, tmp_path / "toy.svg"
    done = zoo("show", "toy_resnet", "--roofline", str(picture), **home)
    assert done.returncode == 2
    assert done.stderr == "zoo: the peaks of this machine have not been measured; 'zoo peak' does it\n"

    done = zoo("peak", "--seconds", "1", "--json", **home)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("zoo: measuring ")
    found = json.loads(done.stdout)
    speeds = {(one["precision"], one["threads"]): one for one in found["arithmetic"]}
    threads = max(count for _, count in speeds)
    assert speeds["float32", threads]["flops_per_s"] > 1e8
    assert all((one["flops_per_s"] is None) == (one["reason"] is not None) for one in found["arithmetic"])
    assert {one["threads"] for one in found["memory"]} == {threads}
    assert speeds["float32", 1]["reason"] == "the time was over before it was measured; --seconds gives more"

    done = zoo("peak", **home)
    assert done.returncode == 0
    assert done.stderr == ""  # as it was kept
    assert f"measured {found['created_at']}" in done.stdout

    done = zoo("show", "toy_resnet", "--roofline", str(picture), KERAS_BACKEND="jax", **home)
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith(f"roofline         {picture}")
    assert ET.parse(picture).getroot().tag.endswith("svg")
