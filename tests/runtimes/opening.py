"""Run by test_builtin.py under a Keras backend: opens the core's runtimes on it and prints how each session behaves."""

import functools
import json
import os
from pathlib import Path

import numpy as np

from zoo.benchmarking.reference import Reference
from zoo.benchmarking.verification import Verification
from zoo.errors import UsageError
from zoo.references import resolve
from zoo.registry import load
from zoo.specs import RuntimeSpec

BATCH = 8
SLOW = ("torch-compile",)  # takes long to compile


def real_images() -> np.ndarray:
    """Handwritten digits, each pixel as a square of 4×4."""
    from sklearn.datasets import load_digits

    digits = np.kron(load_digits().images[:20] / 16, np.ones((1, 4, 4)))
    return np.repeat(digits[..., np.newaxis], 3, axis=-1).astype(np.float32)


@functools.cache
def resnet8() -> tuple[object, Reference]:
    """The model with its weights, and what it makes of the images: every session is opened from the same."""
    from keras import ops

    import zoo

    model = zoo.build("resnet8", weights="digits")
    images = real_images()
    logits = np.asarray(ops.convert_to_numpy(model(images, training=False)))
    return model, Reference(images, logits, "", Path(), None)


def try_out(spec: RuntimeSpec, precision: str) -> dict[str, object]:
    """Open a session of resnet8 with its weights and use it as the worker does."""
    runtime = resolve(spec.runtime)()
    try:
        started = runtime.start(device="cpu", precision=precision, threads=None)
    except UsageError as error:
        return {"unavailable": str(error)}
    model, reference = resnet8()
    images, logits_of_keras = reference.images, reference.logits
    before = [weight.copy() for weight in model.get_weights()]
    session = runtime.open(model, BATCH)

    given = images[:BATCH].copy()
    placed = session.place(given)
    given[:] = 0  # what was placed is a copy
    logits = [session.fetch(session.run(placed)) for _ in range(2)]
    logits[0][:] = 0  # and so is what was fetched
    again = session.fetch(session.run(placed))
    parity = Verification(session, reference, BATCH, precision).check()
    other = runtime.open(model, 2)  # beside the first, as for the accuracy
    session.close()
    two = other.fetch(other.run(other.place(images[:2])))
    return {
        "started": started.to_json(),
        "parity": parity.to_json(),
        "dtype": str(again.dtype),
        "shape": again.shape,
        "placed_is_a_copy": bool(np.abs(again - logits_of_keras[:BATCH]).max() < logits_of_keras.std()),
        "fetched_is_a_copy": bool((again == logits[1]).all()),
        "another_batch_size": float(np.abs(two - again[:2]).max() / logits_of_keras.std()),
        "model_unchanged": all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True)),
        "devices": runtime.devices(),
    }


def tried(spec: RuntimeSpec) -> tuple[str, ...]:
    """All precisions; of what takes long to compile, one: it is compiled from the same graph as its twin."""
    return spec.precisions[:1] if spec.name in SLOW else spec.precisions


def main() -> None:
    """Print what was found, by runtime and precision."""
    specs = [entry.spec for entry in load().runtimes.values() if entry.plugin.distribution == "zoobench"]
    found = {
        spec.name: {precision: try_out(spec, precision) for precision in tried(spec)}
        for spec in specs
        if spec.keras_backend == os.environ["KERAS_BACKEND"]
    }
    print(json.dumps(found))


main()
