"""Run by test_distribute.py: trains a tiny model on two devices and then on one, and prints how far apart they are."""

import contextlib
import dataclasses
import json
import sys

import keras
import on_keras
from keras import layers

from zoo.training import state
from zoo.training.distribute import Devices, one_device, set_up
from zoo.training.fit import fit
from zoo.training.learner import make_learner


def plain(input_shape, classes):
    """Nothing that differs by how a batch is divided: neither batch normalisation nor dropout."""
    inputs = keras.Input(input_shape, name="image")
    x = layers.Conv2D(4, 3, activation="relu", name="conv")(inputs)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, layers.Dense(classes, name="logits")(x), name="plain")


def main(strategy: str) -> None:
    """Print, as JSON: devices, processes, and by variable the largest change in training and difference at its end."""
    recipe = dataclasses.replace(on_keras.RECIPE, weight_decay=0.1, weight_decay_form="l2")
    model = dataclasses.replace(on_keras.JOB.model, build="distributed:plain", parameters=90)
    job = dataclasses.replace(on_keras.JOB, recipe=recipe, model=model, strategy=strategy)
    if strategy == "mirrored":
        import tensorflow as tf

        processor = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)

    def trained(devices: Devices) -> list:
        learner = make_learner(job, on_keras.PART, devices)
        before = state.averaged(learner.network, learner.optimizer)
        fit(learner, job, devices, 0, lambda *_, **__: None)
        after = state.averaged(learner.network, learner.optimizer)
        return [before, after]

    devices = set_up(job)
    _, several = trained(devices)
    with one_device(strategy):
        before, one = trained(Devices(contextlib.nullcontext()))
    record = {
        "devices": devices.number,
        "processes": devices.processes,
        "changes": [float(abs(one[name] - before[name]).max()) for name in one],
        "differences": [float(abs(one[name] - several[name]).max()) for name in one],
    }
    print(json.dumps(record))


if __name__ == "__main__":
    main(sys.argv[1])
