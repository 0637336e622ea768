"""Check models on the Keras backend of this process. Runs in a worker.

A check that rests on another, which failed, is left out: each finding is a fault of its own.
"""

from __future__ import annotations

import gc
import hashlib
import inspect
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.authoring.check import network
from zoo.authoring.check.network import Found
from zoo.benchmarking.parity import differs, spread
from zoo.errors import ModelError, WeightsError
from zoo.modeling.supported import UnsupportedError, check_parameters, check_trainable, supported
from zoo.references import resolve
from zoo.specs import ModelSpec, Recipe
from zoo.text import describe

if TYPE_CHECKING:
    import keras

    from zoo.authoring.check.network import Array

BATCH = 7


def run(job: Mapping[str, Any], report: Callable[..., None]) -> None:
    """Check each of `job["items"]`: a `model` and the `classes` of each of its weights by dataset, or a `recipe`.

    Reports an event `begun` and an event `checked` for each. `job["folder"]` is for what backends leave one another.
    """
    report("phase", name="import")
    import keras

    for item in job["items"]:
        report("begun", name=item["name"])
        if "recipe" in item:
            findings, where = check_recipe(Recipe.from_json(item["recipe"])), item["where"]
        else:
            spec = ModelSpec.from_json(item["model"])
            findings, where = check(spec, item["classes"], Path(job["folder"])), f"{_where(spec)}, model {spec.name}"
        report("checked", name=item["name"], where=where, findings=findings)
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


def check_recipe(recipe: Recipe) -> list[dict[str, str]]:
    """Try the functions of a recipe for models of other plugins, on a small network.

    :return: findings, without where they are.
    """
    import keras

    image = keras.Input((32, 32, 3), name="image")
    x = keras.layers.GlobalAveragePooling2D(name="pool")(image)
    network = keras.Model(image, keras.layers.Dense(10, name="logits")(x))
    return [{"code": code, "message": message, "detail": ""} for code, message in _tried(recipe, network)]


def _tried(recipe: Recipe, network: keras.Model) -> Found:
    from zoo.training.learner import check_functions

    if not recipe.references:
        return
    try:
        check_functions(recipe, network)
    except Exception as error:
        reason = str(error) if isinstance(error, ModelError) else describe(error)
        yield "recipe-fails", f"recipe {recipe.name} for {recipe.dataset}: {reason}"


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
        import numpy as np

        before = _settings()
        made = self.make(seed=0)
        if (after := _settings()) != before:
            name = next(name for name in before if after[name] != before[name])
            yield "changes-keras", f"building it sets {name} from {before[name]} to {after[name]}"
            _restore(before)
        try:
            model = self.accepted(made, self.spec.classes)
            self.build(seed=0, classes=self.spec.classes + 1)
        except UnsupportedError as error:
            yield error.code, str(error)
            return
        yield from self.declared(made, model)

        twin = self.build(seed=0)
        changed = list(network.rebuilt(model, twin))
        yield from changed
        if not any(code == "mutable-state" for code, _ in changed):
            yield from network.seeding(model, twin, self.build(seed=1))

        images = np.random.default_rng(0).random((BATCH, *self.spec.input_shape), np.float32)
        try:
            logits = network.logits_of(model, images)
        except Exception as error:
            yield "batch-size", f"at batch size {BATCH}: {describe(error)}"
            return
        unsound = list(network.outputs(logits, network.logits_of(model, images)))
        if not unsound:
            unsound = list(network.batches(model, images, logits))
        yield from unsound
        if not changed and (not unsound or unsound[0][0] == "not-logits"):
            yield from self.saving(model, images, logits)
        yield from self.shipped()
        if not any(code == "not-finite" for code, _ in unsound):
            yield from network.learning(model, images)
        for recipe in self.spec.recipes:
            yield from _tried(recipe, model)

    def make(self, *, seed: int, classes: int | None = None) -> Any:
        """What the plugin's function gives; nothing of it is checked."""
        import keras

        keras.utils.set_random_seed(seed)
        spec = self.spec
        return resolve(spec.build)(
            input_shape=spec.input_shape, classes=classes or spec.classes, **dict(spec.arguments)
        )

    def accepted(self, made: Any, classes: int) -> Any:
        """The same as every command takes it."""
        return supported(made, self.spec, classes, {"float32"})

    def build(self, *, seed: int, classes: int | None = None) -> Any:
        """Made and accepted."""
        return self.accepted(self.make(seed=seed, classes=classes), classes or self.spec.classes)

    def declared(self, made: Any, model: keras.Model) -> Found:
        """What the spec says of it: its parameters, and that it can be trained."""
        try:
            check_parameters(model, self.spec)
        except UnsupportedError as error:
            yield error.code, str(error)
        if self.spec.recipes:
            try:
                check_trainable(made, self.spec)
            except UnsupportedError as error:
                yield error.code, str(error)

    def saving(self, model: keras.Model, images: Array, logits: Array) -> Found:
        """Weights written by this build give another build its logits; and those of the backend before, too."""
        import keras
        import numpy as np

        from zoo.modeling import weights

        name, other = self.spec.name, self.build(seed=1)
        here, first = self.folder / f"{name}-here.safetensors", self.folder / f"{name}.safetensors"
        try:
            weights.save(model, here, {})
            weights.load(other, here)
        except WeightsError as error:
            yield "weights-change-logits", str(error)
            return
        if wrong := differs(network.logits_of(other, images), logits, spread(logits), "float32"):
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
        if wrong := differs(network.logits_of(other, images), reference, spread(reference), "float32"):
            yield "backends-disagree", f"with the weights of {backend}, {wrong}"

    def shipped(self) -> Found:
        """The weights that come with the plugin."""
        from zoo.modeling import weights

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
