"""Which ways of training on several devices are refused, and with which reason."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import COMPILED_SOONER, WITH_KERAS_ALONE

from zoo.errors import UsageError
from zoo.training.distribute import check

WORKERS = {"TF_CONFIG": json.dumps({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}})}
PROCESSES = {"KERAS_DISTRIBUTION_NUM_PROCESSES": "2"}


@pytest.mark.parametrize(
    ("strategy", "backend", "environment"),
    [
        (None, "tensorflow", {}),
        (None, "torch", {}),
        ("mirrored", "tensorflow", {}),
        ("mirrored", "tensorflow", {"TF_CONFIG": "not JSON"}),
        ("mirrored", "tensorflow", {"TF_CONFIG": json.dumps({"cluster": {"worker": ["a:1"]}})}),
        ("data-parallel", "jax", {}),
        ("data-parallel", "jax", PROCESSES),
        (None, "jax", WORKERS),
    ],
)
def test_what_trains_is_let_through(strategy: str | None, backend: str, environment: dict[str, str]) -> None:
    check(strategy, backend, environment)


@pytest.mark.parametrize(
    ("strategy", "backend", "environment", "reason"),
    [
        ("multi-worker", "tensorflow", {}, "Keras 3 does not support it on the TensorFlow backend"),
        (None, "tensorflow", WORKERS, "TF_CONFIG names several workers: Keras 3 does not support it"),
        ("mirrored", "tensorflow", WORKERS, "TF_CONFIG names several workers"),
        (
            "data-parallel",
            "tensorflow",
            {},
            "silently distributes nothing; use --strategy mirrored, or --keras-backend jax",
        ),
        ("mirrored", "jax", {}, "it is TensorFlow's; use --strategy data-parallel"),
        ("mirrored", "torch", {}, "it is TensorFlow's"),
        ("data-parallel", "torch", {}, "does not distribute on the Torch backend"),
        ("miror", "tensorflow", {}, "there is no such strategy; use --strategy mirrored"),
        (None, "jax", PROCESSES, "add --keras-backend jax --strategy data-parallel, or unset it"),
        ("mirrored", "tensorflow", PROCESSES, "KERAS_DISTRIBUTION_NUM_PROCESSES is set"),
    ],
)
def test_what_would_not_distribute_is_refused(
    strategy: str | None, backend: str, environment: dict[str, str], reason: str
) -> None:
    with pytest.raises(UsageError) as error:
        check(strategy, backend, environment)
    assert reason in str(error.value)


def test_one_device_and_a_strategy_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="leave --device out"):
        check("mirrored", "tensorflow", {}, device="gpu:1")


def start(strategy: str, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *WITH_KERAS_ALONE, Path(__file__).with_name("distributed.py"), strategy],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def printed(process: subprocess.Popen[str]) -> dict[str, Any]:
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    record: dict[str, Any] = json.loads(output.splitlines()[-1])
    return record


def assert_alike(record: dict[str, Any]) -> None:
    """Two devices did what one does, up to the order of additions."""
    assert len(record["differences"]) == 4
    assert all(difference < 1e-5 for difference in record["differences"])
    assert all(change > 1e-3 for change in record["changes"])


@pytest.mark.real
def test_mirrored_on_two_devices_trains_as_on_one() -> None:
    record = printed(start("mirrored", KERAS_BACKEND="tensorflow"))
    assert (record["devices"], record["processes"]) == (2, 1)
    assert_alike(record)


@pytest.mark.real
def test_data_parallel_over_two_processes_of_two_devices_trains_as_on_one() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables = {
        **COMPILED_SOONER,
        "KERAS_BACKEND": "jax",
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
        "KERAS_DISTRIBUTION_JOB_ADDRESSES": f"127.0.0.1:{port}",
        "KERAS_DISTRIBUTION_NUM_PROCESSES": "2",
    }
    processes = [start("data-parallel", **variables, KERAS_DISTRIBUTION_PROCESS_ID=str(i)) for i in (0, 1)]
    for record in map(printed, processes):
        assert (record["devices"], record["processes"]) == (4, 2)
        assert_alike(record)
