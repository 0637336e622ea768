"""The noise floor of a scenario: what it shows against itself on this machine.

How much processes differ depends on how long a call takes and on what computes it. A batch of one that takes 0.2 ms
varies more than a batch of 256 that takes 50 ms, and a GPU varies in other ways than a processor. A floor therefore
counts only for the scenario that it was measured of: the same model, runtime, device, precision, batch size and
threads, in the same environment. The dataset doesn't count: it decides no more than the number of classes.
"""

from __future__ import annotations

import hashlib
import json
import math
import statistics
from dataclasses import replace
from pathlib import Path

from zoo.errors import UsageError, ZooError
from zoo.files import write_atomic
from zoo.record.result import Result
from zoo.record.scenario import Scenario
from zoo.results.store import Store
from zoo.results.verdicts import NoiseFloor

FOLDER = "calibration"
ANY_DATASET = "any"


def noise_floor_of(a: Result, b: Result) -> NoiseFloor:
    """The floor from two Results of one scenario whose processes ran in turn.

    :raises UsageError: if they don't have at least two pairs of processes.
    """
    medians = [[math.log(statistics.median(p.latency_s)) for p in side.samples] for side in (a, b)]
    differences = [y - x for x, y in zip(*medians, strict=True)]
    ratios = [abs(math.expm1(difference)) for difference in differences]
    if len(ratios) < 2:
        raise UsageError("a noise floor takes at least two pairs of processes")
    return NoiseFloor(
        process_sd=statistics.stdev([*medians[0], *medians[1]]),
        pair_sd=statistics.stdev(differences),
        pairs=len(ratios),
        environment=a.environment.fingerprint,
        scenario=_scope(a.scenario),
        ratio_p95=sorted(ratios)[math.ceil(0.95 * len(ratios)) - 1],
    )


def save_noise_floor(store: Store, floor: NoiseFloor) -> None:
    """Keep it for the comparisons of its scenario and environment; an older one is replaced."""
    write_atomic(_file(store, floor.environment, floor.scenario), json.dumps(floor.to_json()).encode())


def load_noise_floor(store: Store, a: Result, b: Result) -> NoiseFloor | None:
    """The floor of a comparison: None unless one was measured of each side's scenario, in its environment.

    Of two models, each with its floor, the noisier counts. A damaged floor counts as none.
    """
    floors = [_load(store, side.environment.fingerprint, _scope(side.scenario)) for side in (a, b)]
    known = [floor for floor in floors if floor is not None]
    if len(known) < len(floors):
        return None
    return replace(
        known[0],
        process_sd=max(floor.process_sd for floor in known),
        pair_sd=max(floor.pair_sd for floor in known),
        pairs=min(floor.pairs for floor in known),
        ratio_p95=max(floor.ratio_p95 for floor in known),
    )


def _load(store: Store, environment: str, scenario: Scenario) -> NoiseFloor | None:
    try:
        floor = NoiseFloor.from_json(json.loads(_file(store, environment, scenario).read_bytes()))
    except (OSError, ValueError, ZooError):
        return None
    return floor if (floor.environment, floor.scenario) == (environment, scenario) else None


def _scope(scenario: Scenario) -> Scenario:
    return replace(scenario, dataset=ANY_DATASET)


def _file(store: Store, environment: str, scenario: Scenario) -> Path:
    digest = hashlib.sha256(json.dumps(scenario.to_json(), sort_keys=True).encode()).hexdigest()[:16]
    return store.folder / FOLDER / f"{environment}-{digest}.json"
