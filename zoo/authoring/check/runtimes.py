"""Have runtimes and datasets checked, each in a process of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.authoring.check.left_out import LeftOut
from zoo.authoring.check.models import log_of
from zoo.benchmarking.reference import ENVIRONMENT
from zoo.executors import folders
from zoo.executors.local import Failure, OnEvent, Task, run
from zoo.findings import Finding
from zoo.runtimes.availability import why_not
from zoo.specs import DatasetSpec, RuntimeSpec

TIMEOUT_S = 600.0


def check_runtimes(
    specs: Sequence[RuntimeSpec], environment: Mapping[str, str], on_event: OnEvent
) -> tuple[list[Finding], list[LeftOut]]:
    """All checks of the runtimes.

    :param environment: what the processes need to import the plugins.
    :return: the findings, and which were not checked and why.
    """
    findings: list[Finding] = []
    left_out: list[LeftOut] = []
    for spec in specs:
        if (reason := why_not(spec)) is not None:
            left_out.append(LeftOut("runtime", spec.name, reason))
            continue
        on_event({"event": "phase", "name": f"runtime {spec.name}"})
        on_cpu = ENVIRONMENT if "cpu" in spec.devices else {}
        task = Task(
            "zoo.authoring.check.runtime_worker:run",
            {"runtime": spec.to_json()},
            {**on_cpu, **environment, "KERAS_BACKEND": spec.keras_backend},
            TIMEOUT_S,
            label=f"check-{spec.name}",
        )
        completed = run(task)
        where = f"{spec.runtime}, runtime {spec.name}"
        if completed.value is None:
            findings.append(_failed("runtime-fails", where, completed.failure))
            continue
        findings += [Finding(f["code"], where, f["message"], f["detail"]) for f in completed.value["findings"]]
        if completed.value["unavailable"]:
            left_out.append(LeftOut("runtime", spec.name, completed.value["unavailable"]))
    return findings, left_out


def check_datasets(
    specs: Sequence[DatasetSpec], plugin: str, environment: Mapping[str, str], on_event: OnEvent
) -> tuple[list[Finding], list[LeftOut]]:
    """All checks of the datasets; those that are downloaded are left out.

    :param plugin: the distribution that declares them.
    :return: as `check_runtimes`.
    """
    findings: list[Finding] = []
    left_out: list[LeftOut] = []
    for spec in specs:
        if spec.download:
            why = "it would be downloaded; 'zoo data fetch' and 'zoo data verify' do it"
            left_out.append(LeftOut("dataset", spec.name, why))
            continue
        on_event({"event": "phase", "name": f"dataset {spec.name}"})
        with folders.make(folders.CHECK) as owned:
            job = {"dataset": spec.to_json(), "plugin": plugin, "folder": str(owned.path)}
            task = Task(
                "zoo.authoring.check.dataset_worker:run", job, environment, TIMEOUT_S, label=f"check-{spec.name}"
            )
            completed = run(task)
        where = f"{spec.arrays or spec.builder}, dataset {spec.name}"
        if completed.failure is not None:
            findings.append(_failed("dataset-fails", where, completed.failure))
            continue
        value: Any = completed.value
        findings += [Finding(f["code"], where, f["message"], f["detail"]) for f in value]
    return findings, left_out


def _failed(code: str, where: str, failure: Failure | None) -> Finding:
    assert failure is not None  # noqa: S101 - a task without a value has failed
    return Finding(code, where, f"its process failed: {failure.message}", log_of(failure))
