"""What people write: `model.predict`, `model(images)` and `tf.function(model)`, on TensorFlow, for contrast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.runtimes import Session
from zoo.runtimes.tensorflow import TensorFlow, placed

if TYPE_CHECKING:
    import keras
    import numpy as np


class Predict(TensorFlow):
    """The runtime `keras-predict`: `model.predict`, which takes arrays and returns arrays."""

    def open(self, model: keras.Model, batch_size: int, calibration: np.ndarray[Any, Any] | None = None) -> Session:
        """See `zoo.runtimes.Runtime`."""
        return PredictSession(model, batch_size)


class PredictSession:
    """A model whose `predict` is called on whole batches."""

    def __init__(self, model: keras.Model, batch_size: int) -> None:
        self.model, self.batch_size = model, batch_size

    def place(self, images: np.ndarray[Any, Any]) -> Any:
        """See `zoo.runtimes.Session`. To copy to a device is part of what `predict` does."""
        return images.copy()

    def run(self, placed: Any) -> Any:
        """See `zoo.runtimes.Session`."""
        return self.model.predict(placed, batch_size=self.batch_size, verbose=0)

    def wait(self, output: Any) -> None:
        """`predict` returns when it is done."""

    def fetch(self, output: Any) -> np.ndarray[Any, Any]:
        """See `zoo.runtimes.Session`."""
        return output.copy()  # type: ignore[no-any-return]  # Keras is untyped

    def close(self) -> None:
        """The model is the caller's."""
        del self.model


class Call(TensorFlow):
    """The runtime `keras-call`: `model(images, training=False)`, an operation at a time."""

    def open(self, model: keras.Model, batch_size: int, calibration: np.ndarray[Any, Any] | None = None) -> Session:
        """See `zoo.runtimes.Runtime`."""
        return CallSession(model)


class CallSession:
    """A model that is called eagerly on tensors."""

    def __init__(self, model: keras.Model) -> None:
        self.model = model

    def place(self, images: np.ndarray[Any, Any]) -> Any:
        """See `zoo.runtimes.Session`."""
        return placed(images)

    def run(self, placed: Any) -> Any:
        """See `zoo.runtimes.Session`."""
        return self.model(placed, training=False)

    def wait(self, output: Any) -> None:
        """Copying the logits, a few bytes an image, waits for whatever computes them."""
        output.numpy()

    def fetch(self, output: Any) -> np.ndarray[Any, Any]:
        """See `zoo.runtimes.Session`."""
        import numpy as np

        return np.array(output.numpy())

    def close(self) -> None:
        """The model is the caller's."""
        del self.model


class Function(TensorFlow):
    """The runtime `keras-function`: `tf.function(model)`, called like any Python function."""

    def open(self, model: keras.Model, batch_size: int, calibration: np.ndarray[Any, Any] | None = None) -> Session:
        """See `zoo.runtimes.Runtime`."""
        return FunctionSession(model)


class FunctionSession(CallSession):
    """A model whose call is traced at the first batch, and looked up at each."""

    def __init__(self, model: keras.Model) -> None:
        import tensorflow as tf

        super().__init__(model)
        self.function = tf.function(lambda images: model(images, training=False))

    def run(self, placed: Any) -> Any:
        """See `zoo.runtimes.Session`."""
        return self.function(placed)
