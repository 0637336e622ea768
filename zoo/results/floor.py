"""The noise floor of a machine: what a model against itself shows there."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Sequence

from zoo.errors import UsageError
from zoo.files import write_atomic
from zoo.record.result import Result
from zoo.results.store import Store
from zoo.results.verdicts import Floor

FOLDER = "calibration"


def floor_of(a: Result, b: Result) -> Floor:
    """The floor from two Results of one scenario whose processes ran in turn.

    :raises UsageError: if they don't have at least two pairs of processes.
    """
    medians = [[math.log(statistics.median(p.latency_s)) for p in side.samples] for side in (a, b)]
    differences = [y - x for x, y in zip(*medians, strict=True)]
    ratios = [abs(math.expm1(difference)) for difference in differences]
    if len(ratios) < 2:
        raise UsageError("a noise floor takes at least two pairs of processes")
    return Floor(
        process_sd=statistics.stdev([*medians[0], *medians[1]]),
        pair_sd=statistics.stdev(differences),
        pairs=len(ratios),
        environment=a.environment.fingerprint,
        ratio_p95=_quantile(sorted(ratios), 0.95),
    )


def save_floor(store: Store, floor: Floor) -> None:
    """Keep it for the comparisons of its environment; an older one is replaced."""
    file = store.folder / FOLDER / f"{floor.environment}.json"
    write_atomic(file, json.dumps(floor.to_json()).encode())


def load_floor(store: Store, environment: str) -> Floor | None:
    """The floor of an environment, if one was measured there; a damaged one counts as none."""
    try:
        return Floor.from_json(json.loads((store.folder / FOLDER / f"{environment}.json").read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _quantile(ordered: Sequence[float], q: float) -> float:
    return ordered[min(len(ordered) - 1, math.ceil(q * len(ordered)) - 1)]
