"""Which CUDA and cuDNN a framework uses. No GPU: what frameworks tell is pretended under their own names."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest

from zoo.runtimes import Cuda, cuda


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({}, Cuda(None, None, None)),
        (
            {"nvidia-cuda-runtime-cu12": "12.8.90", "nvidia-cudnn-cu12": "9.10.2.21"},
            Cuda(None, "12.8.90", "9.10.2.21"),
        ),
        (
            {"nvidia-cuda-runtime-cu12": "12.8.90", "nvidia-cuda-runtime": "13.0.1", "nvidia-cudnn-cu13": "9.13"},
            Cuda(None, None, "9.13"),
        ),
    ],
)
def test_packages_tell_the_version_where_only_one_is_installed(
    monkeypatch: pytest.MonkeyPatch, found: dict[str, str], expected: Cuda
) -> None:
    monkeypatch.setattr(cuda, "distributions", lambda: found)
    assert cuda.of_distributions() == expected


def pretended_torch(version: int | None, **properties: object) -> ModuleType:
    torch = ModuleType("torch")
    torch.version = SimpleNamespace(cuda="12.8")
    torch.backends = SimpleNamespace(cudnn=SimpleNamespace(version=lambda: version))
    torch.cuda = SimpleNamespace(get_device_properties=lambda number: SimpleNamespace(number=number, **properties))
    return torch


@pytest.mark.parametrize(
    ("number", "text"), [(91002, "9.10.2"), (90100, "9.1.0"), (8902, "8.9.2"), (8005, "8.0.5"), (None, None)]
)
def test_torch_tells_versions_and_the_identity(
    monkeypatch: pytest.MonkeyPatch, number: int | None, text: str | None
) -> None:
    monkeypatch.setitem(sys.modules, "torch", pretended_torch(number, uuid="0a"))
    assert cuda.of_torch(0) == Cuda("0a", "12.8", text)


def test_an_older_torch_does_not_tell_the_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", pretended_torch(91002))
    assert cuda.of_torch(0).uuid is None


def refuse() -> int:
    raise RuntimeError("cuDNN not found")


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        (
            SimpleNamespace(cuda_runtime_get_version=lambda: 12_080, cudnn_get_version=lambda: 91_002),
            Cuda(None, "12.8", "9.10.2"),
        ),
        (SimpleNamespace(cuda_runtime_get_version=lambda: 12_080, cudnn_get_version=refuse), "packages"),
        (SimpleNamespace(), "packages"),
        (None, "packages"),
    ],
)
def test_jax_tells_what_it_has_loaded_or_else_the_packages_do(
    monkeypatch: pytest.MonkeyPatch, versions: object, expected: Cuda | str
) -> None:
    lib = ModuleType("jax._src.lib")
    lib.cuda_versions = versions
    for name in ("jax", "jax._src"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "jax._src.lib", lib)
    packages = Cuda(None, "12.8.90", None)
    monkeypatch.setattr(cuda, "of_distributions", lambda: packages)
    assert cuda.of_jax() == (packages if expected == "packages" else expected)
