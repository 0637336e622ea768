"""Which device is meant, and what a processor computes in."""

from __future__ import annotations

import pytest

from zoo.errors import UsageError
from zoo.runtimes import common


@pytest.mark.parametrize(
    ("device", "count", "number"), [("cpu", 0, None), ("cpu", 2, None), ("gpu", 1, 0), ("gpu:0", 1, 0), ("gpu:3", 4, 3)]
)
def test_a_device_that_is_there_is_found(device: str, count: int, number: int | None) -> None:
    assert common.gpu_number(device, count, "JAX") == number


@pytest.mark.parametrize(
    ("device", "count", "line"),
    [
        ("gpu", 0, "JAX finds no GPU here; leave --device out to measure on the CPU"),
        ("gpu:1", 1, "JAX finds one GPU, gpu:0 here, and no gpu:1"),
        ("gpu:4", 2, "JAX finds the GPUs gpu:0 to gpu:1 here, and no gpu:4"),
    ],
)
def test_one_that_is_not_is_a_clear_line(device: str, count: int, line: str) -> None:
    with pytest.raises(UsageError) as error:
        common.gpu_number(device, count, "JAX")
    assert str(error.value) == line


@pytest.mark.parametrize(
    ("flags", "refused"),
    [
        ({"avx2"}, {"bfloat16", "float16"}),
        ({"avx2", "amx_bf16"}, {"float16"}),
        ({"avx512_bf16", "avx512_fp16"}, set()),
        ({"asimd", "bf16", "fphp"}, set()),
        (set(), set()),  # a system that doesn't say
    ],
)
def test_a_type_that_the_processor_does_not_compute_in_is_refused(
    monkeypatch: pytest.MonkeyPatch, flags: set[str], refused: set[str]
) -> None:
    monkeypatch.setattr(common, "_flags", lambda: flags)
    common.check_processor("float32")
    for precision in ("bfloat16", "float16"):
        if precision in refused:
            with pytest.raises(UsageError, match=f"this processor does not compute in {precision}"):
                common.check_processor(precision)
        else:
            common.check_processor(precision)
