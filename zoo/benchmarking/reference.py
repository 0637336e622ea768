"""What every runtime is held to: real test images, and the logits that float32 Keras gives for them.

They are computed once for each model, in a process of their own, so that no runtime has a part in them, and handed to
the workers as files. Later runs take them from the cache, as long as nothing has changed on which they depend.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from zoo.benchmarking.files_read import FilesRead
from zoo.benchmarking.identity import of_reference
from zoo.benchmarking.kept_references import STATES, KeptReferences
from zoo.benchmarking.plan import Step
from zoo.data.catalog import Dataset
from zoo.errors import ModelError
from zoo.executors import folders
from zoo.executors.local import Completed, Task
from zoo.executors.local import run as run_task
from zoo.installed import versions
from zoo.keras_backend import import_keras
from zoo.record.environment import Environment
from zoo.specs import ModelSpec

if TYPE_CHECKING:
    import numpy as np

IMAGES = 256
MOST_BYTES = 2**26  # of images: as many fewer where they are large
BACKENDS = ("tensorflow", "jax", "torch")
# Where no accelerator's own arithmetic has a part in it.
ENVIRONMENT = {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu", "KERAS_TORCH_DEVICE": "cpu"}


@dataclass(frozen=True, slots=True)
class Reference:
    """In a worker: images of the test split as the model takes them, and their logits.

    Attributes:
        images: float32, (count, height, width, channels).
        logits: float32, (count, classes).
        source: what computed the logits.
        weights: a file with the weights, where the model has no trained ones.
        calibration: images of the training split, where a quantisation needs them.
    """

    images: np.ndarray[Any, Any]
    logits: np.ndarray[Any, Any]
    source: str
    weights: Path
    calibration: np.ndarray[Any, Any] | None

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `run` wrote; images come into memory as they are used."""
        import numpy as np

        calibration = folder / "calibration.npy"
        return cls(
            np.load(folder / "images.npy", mmap_mode="r"),
            np.load(folder / "logits.npy"),
            json.loads((folder / "source.json").read_text()),
            folder / "weights.safetensors",
            np.array(np.load(calibration)) if calibration.is_file() else None,
        )

    def batch(self, first: int, size: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """A batch of images and their logits, beginning with image `first`; they come round again."""
        import numpy as np

        chosen = np.arange(first, first + size) % len(self.images)
        return self.images[chosen], self.logits[chosen]


class References:
    """In the parent: the folder of references for a run, each made when the first of its scenarios needs it.

    :param environment: as `zoo.benchmarking.environment.collect` gives it.
    """

    def __init__(self, steps: Sequence[Step], environment: Environment) -> None:
        self.environment = environment
        self.calibrated = {_key(step) for step in steps if step.scenario.precision == "int8"}
        self.made: dict[str, Path | Completed] = {}
        self.kept = KeptReferences()

    def __enter__(self) -> Self:
        self.owned = folders.make(folders.RUN)
        self.folder = self.owned.path
        return self

    def __exit__(self, *_: object) -> None:
        self.owned.remove()

    def find(self, step: Step, on_phase: Callable[[str], None]) -> Path | Completed:
        """The folder of a step's reference, or how making it failed."""
        key = _key(step)
        if key not in self.made:
            self.made[key] = self._make(step, self.folder / str(len(self.made)), key in self.calibrated, on_phase)
        return self.made[key]

    def _make(self, step: Step, folder: Path, calibrated: bool, on_phase: Callable[[str], None]) -> Path | Completed:
        folder.mkdir()
        elsewhere = step.elsewhere
        installed = elsewhere.environment.packages if elsewhere else versions(BACKENDS)
        backend = next((name for name in BACKENDS if name in installed), BACKENDS[0])
        key = None if elsewhere else of_reference(step, self.environment, backend=backend, calibrated=calibrated)
        if key is not None and self.kept.restore(key, folder):
            on_phase("reference, from the cache")
            return folder

        def on_event(event: Mapping[str, Any]) -> None:
            if event["event"] == "phase":
                on_phase(f"reference, {event['name']}")

        job = {name: step.job[name] for name in ("model", "dataset", "weights")}
        task = Task(
            "zoo.benchmarking.reference:run",
            {**job, "folder": str(folder), "calibrated": calibrated, "started_ns": time.time_ns()},
            {**step.task().environment, **ENVIRONMENT, "KERAS_BACKEND": backend},
            timeout_s=step.options.timeout_s,
            memory_limit_bytes=step.options.memory_limit_bytes,
            label=f"reference-{step.scenario.model}",
            python=elsewhere.python if elsewhere else None,
        )
        completed = run_task(task, on_event)
        if completed.outcome != "ok":
            return completed
        if key is not None:
            self.kept.keep(key, folder)
        return folder


def _key(step: Step) -> str:
    python = step.elsewhere.python if step.elsewhere else None  # another environment's code may compute other logits
    return json.dumps([python, *(step.job[name] for name in ("model", "dataset", "weights"))], sort_keys=True)


def run(job: Mapping[str, Any], report: Callable[..., None]) -> None:
    """In a process of its own: write the reference of a model to `job["folder"]`."""
    report("phase", name="import")
    keras = import_keras()
    import numpy as np
    from keras import ops

    from zoo.benchmarking.weights import as_trained, load_weights, normalisation
    from zoo.data.load import batches, ensure_prepared
    from zoo.data.preprocess import adapt
    from zoo.modeling import weights
    from zoo.modeling.build import build

    spec, dataset, folder = ModelSpec.from_json(job["model"]), Dataset.from_json(job["dataset"]), Path(job["folder"])
    report("phase", name="data")
    ensure_prepared(dataset)  # by whatever code: what it reads and writes meanwhile doesn't count
    files = FilesRead(job["started_ns"], own=(folder, Path(tempfile.gettempdir()).parent))
    report("phase", name="build")
    model = build(spec, classes=dataset.classes)
    report("phase", name="load")
    loaded = load_weights(model, spec, dataset.name, job["weights"])
    if loaded is None:
        weights.save(model, folder / "weights.safetensors", {})

    report("phase", name="reference")
    mean, std = normalisation(loaded)
    prepared = as_trained(dataset, spec, loaded)
    count = max(1, min(IMAGES, MOST_BYTES // (4 * int(np.prod(spec.input_shape)))))

    def passed_over(_: str) -> None:
        pass  # what is scored tells how many there are

    def first_images(split: str) -> np.ndarray[Any, Any]:
        images, _ = next(batches(prepared, split, count, on_damaged=passed_over if dataset.skip_damaged else None))
        return adapt(images, spec.input_shape, mean, std)

    images = first_images("test")
    logits = np.array(ops.convert_to_numpy(model(images, training=False)), np.float32)
    if not np.isfinite(logits).all():
        raise ModelError(f"{spec.name} gives logits that are not finite")
    np.save(folder / "images.npy", images)
    np.save(folder / "logits.npy", logits)
    if job["calibrated"]:
        np.save(folder / "calibration.npy", first_images("train"))
    source = f"Keras {keras.__version__} on {keras.backend.backend()}, cpu, float32"
    (folder / "source.json").write_text(json.dumps(source))
    if (states := files.states(spec.build.partition(":")[0].partition(".")[0])) is not None:
        (folder / STATES).write_text(json.dumps(states))
