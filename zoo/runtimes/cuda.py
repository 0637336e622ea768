"""Which CUDA and cuDNN a framework uses on an NVIDIA GPU, as far as it tells. Imports only the framework in use."""

from __future__ import annotations

from zoo import installed
from zoo.runtimes import Cuda

MAJORS = ("", "-cu11", "-cu12", "-cu13")
CUDA = tuple(f"nvidia-cuda-runtime{major}" for major in MAJORS)
CUDNN = tuple(f"nvidia-cudnn{major}" for major in MAJORS)


def distributions() -> dict[str, str]:
    """The installed distributions with CUDA's runtime and cuDNN, and their versions."""
    return installed.versions((*CUDA, *CUDNN))


def of_distributions() -> Cuda:
    """For a framework that tells nothing, but finds these libraries as distributions. None where there are several."""
    found = distributions()
    return Cuda(None, _only(found, CUDA), _only(found, CUDNN))


def of_torch(number: int) -> Cuda:
    """Of PyTorch.

    :param number: of the GPU, as PyTorch counts.
    """
    import torch

    cudnn = torch.backends.cudnn.version()
    uuid = getattr(torch.cuda.get_device_properties(number), "uuid", None)
    return Cuda(
        None if uuid is None else str(uuid),
        torch.version.cuda,
        None if cudnn is None else _cudnn(cudnn),
    )


def of_jax() -> Cuda:
    """Of JAX: the libraries that it has loaded, by functions that it doesn't document; else the distributions."""
    installed_here = of_distributions()
    try:
        from jax._src.lib import cuda_versions

        if cuda_versions is None:
            return installed_here
        cuda, cudnn = cuda_versions.cuda_runtime_get_version(), cuda_versions.cudnn_get_version()
    except (ImportError, AttributeError, RuntimeError):
        return installed_here
    return Cuda(None, f"{cuda // 1000}.{cuda % 1000 // 10}", _cudnn(cudnn))


def _cudnn(number: int) -> str:
    """`91002` is 9.10.2; before cuDNN 9 it was `8902` for 8.9.2."""
    if number >= 10_000:
        return f"{number // 10_000}.{number // 100 % 100}.{number % 100}"
    return f"{number // 1000}.{number // 100 % 10}.{number % 100}"


def _only(found: dict[str, str], names: tuple[str, ...]) -> str | None:
    versions = [found[name] for name in names if name in found]
    return versions[0] if len(versions) == 1 else None
