"""Which weights a command takes, by one rule: a file that is named; else those trained here; else the plugin's own."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.errors import UsageError
from zoo.paths import trained_weights
from zoo.specs import ModelSpec

TRAINED, PLUGIN = "trained", "plugin"  # what may be named instead of a file
TRAINED_HERE = "trained here"
DATE = re.compile(r"\d{4}-\d\d-\d\d")


def choose_weights(spec: ModelSpec, dataset: str, given: str | None = None) -> dict[str, str | None] | None:
    """The weights to load, as a worker is told; None if there are none.

    :param given: "trained" for those that were trained or imported here, "plugin" for the plugin's own, or a file; None
        takes those trained here if there are any, else the plugin's own.
    :raises UsageError: if what is named is not there.
    """
    shipped, trained = spec.weights_for(dataset), trained_weights(spec.name, dataset)
    if shipped is None and not trained.is_file():
        trained = _fetched(spec, dataset) or trained
    if given not in (None, TRAINED, PLUGIN):
        if not Path(given).is_file():
            raise UsageError(f"the weights file {given} is not there; --weights takes trained, plugin or a file")
        return {"source": "file", "path": str(Path(given).absolute()), "sha256": None}
    if given == TRAINED and not trained.is_file():
        raise UsageError(
            f"no weights of {spec.name} for {dataset} were trained here; "
            f"'zoo train {spec.name} --dataset {dataset}' makes them"
        )
    if given == PLUGIN and shipped is None:
        raise UsageError(f"the plugin of {spec.name} brings no weights for {dataset}; leave out --weights plugin")
    if given != PLUGIN and trained.is_file():
        return {"source": TRAINED_HERE, "path": str(trained), "sha256": None}
    if shipped is not None:
        # found by the worker: a plugin that lacks its file costs only its own scenarios
        return {"source": "plugin", "path": None, "sha256": shipped.sha256}
    return None


def _fetched(spec: ModelSpec, dataset: str) -> Path | None:
    """Weights that were fetched for another dataset with the same classes."""
    places = (trained_weights(spec.name, fetch.dataset) for fetch in spec.fetch if fetch.serves(dataset))
    return next((place for place in places if place.is_file()), None)


def described(weights: Mapping[str, Any]) -> str:
    """The weights of a Result, as a table names them: `trained here on 2026-11-28, 88.3 %, 2d820ef9`.

    :param weights: `source`, `sha256` and, as far as it is known, their `provenance`.
    """
    provenance = weights.get("provenance")
    said: Mapping[str, Any] = provenance if isinstance(provenance, Mapping) else {}
    source = str(weights["source"])
    if source != TRAINED_HERE:
        return f"{source}, {weights['sha256'][:8]}"
    if said.get("imported"):
        source = "imported here"
    elif said.get("fetched"):
        source = "fetched"
    day = str(said.get("trained_at"))[:10]
    score = said.get("score")
    value = score.get("value") if isinstance(score, Mapping) else None
    parts = [
        f"{source} on {day}" if DATE.fullmatch(day) else source,
        *([f"{100 * value:.1f} %"] if isinstance(value, (int, float)) else []),
        weights["sha256"][:8],
    ]
    return ", ".join(parts)


def now_used(spec: ModelSpec, dataset: str, path: str) -> str:
    """What `zoo train` says of who takes the weights that it has written."""
    bench = f"zoo bench {spec.name}" if dataset == "digits" else f"zoo bench {spec.name} --dataset {dataset}"
    if Path(path).absolute() != trained_weights(spec.name, dataset):
        return f"'{bench} --weights {shlex.quote(path)}' takes these weights"
    instead = " instead of the plugin's, which --weights plugin takes" if spec.weights_for(dataset) else ""
    return f"'{bench}' now takes these weights{instead}"
