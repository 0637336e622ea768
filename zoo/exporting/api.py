"""The public function that writes a model as a file of a runtime's: `zoo export` is a thin face of it. No framework."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo import registry as _registry
from zoo.errors import UsageError
from zoo.executors.local import OnEvent
from zoo.paths import reason
from zoo.runtimes.availability import why_not_so
from zoo.specs import RuntimeSpec


def export(
    model: str,
    output: str | Path,
    *,
    runtime: str,
    dataset: str = "digits",
    precision: str = "float32",
    batch_size: int = 1,
    weights: str | None = None,
    data_dir: str | None = None,
    skip_damaged: bool = False,
    on_event: OnEvent | None = None,
    registry: _registry.Registry | None = None,
) -> dict[str, Any]:
    """Write a trained model as the file that a runtime runs, in a process of its own.

    Beside it: `README.md` with the lines that run it, `example.npz` with real test images and what Keras makes of them,
    and `parity.json`, how far the file's logits are from those of Keras in float32.

    :param output: a folder that isn't there yet, or is empty; it is there as a whole or not at all.
    :param dataset: on which the weights were trained; its test images are what is compared.
    :param weights: "trained", "plugin" or a file; by default those trained here, else the plugin's own.
    :param skip_damaged: leave out files of an image folder that can't be decoded.
    :return: what `parity.json` says, and `path`, the folder.
    :raises UsageError: for what is unknown, impossible here, or would overwrite something.
    :raises ModelError: if the model can't be converted, or the file is not the same model.
    """
    from zoo.data.catalog import class_names, find
    from zoo.data.staging import staging
    from zoo.executors.local import Task, call
    from zoo.modeling.choice import choose_weights
    from zoo.record.scenario import Scenario

    registry = registry or _registry.load()
    entry = registry.model(model)
    chosen = registry.runtime(runtime).spec
    _check_runtime(chosen, precision, registry)
    found = find(dataset, registry.datasets, data_dir, skip_damaged=skip_damaged)
    Scenario(model=model, dataset=found.name, runtime=runtime, precision=precision, batch_size=batch_size)
    trained = choose_weights(entry.spec, found.name, weights)
    if trained is None:
        raise UsageError(
            f"{model} has no weights for {found.name}; 'zoo train {model} --dataset {found.name}' makes them, "
            "or give some with --weights FILE"
        )
    place = _free(Path(output))
    if on_event is not None:
        for note in found.notes:
            on_event({"event": "note", "line": f"{found.name}: {note}"})
    with staging(place.parent) as work:
        folder = work / "export"
        folder.mkdir()
        job = {
            "model": entry.spec.to_json(),
            "plugin": {"distribution": entry.plugin.distribution, "version": entry.plugin.version},
            "runtime": chosen.to_json(),
            "dataset": found.to_json(),
            "class_names": class_names(found),
            "weights": trained,
            "precision": precision,
            "batch_size": batch_size,
            "folder": str(folder),
        }
        environment = {"KERAS_BACKEND": chosen.keras_backend}
        record = call(Task("zoo.exporting.worker:export", job, environment, label=f"export-{model}"), on_event)
        try:
            folder.rename(place)
        except OSError as error:
            raise UsageError(f"can't write {output}: {reason(error)}") from None
    return {**record, "path": str(place)}


def _check_runtime(spec: RuntimeSpec, precision: str, registry: _registry.Registry) -> None:
    if not spec.exports:
        able = ", ".join(name for name, entry in registry.runtimes.items() if entry.spec.exports)
        others = f"these do: {able}" if able else "the plugins zoo-onnxruntime, zoo-openvino and zoo-litert bring some"
        raise UsageError(f"the runtime {spec.name} runs no file of its own; {others}")
    if (why := why_not_so(spec, "cpu", precision)) is not None:
        raise UsageError(why)


def _free(output: Path) -> Path:
    place = output.expanduser().absolute()
    if place.exists() and not (place.is_dir() and not any(place.iterdir())):
        raise UsageError(f"{output} is there already; name a folder that isn't, or is empty")
    return place
