"""Batch normalisation in training with fewer passes over the activations.

Keras 3 composes it of a dozen operations, forwards and again backwards, each of which reads and writes all activations:
in narrow networks they take more time than the convolutions. TensorFlow has it as one operation (oneDNN's on the
processor, cuDNN's on a GPU). XLA fuses it, but needs the mean before it can begin with the variance; the mean of the
squares takes no pass of its own, which is how Flax computes it (`use_fast_variance`).
"""

from __future__ import annotations

from typing import Any

import keras


def fuse_normalisations(network: keras.Model, backend: str) -> None:
    """Have the network's batch normalisations take fewer passes in training, where they can. What they compute stays
    the same but for rounding."""
    kind = {"tensorflow": FusedBatchNormalization, "jax": OnePassBatchNormalization}.get(backend)
    for layer in network._flatten_layers():
        if kind and type(layer) is keras.layers.BatchNormalization and _can_be_fused(layer):
            layer.__class__ = kind


def _can_be_fused(layer: keras.layers.BatchNormalization) -> bool:
    # not by `layer.input`: within a custom layer it has none, and called twice it has two
    axes = layer.input_spec.ndim if layer.input_spec else None
    channels_last = axes == 4 and layer.axis % 4 == 3
    return channels_last and layer.center and layer.scale and not layer.synchronized


class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]  # Keras is untyped
    """`keras.layers.BatchNormalization` of (batch, height, width, channels), with scale and centre."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """See `keras.layers.BatchNormalization`."""
        if not training or not self.trainable or mask is not None:
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs,
            tf.cast(self.gamma, tf.float32),
            tf.cast(self.beta, tf.float32),
            epsilon=self.epsilon,
            is_training=True,
        )
        count = tf.cast(tf.size(inputs) // inputs.shape[-1], tf.float32)
        variance *= (count - 1) / count  # the operation's is unbiased, Keras' isn't
        for moving, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + new * (1 - self.momentum))
        return outputs


class OnePassBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]  # Keras is untyped
    """`keras.layers.BatchNormalization` of (batch, height, width, channels) on JAX: mean and variance in one pass."""

    def _moments(self, inputs: Any, mask: Any) -> Any:
        if mask is not None:
            return super()._moments(inputs, mask)
        import jax.numpy as jnp

        axes = tuple(range(len(inputs.shape) - 1))
        mean = jnp.mean(inputs, axes)
        return mean, jnp.maximum(jnp.mean(jnp.square(inputs), axes) - jnp.square(mean), 0)
