"""Run under each Keras backend by test_functions.py: recipes that name functions, right and wrong."""

import dataclasses
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
from on_keras import BACKEND, DEVICES, IMAGES, JOB, LABELS, PART, learn

import zoo
from zoo.errors import ModelError
from zoo.specs.recipe import LOSSES, OPTIMIZERS
from zoo.training import state
from zoo.training.fit import fit
from zoo.training.frameworks import make_deterministic
from zoo.training.learner import check_functions, make_learner
from zoo.training.losses import loss
from zoo.training.optimizers import optimizer
from zoo.training.schedule import learning_rates
from zoo.training.score import Scorer, sample

OWN = {
    "augmentation": "functions:noise",
    "loss": "functions:squared",
    "optimizer": "functions:nesterov",
    "schedule": "functions:halving",
    "metrics": ("functions:top3", "top_k_categorical_accuracy"),
}
WRONG = {
    "loss": ("fails", "nothing", "mean", "every_class", "whole", "infinite", "word", "absent"),
    "metrics": ("fails", "nothing", "mean", "every_class", "whole", "infinite", "word", "absent"),
    "augmentation": ("fails", "nothing", "cropped", "dark", "unseeded", "word", "absent"),
    "optimizer": ("fails", "nothing", "by_layer", "own_rate", "averaging", "word", "absent"),
    "schedule": ("fails", "nothing", "short", "negative", "word", "absent"),
}


def job(**changes):
    """The tiny model's, with another recipe."""
    return dataclasses.replace(JOB, recipe=dataclasses.replace(JOB.recipe, **changes))


def wrong() -> dict[str, str]:
    """What is said of each wrong function, by field and function."""
    found = {}
    for field, names in WRONG.items():
        for name in names:
            reference = f"functions:{name}"
            value = (reference,) if field == "metrics" else reference
            try:
                learner = make_learner(job(**{field: value}), PART, DEVICES)
                fit(learner, job(**{field: value}), DEVICES, 0, lambda *_, **__: None)
            except ModelError as error:
                found[f"{field} {name}"] = str(error)
    return found


def seen(learner) -> list[np.ndarray]:
    """What the first two batches of an epoch are for the network, with and without a compiled step around it."""
    prepare = learner.model.get_layer("prepare")
    batches = [learner.batches[step][0] for step in (0, 1)]
    return [keras.ops.convert_to_numpy(prepare(**inputs)) for inputs in (*batches, batches[0])]


def scored(learner, own) -> dict:
    """The score of a network, and its metrics by hand."""
    scorer = Scorer(own, sample(learner.batches))
    scorer.hold(state.averaged(learner.network, learner.optimizer))
    logits = scorer.network.predict(np.float32(IMAGES / 255), verbose=0)
    order = np.argsort(-logits, axis=1)
    tops = {name: float((order[:, :k] == LABELS[:, None]).any(axis=1).mean()) for name, k in (("top3", 3), ("top5", 5))}
    return {"score": scorer.score(PART), **tops}


def stepped(name: str) -> list[float]:
    """A kernel and a bias of 1 after a step with gradients of 1."""
    network = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones", bias_initializer="ones")]
    )
    made = optimizer(job(optimizer=name, weight_decay=0.5, ema_momentum=0.0).recipe, network, 3)
    made.apply([keras.ops.ones(v.shape) for v in network.trainable_variables], network.trainable_variables)
    return [float(keras.ops.convert_to_numpy(v.value).ravel()[0]) for v in network.trainable_variables]


def lost(name: str) -> list[float]:
    """The loss of right and of wrong logits."""
    labels = np.eye(10, dtype=np.float32)
    value = loss(job(loss=name, label_smoothing=0.1).recipe, 10)
    return [float(value(labels, logits)) for logits in (5 * labels, 5 * labels[::-1])]


def of_the_page() -> list[str]:
    """The recipe of docs/training.md, tried with the functions that stand there."""
    page = (Path(__file__).parents[2] / "docs" / "training.md").read_text()
    recipe, code = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    sys.modules["acme"] = sys.modules["acme.training"] = made = ModuleType("acme.training")
    exec(code, vars(made))
    exec(recipe, found := {"zoo": zoo})
    check_functions(found["recipe"], make_learner(JOB, PART, DEVICES).network)
    return list(found["recipe"].references)


def in_one_loop(own) -> list[dict]:
    """The lines of two epochs, each of which is one compiled loop (JAX)."""
    from zoo.training.callbacks import Watch
    from zoo.training.epochs import Epochs

    learner, lines = make_learner(own, PART, DEVICES), []
    rates = learning_rates(own.recipe, len(learner.batches))
    Epochs(learner, None).fit(Watch("tiny", learner.batches, rates, lambda *_, **__: None, lines.append), 0, 2)
    return lines


def main(folder: str) -> None:
    """Print everything as JSON."""
    make_deterministic(BACKEND)
    own, path = job(**OWN), Path(folder)
    whole, lines = learn(own, path / "whole.safetensors")
    learn(own, path / "parts.safetensors", stop_after=2)
    learn(dataclasses.replace(own, resume=True), path / "parts.safetensors")
    _, usual_lines = learn(JOB, path / "usual.safetensors")
    same = job(loss="functions:crossentropy", optimizer="functions:nesterov")
    _, same_lines = learn(same, path / "same.safetensors")
    plain = make_learner(job(shift_pixels=0, flip=False), PART, DEVICES)
    augmented = make_learner(job(shift_pixels=0, flip=False, augmentation="functions:noise"), PART, DEVICES)
    record = {
        "lines": lines,
        "states": [state.digest(state.load(path / f"{name}.safetensors")[0]) for name in ("whole", "parts")],
        "usual_losses": [[line["loss"] for line in some] for some in (usual_lines, same_lines)],
        "plain": [image.tolist() for image in seen(plain)],
        "augmented": [image.tolist() for image in seen(augmented)],
        "wrong": wrong(),
        "optimizers": {name: stepped(name) for name in OPTIMIZERS},
        "losses": {name: lost(name) for name in LOSSES},
        "of_the_page": of_the_page(),
        "in_one_loop": in_one_loop(own) if BACKEND == "jax" else None,
        **scored(whole, own),
    }
    print(json.dumps(record))


if __name__ == "__main__":
    main(sys.argv[1])
