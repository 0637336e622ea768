"""Linear models on 8×8 images, each with one fault. The weights that some ship are written by the tests."""

import hashlib
from pathlib import Path

import zoo

BUILT = (
    *("fine", "build-fails", "build-fails.dies", "build-fails.layer", "wrong-input", "wrong-classes"),
    *("wrong-parameters", "not-logits", "not-finite", "unseeded", "fixed-seed", "unstable-names", "mutable-state"),
    *("mutable-state.grows", "changes-keras", "random-logits", "batch-size", "batch-size.normalised"),
    *("weights-change-logits", "weights-change-logits.paths", "does-not-learn", "does-not-learn.stops"),
    *("own-types", "own-training"),
    *("weights-digest", "weights-do-not-fit", "weights-do-not-fit.lost", "recipe-fails"),
)
BY_BACKEND = ("fine", "build-fails.backend", "unstable-names.backend", "backends-disagree")

SHIPPED = {
    "fine": "right",
    "weights-digest": "right",
    "weights-do-not-fit": "narrow",
    "weights-do-not-fit.lost": "lost",
}
LINEAR = 64 * 3 + 3
PARAMETERS = {
    "fine": 3 * 64 + LINEAR,
    "wrong-parameters": LINEAR + 1,
    "mutable-state.grows": 64 * 64 + 64 + LINEAR,
    "weights-change-logits.paths": 2 * LINEAR,
}


@zoo.hookimpl
def zoo_models() -> list[zoo.ModelSpec]:
    return [spec(name) for name in dict.fromkeys(BUILT + BY_BACKEND)]


def spec(name: str) -> zoo.ModelSpec:
    return zoo.ModelSpec(
        name=name,
        summary="has this fault",
        build="faulty.build:build",
        arguments={"fault": name},
        input_shape=(8, 8, 1),
        classes=3,
        parameters=PARAMETERS.get(name, LINEAR),
        weights=[weights(name)] if name in SHIPPED else (),
        recipes=[recipe(name)],
        paper="none",
        licence="MIT",
    )


def recipe(name: str, model: str | None = None) -> zoo.Recipe:
    loss = {"fine": "squared", "recipe-fails": "mean"}.get(name)
    if loss is None:
        return zoo.Recipe(model=model, dataset="*", epochs=1)
    return zoo.Recipe(model=model, dataset="*", epochs=1, loss=f"faulty.functions:{loss}")


def weights(name: str) -> zoo.WeightsSpec:
    file = Path(__file__).parent / f"{SHIPPED[name]}.safetensors"
    known = file.exists() and name != "weights-digest"
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest() if known else "0" * 64
    return zoo.WeightsSpec(dataset="nothing", file=f"faulty:{file.name}", sha256=sha256)
