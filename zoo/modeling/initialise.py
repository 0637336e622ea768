"""Initial weights under JAX, drawn by NumPy.

JAX compiles what draws random numbers anew for each shape, a third of a second each time: half a minute for a network
like EfficientNet-B0, before a single image is seen. The distributions are those of Keras' initialisers and follow their
seeds; the numbers are others than JAX would draw.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras.src.initializers import random_initializers


@contextlib.contextmanager
def quick_initialisers() -> Iterator[None]:
    """Have Keras' initialisers draw by NumPy within the block, where JAX would have to compile."""
    if keras.backend.backend() != "jax":
        yield
        return
    by_jax = random_initializers.random
    random_initializers.random = _ByNumPy(by_jax)
    try:
        yield
    finally:
        random_initializers.random = by_jax


class _ByNumPy:
    """What Keras' initialisers draw from; whatever isn't drawing is `by_jax`'s."""

    def __init__(self, by_jax: Any) -> None:
        self.by_jax = by_jax

    def __getattr__(self, name: str) -> Any:
        return getattr(self.by_jax, name)

    def normal(self, shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
        """See `keras.random.normal`."""
        return _tensor(mean + stddev * self._generator(seed).standard_normal(shape), dtype)

    def uniform(self, shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
        """See `keras.random.uniform`."""
        return _tensor(self._generator(seed).uniform(minval, maxval, shape), dtype)

    def truncated_normal(
        self, shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
    ) -> Any:
        """See `keras.random.truncated_normal`: what lies beyond two standard deviations is drawn again."""
        generator = self._generator(seed)
        drawn = generator.standard_normal(shape)
        while (beyond := np.abs(drawn) > 2).any():
            drawn[beyond] = generator.standard_normal(int(beyond.sum()))
        return _tensor(mean + stddev * drawn, dtype)

    def _generator(self, seed: Any) -> np.random.Generator:
        if isinstance(seed, int):
            return np.random.default_rng(seed % 2**32)
        return np.random.default_rng(keras.ops.convert_to_numpy(self.by_jax.draw_seed(seed)).tolist())


def _tensor(drawn: np.ndarray[Any, Any], dtype: Any) -> Any:
    return keras.ops.convert_to_tensor(drawn.astype(np.float32), dtype=dtype or keras.config.floatx())
