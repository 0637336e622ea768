"""Which ways of training on several devices are refused, and with which reason."""

from __future__ import annotations

import json

import pytest

from zoo.errors import UsageError
from zoo.train.distribute import check

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
