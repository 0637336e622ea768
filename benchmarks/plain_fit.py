"""What a careful Keras user would write to train on CIFAR-10: one tf.data pipeline, one `fit`.

    python benchmarks/plain_fit.py toy_resnet DATA_DIR [IMAGES [EPOCHS [PRECISION]]]

The augmentation, the optimizer, the average of the weights and the loss are those of toy_resnet's recipe for cifar10.
Prints images a second of each epoch. It imports nothing of the zoo's but the model.
"""

from __future__ import annotations

import sys
import time

import keras
import tensorflow as tf
import tensorflow_datasets as tfds

import zoo

BATCH = 128
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


def augment(row: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
    """Shift by up to four pixels, mirror half, normalise."""
    image = tf.pad(row["image"], [[4, 4], [4, 4], [0, 0]])
    image = tf.image.random_flip_left_right(tf.image.random_crop(image, (32, 32, 3)))
    return (tf.cast(image, tf.float32) / 255 - MEAN) / STD, tf.one_hot(row["label"], 10)


class Rate(keras.callbacks.Callback):
    """Prints images a second."""

    def __init__(self, images: int) -> None:
        super().__init__()
        self.images = images

    def on_epoch_begin(self, *_: object) -> None:
        self.start = time.perf_counter()

    def on_epoch_end(self, *_: object) -> None:
        print(self.images / (time.perf_counter() - self.start), flush=True)


def main(
    name: str,
    data_dir: str,
    images: str = "50000",
    epochs: str = "3",
    precision: str = "float32",
    callback: keras.callbacks.Callback | None = None,
) -> None:
    """Train and print."""
    keras.utils.set_random_seed(0)
    keras.mixed_precision.set_global_policy(precision)
    count = int(images) // BATCH * BATCH
    rows = tfds.load("cifar10", split=f"train[:{count}]", data_dir=data_dir, download=False)
    rows = rows.cache().shuffle(count).map(augment, tf.data.AUTOTUNE)
    batches = rows.batch(BATCH, drop_remainder=True).prefetch(tf.data.AUTOTUNE)

    model = zoo.build(name)
    model.compile(
        optimizer=keras.optimizers.SGD(
            keras.optimizers.schedules.CosineDecay(0.05, int(epochs) * count // BATCH),
            momentum=0.9,
            nesterov=True,
            weight_decay=5e-3,
            use_ema=True,
            ema_momentum=0.998,
        ),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        metrics=["accuracy"],
        jit_compile=False,
    )
    model.fit(batches, epochs=int(epochs), verbose=0, callbacks=[callback or Rate(count)])


if __name__ == "__main__":
    main(*sys.argv[1:])
