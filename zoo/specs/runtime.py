"""What executes a model."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.choices import DEVICES, PRECISIONS
from zoo.plain import Plain
from zoo.specs.checks import DISTRIBUTION, REFERENCE, as_tuple, check, check_match, check_name, check_text

RUNTIME_CHOICES = {"devices": DEVICES, "precisions": PRECISIONS}


@dataclass(frozen=True, kw_only=True, slots=True)
class RuntimeSpec(Plain):
    """What executes a built model.

    Attributes:
        name: unique in the zoo.
        summary: one line.
        runtime: `"package.module:Class"` of a `zoo.runtimes.Runtime`, imported only in the worker.
        keras_backend: the Keras backend the worker sets before Keras is imported.
        devices: kinds of device that it can run on: `"cpu"`, `"gpu"`.
        precisions: that it can be asked for; whether this machine has them, its `start` says. `"tf32"` is an NVIDIA
            GPU's: float32 everywhere, but matrix products and convolutions round what they multiply to 10 bits.
        requires: distributions that it needs, by the names of the package index; it is unavailable while one is not
            installed. Their versions, that of the plugin, and those of Keras, NumPy and the framework of
            `keras_backend` stand in the environment of a Result; an upgrade of any of them makes it another
            environment. Name each distribution that computes. scikit-learn and JAX can be imported by `start` only if
            they are among them or are `keras_backend`: otherwise they are kept out until Keras has been imported, so
            that what is measured doesn't depend on what else is installed.
        install: the command that installs them, shown where one is missing.
        exports: whether its sessions save the model as a file that runs without the zoo (`zoo export`).
    """

    name: str
    summary: str
    runtime: str
    keras_backend: str
    devices: tuple[str, ...] = ("cpu",)
    precisions: tuple[str, ...] = ("float32",)
    requires: tuple[str, ...] = ()
    install: str | None = None
    exports: bool = False

    def __post_init__(self) -> None:
        check_name(self.name)
        check_text(self.summary, "summary")
        check_match(REFERENCE, self.runtime, "runtime", '"package.module:Class"')
        check(
            self.keras_backend in ("tensorflow", "jax", "torch"),
            "keras_backend must be tensorflow, jax or torch",
        )
        for name, choices in RUNTIME_CHOICES.items():
            values = as_tuple(getattr(self, name), name)
            check(set(values) <= set(choices), f"{name} must be some of {', '.join(choices)}")
            object.__setattr__(self, name, values)
        requires = tuple(self.requires) if isinstance(self.requires, (tuple, list)) else ("",)
        for distribution in requires:
            check_match(DISTRIBUTION, distribution, "requires", "the name of a distribution")
        object.__setattr__(self, "requires", requires)
        if self.install is not None:
            check_text(self.install, "install")
        check(isinstance(self.exports, bool), "exports must be True or False")
