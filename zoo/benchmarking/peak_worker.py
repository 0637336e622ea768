"""Matrix products and ways through memory, timed. Runs in a worker, one library in a process."""

from __future__ import annotations

import importlib.metadata
import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from zoo.benchmarking.peak import TOOK_TOO_LONG
from zoo.errors import UsageError
from zoo.runtimes.torch import pin
from zoo.runtimes.torch_cuda_graph import captured

Array = np.ndarray[Any, Any]

LEAST_S, MOST_S, LEAST_COUNT = 0.15, 0.5, 3  # of repetitions, of which the fastest counts
# Largest error of a product's first row, in parts of its largest element: each would show that another type was used.
TOLERANCE = {"float32": 1e-5, "tf32": 4e-3, "bfloat16": 2e-2, "float16": 4e-3, "int8": 1e-5}
COLUMNS = 512  # of the first row, which are checked
DRAWN_ROWS = 1024  # rows of random numbers; a larger matrix repeats them, since drawing takes longer than multiplying

MIB = 2**20
WORKING_SETS = (1 * MIB, 8 * MIB, 64 * MIB)
BEYOND = 4  # times the last cache, as STREAM asks for
UNKNOWN_CACHE = 256 * MIB
SHARE_OF_MEMORY = 0.5
GPU_WORKING_SETS = (16 * MIB, 64 * MIB, 1024 * MIB)  # the first fits into the second-level cache of recent GPUs
GPU_PASSES = 50  # in one CUDA graph: to start a copy by itself may take longer than the copy
A_WHILE = 128 * MIB  # to go through before the clock is read


@dataclass(frozen=True)
class Sizes:
    """Which square matrices are multiplied.

    Attributes:
        first, last: rows; doubled from the one to the other …
        long_enough_s: … until a product takes as long, which leaves starting it behind.
        calls: started one after the other and waited for together.
    """

    first: int
    last: int
    long_enough_s: float
    calls: int


SIZES = {"cpu": Sizes(512, 8192, 0.05, 1), "gpu": Sizes(2048, 16_384, 0.005, 10)}


class NotOffered(Exception):  # noqa: N818 - not an error: a library need not have it
    """Why a library has no such product."""


@dataclass(frozen=True)
class Product:
    """A matrix product that can be started, waited for, and looked at: `fetch` gives its first row."""

    run: Callable[[], Any]
    wait: Callable[[Any], None]
    fetch: Callable[[Any], Array]


Multiply = Callable[[str, Array, Array], Product]  # of two matrices in a precision; raises NotOffered


def products(job: Mapping[str, Any], report: Callable[..., None]) -> dict[str, Any]:
    """By precision, the fastest product of `job["library"]`: `flops_per_s`, `by`, `size` and `reason`.

    After `job["seconds"]` no further precision is begun.
    """
    over = time.monotonic() + job["seconds"]
    threads, on_gpu = job["threads"], job["device"] == "gpu"
    _pin(threads)
    multiply = LIBRARIES[job["library"]](threads, on_gpu)
    by = f"{job['library']} {importlib.metadata.version(job['library'])}"
    found = {}
    for precision in job["precisions"]:
        report("phase", name=precision)
        speed = size = reason = None
        try:
            if time.monotonic() >= over:
                raise NotOffered(f"{job['library']} {TOOK_TOO_LONG} with other precisions")
            speed, size = _fastest(multiply, precision, SIZES[job["device"]])
        except NotOffered as why:
            reason = str(why)
        except Exception as error:
            reason = f"{job['library']}: {str(error).strip().partition(chr(10))[0][:120]}"
        found[precision] = {"flops_per_s": speed, "by": by if speed else None, "size": size, "reason": reason}
    return found


def _pin(threads: int | None) -> None:
    """Have no more processors than threads: a library that can't be told its number then has no more either."""
    if threads is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def _fastest(multiply: Multiply, precision: str, sizes: Sizes) -> tuple[float, int]:
    """The best speed, in FLOP/s, over growing sizes, and the size.

    Where a larger size can't be multiplied, for want of memory, the smaller ones count.
    """
    best, best_size, size = 0.0, sizes.first, sizes.first
    while True:
        try:
            seconds = _seconds(multiply, precision, size, sizes.calls)
        except Exception:
            if not best:
                raise
            return best, best_size
        if 2 * size**3 / seconds > best:
            best, best_size = 2 * size**3 / seconds, size
        if seconds >= sizes.long_enough_s or size >= sizes.last:
            return best, best_size
        size *= 2


def _seconds(multiply: Multiply, precision: str, size: int, calls: int) -> float:
    """Of one product, which is checked first."""
    a, b = _matrices(precision == "int8", size)
    product = multiply(precision, a, b)
    _check(precision, a, b, product)
    return _least_seconds(product, calls)


@lru_cache(maxsize=4)  # several precisions multiply the same
def _matrices(whole: bool, size: int) -> tuple[Array, Array]:
    """Two square matrices of random numbers: whole ones, as int8; else float32, in [-1, 1).

    Zeros would be multiplied faster: a circuit that doesn't switch takes less power.
    """
    random = np.random.default_rng(0)
    rows = min(size, DRAWN_ROWS)
    if whole:
        drawn = [random.integers(-127, 128, (rows, size), np.int8) for _ in range(2)]
    else:
        drawn = [random.random((rows, size), np.float32) * 2 - 1 for _ in range(2)]
    a, b = (np.tile(one, (size // rows, 1)) for one in drawn)
    return a, b


def _check(precision: str, a: Array, b: Array, product: Product) -> None:
    expected = a[:1].astype(np.float64) @ b[:, :COLUMNS].astype(np.float64)
    found = product.fetch(product.run())[:, :COLUMNS].astype(np.float64)
    error = float(np.abs(found - expected).max() / np.abs(expected).max())
    if not error <= TOLERANCE[precision]:
        raise NotOffered(f"its {precision} product is off by {error:.1e}")


def _least_seconds(product: Product, calls: int) -> float:
    least, count, start, spent = math.inf, 0, time.perf_counter(), 0.0
    while spent < LEAST_S or (count < LEAST_COUNT and spent < MOST_S):
        before = time.perf_counter()
        for _ in range(calls):
            output = product.run()
        product.wait(output)
        after = time.perf_counter()
        least, count, spent = min(least, (after - before) / calls), count + 1, after - start
    return least


def _nothing(_: Any) -> None:
    """Computed already."""


def with_numpy(_: int | None, __: bool) -> Multiply:
    """NumPy by its BLAS; the threads are told by the environment."""

    def multiply(precision: str, a: Array, b: Array) -> Product:
        if precision != "float32":
            raise NotOffered(f"NumPy's BLAS has no {precision}")
        output = np.empty_like(a)
        return Product(lambda: np.matmul(a, b, out=output), _nothing, lambda out: out[:1])

    return multiply


def with_torch(threads: int | None, on_gpu: bool) -> Multiply:
    """PyTorch by oneDNN or MKL, or by cuBLAS."""
    import torch

    if on_gpu and not torch.cuda.is_available():
        raise UsageError("PyTorch finds no GPU here")
    if threads is not None:
        torch.set_num_threads(threads)
    device = "cuda" if on_gpu else "cpu"

    def multiply(precision: str, a: Array, b: Array) -> Product:
        pin(precision)
        whole = precision == "int8"
        kind = torch.float32 if precision == "tf32" else getattr(torch, precision)
        x, y = (torch.from_numpy(m).to(device).to(kind) for m in (a, b))
        if whole and on_gpu:  # cuBLAS multiplies int8 fast, or at all, where the second has its columns in rows
            y = y.t().contiguous().t()
        output = torch.empty(a.shape, dtype=torch.int32 if whole else kind, device=device)
        product = torch._int_mm if whole else torch.mm  # the only int8 product that it has
        wait = (lambda _: torch.cuda.synchronize()) if on_gpu else _nothing
        return Product(lambda: product(x, y, out=output), wait, lambda out: out[:1].double().cpu().numpy())

    return multiply


def with_jax(_: int | None, on_gpu: bool) -> Multiply:
    """JAX by XLA."""
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
    import jax

    device = jax.devices("gpu" if on_gpu else "cpu")[0]

    def multiply(precision: str, a: Array, b: Array) -> Product:
        given = "float32" if precision == "tf32" else precision
        kind = "int32" if precision == "int8" else given
        how = "tensorfloat32" if precision == "tf32" else "highest"
        x, y = (jax.device_put(m, device).astype(given) for m in (a, b))
        product = jax.jit(lambda p, q: jax.lax.dot(p, q, precision=how, preferred_element_type=kind))
        return Product(
            lambda: product(x, y), lambda out: out.block_until_ready(), lambda out: np.asarray(out[:1], float)
        )

    return multiply


def with_tensorflow(threads: int | None, _: bool) -> Multiply:
    """TensorFlow by oneDNN or Eigen."""
    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")
    tf.config.experimental.enable_tensor_float_32_execution(False)
    if threads is not None:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)

    def multiply(precision: str, a: Array, b: Array) -> Product:
        if precision == "int8":
            raise NotOffered("TensorFlow has no int8 product")
        x, y = (tf.cast(m, precision) for m in (a, b))
        return Product(lambda: tf.matmul(x, y), _nothing, lambda out: tf.cast(out[:1], "float64").numpy())

    return multiply


# By precision, what OpenVINO calls it among a device's capabilities, and the hint that asks for it. Numbers become int8
# where they pass through a quantisation to 256 levels.
OPENVINO = {
    "float32": ("FP32", "f32"),
    "bfloat16": ("BF16", "bf16"),
    "float16": ("FP16", "f16"),
    "int8": ("INT8", "f32"),
}


def with_openvino(threads: int | None, _: bool) -> Multiply:
    """OpenVINO by oneDNN."""
    import openvino as ov
    from openvino import opset13 as ops

    core = ov.Core()
    settings = {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": "1"}
    if threads is not None:
        settings["INFERENCE_NUM_THREADS"] = str(threads)

    def multiply(precision: str, a: Array, b: Array) -> Product:
        capability, hint = OPENVINO[precision]
        if capability not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise NotOffered(f"OpenVINO has no {precision} on this processor")
        parameter = ops.parameter(list(a.shape), np.float32)
        x, y = parameter, ops.constant(b.astype(np.float32))
        if precision == "int8":
            low, high = np.float32(-128), np.float32(127)
            x, y = (ops.fake_quantize(side, low, high, low, high, 256) for side in (x, y))
        model = ov.Model([ops.matmul(x, y, False, False)], [parameter])
        request = core.compile_model(
            model, "CPU", {**settings, "INFERENCE_PRECISION_HINT": hint}
        ).create_infer_request()
        request.set_input_tensor(ov.Tensor(np.ascontiguousarray(a, np.float32)))
        return Product(request.infer, _nothing, lambda _: request.get_output_tensor().data[:1])

    return multiply


LIBRARIES: Mapping[str, Callable[[int | None, bool], Multiply]] = {
    "numpy": with_numpy,
    "torch": with_torch,
    "jax": with_jax,
    "tensorflow": with_tensorflow,
    "openvino": with_openvino,
}


def memory(job: Mapping[str, Any], report: Callable[..., None]) -> dict[str, Any]:
    """The fastest way through each working set: a list under `found`."""
    report("phase", name="memory")
    if job["device"] == "gpu":
        return {"found": [_through_gpu_memory(size) for size in GPU_WORKING_SETS]}
    _pin(job["threads"])
    return {"found": list(_through_memory(job["threads"], job["last_cache_bytes"] or UNKNOWN_CACHE))}


def _through_memory(threads: int, last_cache: int) -> Iterator[dict[str, Any]]:
    import psutil

    beyond = max(BEYOND * last_cache, 2 * WORKING_SETS[-1])
    room = psutil.virtual_memory().available * SHARE_OF_MEMORY
    for working_set in (*WORKING_SETS, beyond):
        if working_set > room:
            reason = f"{working_set / 2**30:.1f} GiB would be more than half of the free memory"
            yield {"working_set_bytes": working_set, "bytes_per_s": None, "reason": reason}
            continue
        speed, name = max((_bandwidth(way, working_set, threads), name) for name, way in WAYS.items())
        by = f"{name}, numpy {np.__version__}"
        yield {"working_set_bytes": working_set, "bytes_per_s": speed, "by": by, "reason": None}


def _copying(size: int) -> Callable[[], Any]:
    source = np.ones(size // 8, np.float32)
    target = np.zeros_like(source)
    target[:] = 0  # zeros are not in memory until they are written
    return lambda: np.copyto(target, source)


def _reading(size: int) -> Callable[[], Any]:
    source = np.ones(size // 4, np.float32)
    return lambda: np.dot(source, source)


WAYS = {"copy": _copying, "read": _reading}


def _bandwidth(way: Callable[[int], Callable[[], Any]], working_set: int, threads: int) -> float:
    """Bytes a second, each thread on its own part of the working set; NumPy holds no lock meanwhile."""
    part = working_set // threads
    passes = max(1, A_WHILE // working_set)
    own, together = threading.local(), threading.Barrier(threads)

    def begin() -> None:
        own.go = way(part)
        own.go()

    def work(_: int) -> tuple[float, float]:
        together.wait()  # so that each thread has one of the parts, its own
        before = time.perf_counter()
        for _ in range(passes):
            own.go()
        return before, time.perf_counter()

    best, count, start = 0.0, 0, math.inf
    with ThreadPoolExecutor(threads, initializer=begin) as pool:
        while count <= LEAST_COUNT or time.perf_counter() - start < LEAST_S:
            starts, ends = zip(*pool.map(work, range(threads)), strict=True)
            if count == 0:  # not counted: threads have started meanwhile
                start = time.perf_counter()
            else:
                best = max(best, passes * part * threads / (max(ends) - min(starts)))
            count += 1
    return best


def _through_gpu_memory(working_set: int) -> dict[str, Any]:
    import torch

    half = working_set // 2 // 4
    source, target = (torch.rand(half, device="cuda") for _ in range(2))

    def passes(given: Any) -> Any:
        for _ in range(GPU_PASSES):
            target.copy_(given)
        return target

    replay, _ = captured(passes, source)
    product = Product(replay, lambda _: torch.cuda.synchronize(), np.asarray)
    speed = GPU_PASSES * working_set / _least_seconds(product, 1)
    by = f"copy, torch {torch.__version__}"
    return {"working_set_bytes": working_set, "bytes_per_s": speed, "by": by, "reason": None}
