"""Importing a plugin of the zoo's own that brings a runtime imports nothing heavy, and what it declares is sound."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from zoo import registry

HEAVY = ("tensorflow", "keras", "numpy", "onnx", "onnxruntime", "openvino", "ai_edge_litert", "nncf")


@pytest.mark.parametrize("name", ["onnxruntime", "openvino", "litert"])
def test_a_runtime_is_declared_without_importing_its_library(name: str) -> None:
    if importlib.util.find_spec(f"zoo_{name}") is None:
        pytest.skip("its plugin is not installed")
    script = f"import sys, zoo_{name}; sys.exit(str([m for m in {HEAVY} if m in sys.modules] or ''))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr.strip() == ""
    entry = registry.load().runtimes[name]
    assert entry.plugin.distribution == f"zoo-{name}"
    assert entry.spec.exports
    assert "float32" in entry.spec.precisions
