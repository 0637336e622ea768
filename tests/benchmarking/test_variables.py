"""Which variables of the environment a Result states, and that none of them names its owner."""

from __future__ import annotations

import pytest

from zoo.benchmarking.environment import THREADS, variables_set


@pytest.mark.parametrize(
    "name",
    [
        *THREADS,
        "KMP_AFFINITY",
        "ONEDNN_DEFAULT_FPMATH_MODE",
        "XLA_FLAGS",
        "TF_ENABLE_ONEDNN_OPTS",
        "NVIDIA_TF32_OVERRIDE",
        "JAX_ENABLE_X64",
        "MALLOC_ARENA_MAX",
        "CUDA_VISIBLE_DEVICES",
    ],
)
def test_what_changes_what_computes_is_stated(name: str) -> None:
    assert variables_set({name: "1", "HOME": "/home/ada"}) == {name: "1"}


@pytest.mark.parametrize(
    "name", ["PATH", "USER", "TF_CPP_MIN_LOG_LEVEL", "KERAS_BACKEND", "MY_OMP_NUM_THREADS", "ZOO_HOME"]
)
def test_other_variables_are_not(name: str) -> None:
    assert variables_set({name: "1"}) == {}


def test_an_empty_one_is_none() -> None:
    assert variables_set({"OMP_NUM_THREADS": ""}) == {}


@pytest.mark.parametrize(
    "value", ["/home/ada/lib/libjemalloc.so", "--xla_dump_to=/home/ada", "~ada", "x" * 201, "a\nb"]
)
def test_a_value_that_may_name_its_owner_is_told_by_its_digest(value: str) -> None:
    [told] = variables_set({"LD_PRELOAD": value}).values()
    assert told.startswith("sha256:")
    assert len(told) == 23
    assert told == variables_set({"LD_PRELOAD": value})["LD_PRELOAD"]
    assert told != variables_set({"LD_PRELOAD": f"{value}/"})["LD_PRELOAD"]


@pytest.mark.parametrize(
    "value", ["4", "granularity=fine,compact,1,0", "--xla_cpu_multi_thread_eigen=false", "{0:4},{4:4}"]
)
def test_a_plain_value_is_told(value: str) -> None:
    assert variables_set({"KMP_AFFINITY": value}) == {"KMP_AFFINITY": value}
