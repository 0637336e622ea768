"""Which device is meant, and what a processor computes in."""

from __future__ import annotations

from pathlib import Path

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
        ("gpu", 0, "JAX finds no GPU here; leave --device out, or say --device cpu"),
        ("gpu:1", 1, "JAX finds one GPU, gpu:0 here, and no gpu:1"),
        ("gpu:4", 2, "JAX finds the GPUs gpu:0 to gpu:1 here, and no gpu:4"),
    ],
)
def test_one_that_is_not_is_a_clear_line(device: str, count: int, line: str) -> None:
    with pytest.raises(UsageError) as error:
        common.gpu_number(device, count, "JAX")
    assert str(error.value) == line


@pytest.mark.parametrize(
    ("threads", "variable", "taken"),
    [(None, None, 6), (None, "1", 1), (None, "9", 9), (3, "1", 3), (None, "0", 6), (None, "-1", 6), (None, "all", 6)],
)
def test_a_number_that_was_asked_for_goes_before_a_variable_and_that_before_the_cores(
    monkeypatch: pytest.MonkeyPatch, threads: int | None, variable: str | None, taken: int
) -> None:
    monkeypatch.setattr(common, "schedulable_cores", lambda: 6)
    monkeypatch.delenv("NPROC", raising=False)
    if variable is not None:
        monkeypatch.setenv("NPROC", variable)
    assert common.threads_or_variable(threads, "NPROC") == taken


def test_threads_are_counted_by_their_name(tmp_path: Path) -> None:
    for number, name in enumerate(("python", "pool", "pool", "pooled")):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "comm").write_text(f"{name}\n")
    assert common.count_threads("pool", tmp_path) == 2
    assert common.count_threads("nobody", tmp_path) is None
    assert common.count_threads("pool", tmp_path / "nowhere") is None


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
    with pytest.raises(UsageError, match="tf32 is a precision of NVIDIA GPUs; ask for the device gpu"):
        common.check_processor("tf32")
    for precision in ("bfloat16", "float16"):
        if precision in refused:
            with pytest.raises(UsageError, match=f"this processor does not compute in {precision}"):
                common.check_processor(precision)
        else:
            common.check_processor(precision)


@pytest.mark.parametrize(
    ("precision", "capability", "refused"),
    [
        ("tf32", (7, 5), True),
        ("bfloat16", (7, 0), True),
        ("tf32", (8, 0), False),
        ("bfloat16", (12, 0), False),
        ("float32", (3, 5), False),
        ("float16", (7, 0), False),
        ("tf32", (), False),  # a framework that doesn't say
    ],
)
def test_a_type_that_a_gpu_does_not_compute_in_is_refused(
    precision: str, capability: tuple[int, ...], refused: bool
) -> None:
    if refused:
        with pytest.raises(UsageError, match=f"^{precision} takes compute capability 8.0; this GPU, X, has 7.[05]$"):
            common.check_gpu(precision, capability, "X")
    else:
        common.check_gpu(precision, capability, "X")


@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16"])
def test_xla_computes_only_float32_on_the_processor(precision: str) -> None:
    common.check_xla(precision, "gpu")
    if precision == "float32":
        common.check_xla(precision, "cpu")
    else:
        with pytest.raises(UsageError, match="NVIDIA" if precision == "tf32" else "in float32 on the processor"):
            common.check_xla(precision, "cpu")
