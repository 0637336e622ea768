"""zoo: a plugin-based zoo of small image models, with a benchmark suite whose numbers can be trusted.

What a plugin needs: `hookimpl` and the specs. What a program or a notebook needs: the functions, each of which is
also a command. Importing this package imports nothing else: each name is imported when it is first used.
"""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False  # as type checkers read it; to import it from typing takes as long as to start Python
if TYPE_CHECKING:
    from zoo.api import build, datasets, describe, models
    from zoo.benchmarking.peak import peak
    from zoo.data.api import fetch
    from zoo.errors import ZooError
    from zoo.exporting.api import export
    from zoo.hookspecs import hookimpl
    from zoo.predicting.api import predict
    from zoo.record.result import Result
    from zoo.results.api import recommend
    from zoo.results.bench import bench
    from zoo.specs import (
        DatasetSpec,
        ExecutorSpec,
        ExporterSpec,
        FetchSpec,
        ModelSpec,
        Recipe,
        RemoteFile,
        RuntimeSpec,
        WeightsSpec,
    )
    from zoo.training.api import train, train_seeds

__all__ = [
    "DatasetSpec",
    "ExecutorSpec",
    "ExporterSpec",
    "FetchSpec",
    "ModelSpec",
    "Recipe",
    "RemoteFile",
    "Result",
    "RuntimeSpec",
    "WeightsSpec",
    "ZooError",
    "__version__",
    "bench",
    "build",
    "datasets",
    "describe",
    "export",
    "fetch",
    "hookimpl",
    "models",
    "peak",
    "predict",
    "recommend",
    "train",
    "train_seeds",
]

_LAZY = {
    "DatasetSpec": "zoo.specs",
    "ExecutorSpec": "zoo.specs",
    "ExporterSpec": "zoo.specs",
    "FetchSpec": "zoo.specs",
    "ModelSpec": "zoo.specs",
    "Recipe": "zoo.specs",
    "RemoteFile": "zoo.specs",
    "Result": "zoo.record.result",
    "RuntimeSpec": "zoo.specs",
    "WeightsSpec": "zoo.specs",
    "ZooError": "zoo.errors",
    "bench": "zoo.results.bench",
    "build": "zoo.api",
    "datasets": "zoo.api",
    "describe": "zoo.api",
    "export": "zoo.exporting.api",
    "fetch": "zoo.data.api",
    "hookimpl": "zoo.hookspecs",
    "models": "zoo.api",
    "peak": "zoo.benchmarking.peak",
    "predict": "zoo.predicting.api",
    "recommend": "zoo.results.api",
    "train": "zoo.training.api",
    "train_seeds": "zoo.training.api",
}


def __getattr__(name: str) -> object:
    """Import what is there to be used when it is first used (PEP 562)."""
    if name in _LAZY:
        import importlib

        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'zoo' has no attribute {name!r}")


def __dir__() -> list[str]:
    """What there is, imported or not."""
    return [*globals(), *(name for name in __all__ if name not in globals())]
