"""What the tests share: the type of the fixture that runs the command, and a factory of Results."""

from __future__ import annotations

import datetime
import subprocess
from typing import Any, Protocol

from zoo.bench.scenario import Scenario
from zoo.results.schema import MEASURES, Result


class Zoo(Protocol):
    """Runs the installed command as a user does."""

    def __call__(self, *arguments: str, timeout: float = 300, **variables: str) -> subprocess.CompletedProcess[str]: ...


def make_result(number: int = 0, *, fingerprint: str = "0123456789abcdef", **changes: Any) -> Result:
    """A small Result, the same for the same arguments: each number is an hour after the one before.

    :param changes: fields of the Result; those of the scenario are taken for the scenario's.
    """
    created = datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC) + datetime.timedelta(hours=number)
    names = ("model", "dataset", "runtime", "device", "precision", "batch_size", "threads", "mode")
    scenario = {name: changes.pop(name) for name in names if name in changes}
    samples = [0.001 * (1 + (number * 7 + i) % 10) for i in range(8)]
    ok = changes.get("outcome", "ok") == "ok"
    measures = {
        **dict.fromkeys(MEASURES),
        "parameters": 223_242,
        "macs": 28_997_504,
        "latency_s": sorted(samples)[4],
        "images_per_second": len(samples) / sum(samples),
        "accuracy": {"value": 0.9, "low": 0.88, "high": 0.92, "images": 360},
    }
    fields = {
        "id": f"{created:%Y%m%dT%H%M%S}-{number:08x}",
        "created_at": created.isoformat(timespec="seconds"),
        "outcome": "ok",
        "scenario": Scenario(**{"model": "toy_resnet", "dataset": "digits", **scenario}).to_json(),
        "environment": {
            "processor": {"model": "A processor", "architecture": "x86_64", "usable_cores": 2, "memory_bytes": 2**33},
            "accelerators": [],
            "os": {"system": "Linux", "release": "6.1"},
            "python": "CPython 3.11.7",
            "packages": {"keras": "3.12.0"},
            "fingerprint": fingerprint,
            "device": "cpu",
            "threads": 2,
        },
        "measures": measures if ok else dict.fromkeys(MEASURES),
        "reasons": {"peak_device_bytes": "no counter"},
        "plugin": {"distribution": "zoo-toy-resnet", "version": "0.1.0"},
        "zoo_version": "0.1.0",
        "failure": None if ok else {"phase": "build", "type": "E", "message": "no", "exit_code": 1, "log": None},
        "stats": {
            "latency_s": {"n": len(samples), "median": sorted(samples)[4], "p90": None},
            "images_per_second": {"value": 200.0, "low": 190.0, "high": 210.0},
        }
        if ok
        else {},
        "samples": [{"latency_s": samples, "iterations": 3, "memory": {"peak_bytes": 700_000_000}}] if ok else [],
        "weights": None,
    }
    return Result(**{**fields, **changes})
