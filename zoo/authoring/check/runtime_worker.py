"""Check a runtime on a small network, told to use one thread. Runs in a worker, one for each runtime.

A check that rests on another, which failed, is left out: each finding is a fault of its own.
"""

from __future__ import annotations

import statistics
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from zoo.authoring.check.busy import runnable_threads
from zoo.benchmarking.reference import Reference
from zoo.benchmarking.verification import Verification
from zoo.errors import UsageError
from zoo.references import resolve
from zoo.runtimes import Started
from zoo.specs import RuntimeSpec
from zoo.text import describe

if TYPE_CHECKING:
    import keras

    from zoo.runtimes import Runtime, Session

Found = Iterator[tuple[str, str]]

BATCH, IMAGES, SHAPE, CLASSES = 8, 32, (32, 32, 3), 10
CALLS, BUSY_S = 10, 0.5
MOST_THREADS = 1.5  # that want to compute, on average, where one is allowed
CYCLES = 4  # of opening and closing, after the first ones have made what is made once
RUNTIME_PARTS = ("start", "devices", "open")
SESSION_PARTS = ("place", "run", "wait", "fetch", "close")


class UnavailableError(Exception):
    """The runtime says that this machine lacks what it takes."""


def run(job: Mapping[str, Any], report: Callable[..., None]) -> dict[str, Any]:
    """Check `job["runtime"]`.

    :return: findings, without where they are; and why it can't be checked here, or None.
    """
    spec = RuntimeSpec.from_json(job["runtime"])
    findings: list[dict[str, str]] = []
    unavailable = None
    try:
        for code, message in _check(spec, report):
            findings.append({"code": code, "message": message, "detail": ""})
    except UnavailableError as error:
        unavailable = str(error)
    except (Exception, SystemExit) as error:
        findings.append({"code": "runtime-fails", "message": describe(error), "detail": traceback.format_exc()})
    return {"findings": findings, "unavailable": unavailable}


def _check(spec: RuntimeSpec, report: Callable[..., None]) -> Found:
    report("phase", name="start")
    runtime: Runtime = resolve(spec.runtime)()
    yield from _lacking(runtime, RUNTIME_PARTS, spec.runtime)
    device = "cpu" if "cpu" in spec.devices else spec.devices[0]
    precision = "float32" if "float32" in spec.precisions else spec.precisions[0]
    if precision == "int8":
        raise UnavailableError("it computes in int8 only, which this check has no images to calibrate by")
    try:
        started = runtime.start(device=device, precision=precision, threads=1)
    except UsageError as error:
        raise UnavailableError(str(error)) from None
    if not isinstance(started, Started):
        yield "runtime-fails", "start must return a zoo.runtimes.Started"
        return
    if started.threads != 1 and device == "cpu":
        yield "runtime-threads", f"told to use 1 thread it says that it uses {started.threads}"
        return

    report("phase", name="open")
    model = network()
    reference = _reference(model)
    session = runtime.open(model, BATCH)
    lacking = list(_lacking(session, SESSION_PARTS, type(session).__name__))
    if lacking:
        yield from lacking
        return
    if overwritten := list(_overwriting(session, reference)):
        yield from overwritten
        return
    verification = Verification(session, reference, BATCH, precision)
    if (reason := verification.check().reason) is not None:
        yield "runtime-wrong", reason
        return
    shared = list(_sharing(session, reference))
    yield from shared
    report("phase", name="time")
    if not shared:
        yield from _waiting(session, verification, device)
    if device == "cpu":
        yield from _threads(session, reference)
    report("phase", name="close")
    yield from _closing(runtime, model, session, reference)


def network() -> keras.Model:
    """A small residual network with batch normalisation, 16 million MACs for an image, the same each time."""
    import keras
    import numpy as np
    from keras import layers

    keras.utils.set_random_seed(0)
    inputs = keras.Input(SHAPE, name="images")
    x = layers.Conv2D(32, 3, padding="same", use_bias=False, name="stem")(inputs)
    x = shortcut = layers.BatchNormalization(name="stem_bn")(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.Conv2D(64, 3, padding="same", strides=2, name="conv1")(x)
    x = layers.ReLU(name="relu1")(x)
    x = layers.Conv2D(64, 3, padding="same", name="conv2")(x)
    x = layers.Add(name="add")([x, layers.Conv2D(64, 1, strides=2, name="fit")(shortcut)])
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    model = keras.Model(inputs, layers.Dense(CLASSES, name="logits")(x), name="checked")
    draw = np.random.default_rng(0)
    for variable in model.get_layer("stem_bn").weights:  # so that leaving them out shows
        variable.assign(draw.uniform(0.5, 1.5, variable.shape))
    return model


def _reference(model: keras.Model) -> Reference:
    import numpy as np
    from keras import ops

    images = np.random.default_rng(1).random((IMAGES, *SHAPE), np.float32)
    logits = np.array(ops.convert_to_numpy(model(ops.convert_to_tensor(images), training=False)), np.float32)
    return Reference(images, logits, "Keras", Path(), None)


def _lacking(thing: object, parts: tuple[str, ...], name: str) -> Found:
    lacking = [part for part in parts if not callable(getattr(thing, part, None))]
    if lacking:
        yield "runtime-fails", f"{name} has no {', '.join(lacking)}"


def _overwriting(session: Session, reference: Reference) -> Found:
    """What was fetched is left alone by what runs later, be it right or wrong."""
    first, second = (session.place(reference.batch(number, BATCH)[0]) for number in (0, BATCH))
    logits = session.fetch(session.run(first))
    kept = logits.copy()
    session.fetch(session.run(second))
    if (logits != kept).any():
        yield "runtime-shares-memory", "logits that were fetched change when it runs again"


def _sharing(session: Session, reference: Reference) -> Found:
    """What was placed and what was fetched is nobody else's."""
    images, expected = reference.batch(0, BATCH)
    others = reference.batch(BATCH, BATCH)[0]
    given = images.copy()
    placed = session.place(given)
    given[:] = others
    logits = session.fetch(session.run(placed))
    if _apart(logits, expected):
        yield "runtime-shares-memory", "its logits change when the array that was placed is changed"
        return
    logits[:] = 0
    if _apart(session.fetch(session.run(placed)), expected):
        yield "runtime-shares-memory", "its logits change when those that were fetched before are changed"


def _apart(logits: Any, expected: Any) -> bool:
    import numpy as np

    return bool(np.abs(logits - expected).max() > 0.5 * np.abs(expected - expected[::-1]).max())


def _waiting(session: Session, verification: Verification, device: str) -> Found:
    """What lies between `run` and `wait` is all of the computation."""
    placed = session.place(verification.reference.batch(0, BATCH)[0])
    seconds = []
    for _ in range(CALLS):
        start = time.perf_counter()
        session.wait(session.run(placed))
        seconds.append(time.perf_counter() - start)
    _, wrong = verification.time_copies(placed, statistics.median(seconds), device)
    if wrong is not None:
        yield "runtime-wrong" if "not timed" in wrong else "runtime-does-not-wait", wrong


def _threads(session: Session, reference: Reference) -> Found:
    placed = session.place(reference.batch(0, BATCH)[0])
    wanted = runnable_threads(lambda: session.wait(session.run(placed)), BUSY_S)
    if wanted > MOST_THREADS:
        yield "runtime-threads", f"told to use 1 thread it keeps {wanted:.1f} busy"


def _closing(runtime: Runtime, model: keras.Model, session: Session, reference: Reference) -> Found:
    """A session can be closed and another opened, and none leaves threads or open files behind."""
    images, expected = reference.batch(0, BATCH)
    process = psutil.Process()
    held = []
    for _ in range(CYCLES):
        try:
            session.close()
        except Exception as error:
            yield "runtime-does-not-close", f"close fails: {describe(error)}"
            return
        del session
        held.append((process.num_threads(), process.num_fds()))
        try:
            session = runtime.open(model, BATCH)
            logits = session.fetch(session.run(session.place(images)))
        except Exception as error:
            yield "runtime-does-not-close", f"after a session was closed, another fails: {describe(error)}"
            return
        if _apart(logits, expected):
            yield "runtime-does-not-close", "after a session was closed, another has other logits"
            return
    for what, counts in zip(("threads", "open files"), zip(*held, strict=True), strict=True):
        if all(after > before for before, after in pairwise(counts)):
            yield "runtime-does-not-close", f"each session leaves {what} behind: {', '.join(map(str, counts))}"
