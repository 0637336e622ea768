"""Check models on the Keras backend of this process. Runs in a worker.

A check that rests on another, which failed, is left out: each finding is a fault of its own.
"""

from __future__ import annotations

import gc
import hashlib
import inspect
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.bench.parity import differs, spread
from zoo.errors import WeightsError
from zoo.references import resolve
from zoo.specs import ModelSpec
from zoo.text import describe

if TYPE_CHECKING:
    import keras
    import numpy as np

    Array = np.ndarray[Any, Any]
    Found = Iterator[tuple[str, str]]

BATCH = 7
STEPS, LEARNING_RATE = 20, 1e-3
LEARNED = 0.95  # of the first loss is low enough to stop before the last step
SHOWN = 3  # names in a message


def run(job: Mapping[str, Any], report: Callable[..., None]) -> None:
    """Check each of `job["models"]`: a spec, and the classes of each of its weights by dataset.

    Reports an event `begun` and an event `checked` for each. `job["folder"]` is for what backends leave one another.
    """
    report("phase", name="import")
    import keras

    for item in job["models"]:
        spec = ModelSpec.from_json(item["model"])
        report("begun", name=spec.name)
        findings = check(spec, item["classes"], Path(job["folder"]))
        report("checked", name=spec.name, where=_where(spec), findings=findings)
        keras.utils.clear_session()
        gc.collect()


def check(spec: ModelSpec, classes: Mapping[str, int], folder: Path) -> list[dict[str, str]]:
    """All checks of one model.

    :return: findings, without where they are.
    """
    findings: list[dict[str, str]] = []
    try:
        for code, message in _Checks(spec, classes, folder).run():
            findings.append({"code": code, "message": message, "detail": ""})
    except (Exception, SystemExit) as error:
        detail = traceback.format_exc()
        findings.append({"code": "build-fails", "message": describe(error), "detail": detail})
    return findings


def _where(spec: ModelSpec) -> str:
    """File and line of the function that builds, as far as they can be known."""
    try:
        function = inspect.unwrap(resolve(spec.build))
        file, (_, line) = Path(inspect.getfile(function)), inspect.getsourcelines(function)
    except Exception:  # a class, something compiled, a module that fails
        return spec.build
    package = spec.build.partition(".")[0]
    shown = file.parts[-file.parts[::-1].index(package) - 1 :] if package in file.parts else (file.name,)
    return f"{'/'.join(shown)}:{line}"


class _Checks:
    """The checks of one model, in the order in which they rest on one another. Each yields code and message."""

    def __init__(self, spec: ModelSpec, classes: Mapping[str, int], folder: Path) -> None:
        self.spec, self.classes, self.folder = spec, classes, folder

    def run(self) -> Found:
        """All of them."""
        import keras
        import numpy as np

        before = _settings()
        model = self.build(seed=0)
        if (changed := _settings()) != before:
            name = next(name for name in before if changed[name] != before[name])
            yield "changes-keras", f"building it sets {name} from {before[name]} to {changed[name]}"
            _restore(before)
        if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
            yield "build-fails", f"it gives {type(model).__name__}, which is not a functional keras.Model"
            return
        sound = True
        for finding in self.shapes(model):
            yield finding
            sound &= finding[0] == "wrong-parameters"
        if not sound:
            return

        twin = self.build(seed=0)
        steady = True
        for finding in _rebuilt(model, twin):
            yield finding
            steady &= finding[0] != "mutable-state"
        if steady:
            yield from _seeding(model, twin, self.build(seed=1))

        images = np.random.default_rng(0).random((BATCH, *self.spec.input_shape), np.float32)
        logits = _logits(model, images)
        found = list(_outputs(logits, _logits(model, images)))
        yield from found
        if not found:
            dependent = list(_batches(model, images, logits))
            yield from dependent
            if steady and not dependent:
                yield from self.saving(model, images, logits)
        yield from self.shipped()
        yield from _learning(model, images)

    def build(self, *, seed: int, classes: int | None = None) -> Any:
        """What the plugin's function gives; nothing of it is checked."""
        import keras

        keras.utils.set_random_seed(seed)
        spec = self.spec
        return resolve(spec.build)(input_shape=spec.input_shape, classes=classes or spec.classes, **dict(spec.arguments))

    def shapes(self, model: keras.Model) -> Found:
        """Input, classes and parameters against the spec's."""
        spec = self.spec
        inputs = [tuple(x.shape) for x in model.inputs]
        if inputs != [(None, *spec.input_shape)]:
            yield "wrong-input", f"it declares the input {spec.input_shape} and takes {_shapes(inputs)}"
        for classes in (spec.classes, spec.classes + 1):
            made = model if classes == spec.classes else self.build(seed=0, classes=classes)
            outputs = [tuple(x.shape) for x in made.outputs]
            if outputs != [(None, classes)]:
                yield "wrong-classes", f"built for {classes} classes it gives {_shapes(outputs)} instead of as many logits"
                break
        if model.count_params() != spec.parameters:
            yield "wrong-parameters", f"it declares {spec.parameters:,} parameters and has {model.count_params():,}"

    def saving(self, model: keras.Model, images: Array, logits: Array) -> Found:
        """Weights written by this build give another build its logits; and those of the backend before, too."""
        import keras
        import numpy as np

        from zoo.models import weights

        name, other = self.spec.name, self.build(seed=1)
        here, first = self.folder / f"{name}-here.safetensors", self.folder / f"{name}.safetensors"
        try:
            weights.save(model, here, {})
            weights.load(other, here)
        except WeightsError as error:
            yield "weights-change-logits", str(error)
            return
        if wrong := differs(_logits(other, images), logits, spread(logits), "float32"):
            yield "weights-change-logits", f"with the weights of one build in another, {wrong}"
            return
        expected = self.folder / f"{name}.npz"
        if not expected.exists():
            here.rename(first)
            np.savez(expected, logits=logits, backend=keras.backend.backend())
            return
        with np.load(expected) as saved:
            reference, backend = saved["logits"], str(saved["backend"])
        try:
            weights.load(other, first)
        except WeightsError as error:
            yield "unstable-names", f"weights saved on {backend} can't be loaded here: {error}"
            return
        if wrong := differs(_logits(other, images), reference, spread(reference), "float32"):
            yield "backends-disagree", f"with the weights of {backend}, {wrong}"

    def shipped(self) -> Found:
        """The weights that come with the plugin."""
        from zoo.models import weights

        for declared in self.spec.weights:
            what = f"weights for {declared.dataset}"
            try:
                path = weights.locate(declared)
                if (digest := hashlib.sha256(path.read_bytes()).hexdigest()) != declared.sha256:
                    yield "weights-digest", f"{what} have sha256 {digest}; declared is {declared.sha256[:12]}…"
                    continue
                model = self.build(seed=0, classes=self.classes.get(declared.dataset))
                weights.load(model, path)
            except WeightsError as error:
                yield "weights-do-not-fit", f"{what}: {error}"


def _rebuilt(model: keras.Model, twin: keras.Model) -> Found:
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


def _seeding(model: keras.Model, twin: keras.Model, other: keras.Model) -> Found:
    """One seed gives the same weights, another seed others."""
    first, same, different = _values(model), _values(twin), _values(other)
    paths = [v.path for v in model.weights]
    if changed := [path for path, a, b in zip(paths, first, same, strict=True) if (a != b).any()]:
        yield "unseeded", f"two builds from one seed differ in {_some(changed)}"
    elif first and all((a == b).all() for a, b in zip(first, different, strict=True)):
        yield "fixed-seed", "builds from the seeds 0 and 1 have the same weights"


def _outputs(logits: Array, again: Array) -> Found:
    import numpy as np

    if not np.isfinite(logits).all():
        yield "not-finite", "its logits are not finite on random images"
        return
    if (wrong := differs(again, logits, spread(logits), "float32")) is not None:
        yield "random-logits", f"called twice on the same images, {wrong}"
        return
    if logits.shape[1] > 1 and (logits >= 0).all() and np.allclose(logits.sum(axis=1), 1, atol=1e-3):
        yield "not-logits", "what it gives for an image is positive and adds up to 1"


def _batches(model: keras.Model, images: Array, logits: Array) -> Found:
    for size in (1, BATCH):
        try:
            found = logits if size == BATCH else _logits(model, images[:size])
        except Exception as error:
            yield "batch-size", f"at batch size {size}: {describe(error)}"
            return
        if (wrong := differs(found, logits[:size], spread(logits), "float32")) is not None:
            yield "batch-size", f"for the first image alone instead of {BATCH} together, {wrong}"


def _learning(model: keras.Model, images: Array) -> Found:
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
        yield "does-not-learn", f"the loss on one batch is {losses[0]:.4g} at first and {recent:.4g} after {STEPS} steps"


def _logits(model: keras.Model, images: Array) -> Array:
    import numpy as np
    from keras import ops

    return np.array(ops.convert_to_numpy(model(ops.convert_to_tensor(images), training=False)), np.float32)


def _layers(model: Any) -> list[tuple[str, str]]:
    """Name and type of each layer, nested ones too."""
    return [(layer.name, type(layer).__name__) for layer in model._flatten_layers(include_self=False)]


def _values(model: keras.Model) -> list[Array]:
    from keras import ops

    return [ops.convert_to_numpy(v.value) for v in model.weights]


def _settings() -> dict[str, Any]:
    """Keras' settings for all models."""
    from keras import config

    policy = config.dtype_policy().name
    return {
        "floatx": config.floatx(),
        "image_data_format": config.image_data_format(),
        "dtype_policy": policy,
        "epsilon": config.epsilon(),
    }


def _restore(settings: Mapping[str, Any]) -> None:
    from keras import config

    config.set_floatx(settings["floatx"])
    config.set_image_data_format(settings["image_data_format"])
    config.set_dtype_policy(settings["dtype_policy"])
    config.set_epsilon(settings["epsilon"])


def _difference(one: list[tuple[str, str]], two: list[tuple[str, str]]) -> str:
    if len(one) != len(two):
        return f"{len(one)}, then {len(two)}"
    return next(f"{a[0]} is {a[1]}, then {b[1]}" for a, b in zip(one, two, strict=True) if a[1] != b[1])


def _some(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _shapes(shapes: list[tuple[Any, ...]]) -> str:
    return ", ".join(map(str, shapes))
