"""What is looked for in a built network, on whatever Keras backend. Each yields the codes of findings, and messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from zoo.benchmarking.parity import differs, spread
from zoo.text import describe

if TYPE_CHECKING:
    import keras
    import numpy as np

    Array = np.ndarray[Any, Any]

Found = Iterator[tuple[str, str]]

STEPS, LEARNING_RATE = 20, 1e-3
LEARNED = 0.95  # of the first loss is low enough to stop before the last step
SHOWN = 3  # names in a message


def rebuilt(model: keras.Model, twin: keras.Model) -> Found:
    """A second build in one process is the same network, by the same names, and shares nothing with the first."""
    one, two = _layers(model), _layers(twin)
    if [kind for _, kind in one] != [kind for _, kind in two]:
        yield "mutable-state", f"built a second time it has other layers: {_difference(one, two)}"
        return
    shapes = [tuple(v.shape) for v in model.weights], [tuple(v.shape) for v in twin.weights]
    if shapes[0] != shapes[1]:
        yield "mutable-state", "built a second time it has weights of other shapes"
        return
    if shared := {id(v): v.path for v in model.weights}.keys() & {id(v) for v in twin.weights}:
        yield "mutable-state", f"two builds share {len(shared)} of {len(model.weights)} weights"
        return
    names = [(a[0], b[0]) for a, b in zip(one, two, strict=True)]
    names += [(a.path, b.path) for a, b in zip(model.weights, twin.weights, strict=True)]
    if changed := [f"{a} becomes {b}" for a, b in names if a != b]:
        yield "unstable-names", f"built a second time, {_some(changed)}"


def seeding(model: keras.Model, twin: keras.Model, other: keras.Model) -> Found:
    """One seed gives the same weights, another seed others."""
    first, same, different = _values(model), _values(twin), _values(other)
    paths = [v.path for v in model.weights]
    if changed := [path for path, a, b in zip(paths, first, same, strict=True) if (a != b).any()]:
        yield "unseeded", f"two builds from one seed differ in {_some(changed)}"
    elif first and all((a == b).all() for a, b in zip(first, different, strict=True)):
        yield "fixed-seed", "builds from the seeds 0 and 1 have the same weights"


def outputs(logits: Array, again: Array) -> Found:
    """Logits are finite, the same each time, and no probabilities."""
    import numpy as np

    if not np.isfinite(logits).all():
        yield "not-finite", "its logits are not finite on random images"
        return
    if (wrong := differs(again, logits, spread(logits), "float32")) is not None:
        yield "random-logits", f"called twice on the same images, {wrong}"
        return
    if logits.shape[1] > 1 and (logits >= 0).all() and np.allclose(logits.sum(axis=1), 1, atol=1e-3):
        yield "not-logits", "what it gives for an image is positive and adds up to 1"


def batches(model: keras.Model, images: Array, logits: Array) -> Found:
    """An image's logits are the same alone as among others."""
    try:
        alone = logits_of(model, images[:1])
    except Exception as error:
        yield "batch-size", f"at batch size 1: {describe(error)}"
        return
    if (wrong := differs(alone, logits[:1], spread(logits), "float32")) is not None:
        yield "batch-size", f"for the first image alone instead of {len(images)} together, {wrong}"


def learning(model: keras.Model, images: Array) -> Found:
    """Up to so many steps of Adam on one batch, as `zoo train` compiles them."""
    import keras
    import numpy as np

    classes = model.output_shape[-1]
    if classes < 2:
        return  # nothing to tell apart
    labels = np.arange(len(images)) % classes
    model.compile(
        optimizer=keras.optimizers.Adam(LEARNING_RATE),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile="auto" if keras.backend.backend() != "tensorflow" else False,
    )
    keras.utils.set_random_seed(0)
    losses: list[float] = []
    try:
        for _ in range(STEPS):
            losses.append(float(model.train_on_batch(images, labels)))
            recent = float(np.mean(losses[-3:]))  # dropout makes single losses jump
            if not np.isfinite(losses[-1]) or (len(losses) > 3 and recent < LEARNED * losses[0]):
                break
    except Exception as error:
        yield "does-not-learn", f"a training step fails: {describe(error)}"
        return
    if not np.isfinite(losses[-1]):
        yield "does-not-learn", f"the loss is not finite after {len(losses)} steps on one batch"
    elif not recent < losses[0]:
        yield (
            "does-not-learn",
            f"the loss on one batch is {losses[0]:.4g} at first and {recent:.4g} after {STEPS} steps",
        )


def logits_of(model: keras.Model, images: Array) -> Array:
    """What a model gives for images at inference, float32."""
    import numpy as np
    from keras import ops

    return np.array(ops.convert_to_numpy(model(ops.convert_to_tensor(images), training=False)), np.float32)


def _layers(model: Any) -> list[tuple[str, str]]:
    """Name and type of each layer, those of nested models too."""
    found = []
    for layer in model.layers:
        found += [(layer.name, type(layer).__name__), *(_layers(layer) if hasattr(layer, "layers") else ())]
    return found


def _values(model: keras.Model) -> list[Array]:
    from keras import ops

    return [ops.convert_to_numpy(v.value) for v in model.weights]


def _difference(one: list[tuple[str, str]], two: list[tuple[str, str]]) -> str:
    if len(one) != len(two):
        return f"{len(one)}, then {len(two)}"
    return next(f"{a[0]} is {a[1]}, then {b[1]}" for a, b in zip(one, two, strict=True) if a[1] != b[1])


def _some(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
