"""What `zoo plugin check` can find, beside what is found where a plugin is read."""

from __future__ import annotations

from zoo.findings.code import Code

# Of what it does where it is read, besides declaring,
MANNERS: dict[str, Code] = {
    "prints": Code(
        "warning",
        "It prints while it is imported or in a hook. The zoo sends that to standard error.",
        "Leave the print out, or use `logging`.",
    ),
    "leaves-threads": Code(
        "warning",
        "It leaves threads running that it started when it was imported or in a hook.",
        "Start threads where the model runs, and end them.",
    ),
    "leaves-processes": Code(
        "warning",
        "It leaves processes running that it started when it was imported or in a hook. The zoo ends them.",
        "Start processes where the model runs, and end them.",
    ),
    "changes-environment": Code(
        "warning",
        "It changes environment variables, such as KERAS_BACKEND, when it is imported or in a hook.",
        "Leave them to the user; a runtime says by `keras_backend` which backend it needs.",
    ),
    "changes-directory": Code(
        "warning",
        "It changes the working directory when it is imported or in a hook.",
        "Use absolute paths, such as those of `importlib.resources.files`.",
    ),
    "changes-path": Code(
        "warning",
        "It changes `sys.path` when it is imported or in a hook.",
        "Put modules inside its package and import them by their full names.",
    ),
    "patches": Code(
        "warning",
        "It replaces functions of Python, the zoo or a framework when it is imported or in a hook.",
        "Wrap what it needs in its own code. Models and layers can be subclassed.",
    ),
}

# the distribution and what it declares,
PACKAGE: dict[str, Code] = {
    "no-metadata": Code(
        "error",
        "Its distribution lacks a version, a description, the Python versions that it is for, or its need of the zoo.",
        "Fill in `[project]` of its pyproject.toml: `version`, `description`, `requires-python`, and `zoobench` among "
        "the `dependencies`.",
    ),
    "slow-import": Code(
        "error",
        "Importing it and calling its hooks takes over half a second, which every user of the zoo waits for once.",
        "Move what is slow to where the model is built; `python -X importtime -c 'import THE_MODULE'` shows it.",
    ),
    "no-licence": Code(
        "error",
        "Its distribution, a model or a dataset names no licence: nobody may use what has none.",
        "Give an SPDX expression: `license` in pyproject.toml, `licence` of each `ModelSpec` and `DatasetSpec`.",
    ),
    "no-paper": Code(
        "warning",
        "A model names no paper, or a dataset no source: a reader can't tell where it comes from.",
        "Give title and address as `paper` of the `ModelSpec`, or `source` of the `DatasetSpec`.",
    ),
    "no-recipe": Code(
        "warning",
        "A model has no recipe, so `zoo train` can't train it.",
        'Give the `ModelSpec` a `zoo.Recipe`; one with `dataset="*"` serves every dataset.',
    ),
}

# the models,
MODELS: dict[str, Code] = {
    "build-fails": Code(
        "error",
        "A model can't be built or called on a Keras backend, or what was built is not a functional `keras.Model`.",
        "Make `build` return `keras.Model(inputs, outputs)`, of layers and `keras.ops`, which all backends have.",
    ),
    "wrong-input": Code(
        "error",
        "A model takes another input than its spec declares.",
        "Build on `keras.Input(input_shape)`, with the `input_shape` that `build` is given.",
    ),
    "wrong-classes": Code(
        "error",
        "A model doesn't give one logit for each class, or not where a dataset has another number of classes.",
        "End in `layers.Dense(classes)`, with the `classes` that `build` is given.",
    ),
    "wrong-parameters": Code(
        "error",
        "A model has another number of parameters than its spec declares.",
        "Declare the number that the message names, if the model is the one that you mean.",
    ),
    "not-logits": Code(
        "error",
        "A model gives probabilities. Losses, runtimes and comparisons take its output for logits.",
        "Leave the softmax out at the end.",
    ),
    "not-finite": Code(
        "error",
        "A freshly built model gives logits that are infinite or not a number.",
        "Look for divisions by zero and for initialisers that are too large.",
    ),
    "unseeded": Code(
        "error",
        "Two builds from one seed have different weights, so that no training can be repeated.",
        "Use Keras' initialisers without a seed of their own; they follow `keras.utils.set_random_seed`.",
    ),
    "fixed-seed": Code(
        "error",
        "Builds from different seeds have the same weights, so that training from several seeds tells nothing.",
        "Give no seed to initialisers; they follow `keras.utils.set_random_seed`.",
    ),
    "unstable-names": Code(
        "error",
        "Names of layers or weights depend on what was built before, or on the backend: saved weights won't fit.",
        "Give every layer a name, additions and other operations too: `layers.Add(name=…)([x, y])`.",
    ),
    "mutable-state": Code(
        "error",
        "What is built depends on what was built before, or two models share variables: something global is changed.",
        "Make layers and lists inside the function that builds; keep no counters or caches in the module.",
    ),
    "changes-keras": Code(
        "error",
        "Building a model changes Keras' settings for all models: number type, image format, policy or epsilon.",
        "Set on layers what only this model needs, such as `dtype` and `data_format`.",
    ),
    "random-logits": Code(
        "error",
        "A model gives different logits for the same images when it is not trained.",
        "Leave `training=True` out; random layers must do nothing at inference.",
    ),
    "batch-size": Code(
        "error",
        "A model fails at batch size 1 or 7, or an image's logits depend on what else is in its batch.",
        "Reshape with -1 in place of the batch size, and leave `training=True` out of batch normalisation.",
    ),
    "weights-change-logits": Code(
        "error",
        "A model's weights can't be saved, or another build gives other logits once they are loaded into it.",
        "Keep everything that the logits depend on in weights of layers, each of its own name: `self.add_weight`.",
    ),
    "backends-disagree": Code(
        "error",
        "A model gives other logits on another Keras backend, with the same weights and images.",
        "Compute with layers and `keras.ops` only, and name padding and data format where a default may differ.",
    ),
    "does-not-learn": Code(
        "error",
        "Training steps on one batch don't lower its loss, or end in numbers that are not finite.",
        "Look for `stop_gradient`, `trainable = False` and outputs that don't depend on weights.",
    ),
    "weights-digest": Code(
        "error",
        "Shipped weights have another sha256 than is declared, so that the zoo refuses to read them.",
        "Declare what `sha256sum FILE` prints, if the file is the one that you mean.",
    ),
    "weights-do-not-fit": Code(
        "error",
        "Shipped weights are not there, or don't fit the model: names, shapes, types, or values that are not finite.",
        "Train again, or correct the path; and see that the wheel holds the file.",
    ),
}

# the runtimes,
RUNTIMES: dict[str, Code] = {
    "runtime-fails": Code(
        "error",
        "A runtime can't be imported, set up or opened, or lacks a part of the protocol.",
        "Follow `zoo.runtimes.Runtime` and `Session`: start, devices, open; place, run, wait, fetch, close.",
    ),
    "runtime-wrong": Code(
        "error",
        "A runtime's logits are not those of Keras in float32.",
        "Compare one image, layer by layer; docs/runtimes.md has the tolerances and why they are what they are.",
    ),
    "runtime-shares-memory": Code(
        "error",
        "A runtime's batch or logits change after the fact: it keeps the caller's array, or gives out its own.",
        "Copy in `place` and in `fetch`.",
    ),
    "runtime-does-not-wait": Code(
        "error",
        "A runtime computes after `wait` has returned, where it isn't timed.",
        "Make `wait` return only when the logits are computed; reading them is the surest way.",
    ),
    "runtime-does-not-close": Code(
        "error",
        "A runtime's sessions can't be closed or opened again, or leave threads or open files behind.",
        "Release in `close` what `open` took.",
    ),
    "runtime-threads": Code(
        "error",
        "A runtime computes with more threads than it was told to.",
        "Hand `threads` of `start` to the library, for all of its pools.",
    ),
}

# and the datasets.
DATASETS: dict[str, Code] = {
    "dataset-fails": Code(
        "error",
        "A dataset can't be prepared or read.",
        "`builder` names a `tfds.core.DatasetBuilder` with the features `image` and `label`, and with the name and "
        "version that are declared.",
    ),
    "dataset-wrong": Code(
        "error",
        "A dataset is not what its spec declares: image shape, classes, splits or numbers of images.",
        "Declare what the message names, or mend the builder. The zoo uses the splits `train` and `test`.",
    ),
    "dataset-digest": Code(
        "error",
        "A split's sha256 is not the declared one, or not the same each time it is prepared.",
        "Draw and order images from a fixed seed; declare what `zoo data verify NAME` prints.",
    ),
}
