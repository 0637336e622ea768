"""The command `zoo` for tests of all that surrounds a measurement, and not of its figures.

It measures for a moment. References are computed by JAX, which starts in a third of TensorFlow's time, or by the
backend that `KERAS_BACKEND` names. Without `--runtime`, `zoo bench` measures JAX.
"""

import os

from zoo.benchmarking import plan, reference, timing
from zoo.start import main

reference.BACKENDS = (os.environ.get("KERAS_BACKEND", "jax"),)
# Defaults of dataclasses: those of their constructors.
plan.Options.__init__.__kwdefaults__["runtimes"] = ("jax",)
timing.Policy.__init__.__kwdefaults__.update(
    {"warmup_min_s": 0.1, "warmup_max_s": 0.5, "min_time_s": 0.25, "min_rounds": 16, "max_time_s": 0.5}
)

if __name__ == "__main__":
    main()
