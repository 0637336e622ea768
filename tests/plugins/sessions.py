"""Open sessions of runtimes on a trained toy_resnet and on resnet20, and save what they give. One process for all.

    python sessions.py FOLDER RUNTIME:PRECISION...

Under FOLDER, for each: the saved model, `images.npy`, `logits.npy`, `facts.json`.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

import zoo
from zoo import registry
from zoo.data.catalog import find
from zoo.data.load import load
from zoo.data.preprocess import adapt
from zoo.errors import UsageError
from zoo.references import resolve

BATCH = 3


def facts(name: str, precision: str, folder: Path, images: np.ndarray, train: np.ndarray) -> dict[str, Any]:
    """What a runtime's sessions do."""
    runtime: Any = resolve(registry.load().runtime(name).spec.runtime)()
    try:
        started = runtime.start(device="cpu", precision=precision, threads=1)
    except UsageError as error:
        return {"unavailable": str(error)}
    model = zoo.build("toy_resnet", weights="digits")
    session = runtime.open(model, BATCH, train if precision == "int8" else None)

    first, second = images[:BATCH].copy(), images[BATCH : 2 * BATCH].copy()
    placed = session.place(first), session.place(second)
    first[:] = 0  # what was placed is a copy
    outputs = [session.run(batch) for batch in (*placed, placed[0])]
    logits = [session.fetch(output) for output in outputs]
    kept, repeats = logits[0].copy(), bool((logits[0] == logits[2]).all())
    logits[2][:] = 0  # an array of the caller's own
    session.run(placed[1])
    saved = session.save(folder)
    np.save(folder / "images.npy", images[:BATCH])
    np.save(folder / "logits.npy", kept)
    (folder / "snippet.py").write_text(saved.snippet)

    reference = _keras(model, images)
    found = _all(session, images)
    holed = images[:BATCH].copy()
    holed[1, 5, 5, 0] = np.nan
    with_nan = session.fetch(session.run(session.place(holed)))
    busy = _cores_used(lambda: session.run(placed[0]))
    session.close()
    # the process goes on with other sessions; one in 8 bits is slow to make
    again = runtime.open(model, 2) if precision != "int8" else None
    resnet = zoo.build("resnet20", weights="digits")
    other = runtime.open(resnet, BATCH, train if precision == "int8" else None)
    return {
        "unavailable": None,
        "started": started.to_json(),
        "devices": runtime.devices(),
        "type": str(found.dtype),
        "shape": found.shape,
        "repeats": repeats,
        "unchanged_by_later_runs": bool((logits[0] == kept).all()),
        "apart": bool((logits[1] != kept).any()),
        "difference": float(np.abs(found - reference).max() / reference.std()),
        "equal_top1": float((found.argmax(1) == reference.argmax(1)).mean()),
        "nan_rows": np.isnan(with_nan).any(axis=1).tolist(),
        "cores_used": busy,
        "again": float(np.abs(_all(again, images[:2], 2) - found[:2]).max()) if again else 0.0,
        "resnet20": float(np.abs(_all(other, images) - (r := _keras(resnet, images))).max() / r.std()),
        "files": saved.files,
        "lines": len([line for line in saved.snippet.splitlines() if line]),
    }


def _all(session: Any, images: np.ndarray, size: int = BATCH) -> np.ndarray:
    batches = (images[i : i + size] for i in range(0, len(images), size))
    return np.concatenate([session.fetch(session.run(session.place(batch))) for batch in batches])


def _keras(model: Any, images: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(model(images, training=False))


def _cores_used(call: Any, seconds: float = 0.2) -> float:
    start, cpu = time.perf_counter(), time.process_time()
    while time.perf_counter() - start < seconds:
        call()
    return (time.process_time() - cpu) / (time.perf_counter() - start)


def main(folder: str, *chosen: str) -> None:
    """Do them one by one."""
    dataset = find("digits", registry.load().datasets)
    images, train = (
        adapt(load(dataset, split).images[:count], (32, 32, 3)) for split, count in (("test", 96), ("train", 64))
    )
    for item in chosen:
        name, _, precision = item.partition(":")
        place = Path(folder) / f"{name}-{precision}"
        place.mkdir()
        (place / "facts.json").write_text(json.dumps(facts(name, precision, place, images, train)))


if __name__ == "__main__":
    main(*sys.argv[1:])
