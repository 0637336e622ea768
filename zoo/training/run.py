"""A run's folder: the job, the history, the checkpoint, and at the end weights, curves and the result.

run.json                 what is trained and how
history.jsonl            a line for each epoch
checkpoint.safetensors   the state after the last whole epoch
weights.safetensors      the result: weights with their provenance …
curves.svg               … a picture of the history …
result.json              … and what `zoo train --json` prints; written last
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.errors import UsageError
from zoo.files import write_atomic
from zoo.paths import reason, writable_folder
from zoo.training.job import Job, differences

LOCK_WAIT_S = 10.0  # a killed run's worker ends within a second


@dataclass(frozen=True, slots=True)
class Run:
    """The folder of one run. Its files are whole or not there."""

    folder: Path

    @property
    def job(self) -> Path:
        """The job's identity."""
        return self.folder / "run.json"

    @property
    def history(self) -> Path:
        """JSON Lines, one for each epoch."""
        return self.folder / "history.jsonl"

    @property
    def checkpoint(self) -> Path:
        """See `zoo.training.state`."""
        return self.folder / "checkpoint.safetensors"

    @property
    def weights(self) -> Path:
        """Of a finished run."""
        return self.folder / "weights.safetensors"

    @property
    def curves(self) -> Path:
        """A picture of the history."""
        return self.folder / "curves.svg"

    @property
    def result(self) -> Path:
        """Of a finished run; written last."""
        return self.folder / "result.json"

    def check(self, job: Job) -> None:
        """See that the folder is writable and holds nothing, or this very job. A finished run of other code gives way,
        unless the job is to go on with it.

        :raises UsageError: if not.
        """
        writable_folder(self.folder)
        found = self._read_job()
        if found is None:
            if any(not name.name.startswith(".") for name in self.folder.iterdir()):
                raise UsageError(f"{self.folder} holds other files; name an empty folder, or one that is not there")
            return
        here = job.identity()
        if not job.resume and self.finished() is not None and {**found, "code": None} == {**here, "code": None}:
            return
        if different := list(differences(found, here)):
            more = f" (and {len(different) - 1} more)" if len(different) > 1 else ""
            raise UsageError(f"{self.folder} holds another run: {different[0]}{more}; name another folder")

    def begin(self, job: Job) -> None:
        """Clear what an earlier run of the job has left, and record the job."""
        for path in (self.result, self.weights, self.curves, self.history, self.checkpoint):
            path.unlink(missing_ok=True)
        write_atomic(self.job, (json.dumps(job.identity(), indent=2) + "\n").encode())

    def epochs(self) -> list[dict[str, Any]]:
        """The history so far."""
        try:
            lines = self.history.read_text().splitlines()
            return [json.loads(line) for line in lines]
        except (OSError, ValueError):
            return []

    def add_epoch(self, line: Mapping[str, Any]) -> None:
        """Add an epoch to the history, durably.

        :raises UsageError: if it can't be written.
        """
        try:
            with self.history.open("a") as file:
                file.write(json.dumps(line, allow_nan=False) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise UsageError(f"can't write {self.history}: {reason(error)}") from None

    def keep_epochs(self, count: int) -> None:
        """Drop what the history has of epochs after the last checkpoint."""
        lines = self.history.read_text().splitlines(keepends=True) if self.history.exists() else []
        write_atomic(self.history, "".join(lines[:count]).encode())

    def finished(self) -> dict[str, Any] | None:
        """The result, if there is one."""
        try:
            result: dict[str, Any] = json.loads(self.result.read_bytes())
        except (OSError, ValueError):
            return None
        return result

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out. The kernel lets go when this process ends, however it does.

        :raises UsageError: if another keeps the folder for more than a moment.
        """
        with (self.folder / ".lock").open("w") as file:
            until = time.monotonic() + LOCK_WAIT_S
            while not _lock(file.fileno()):
                if time.monotonic() > until:
                    raise UsageError(f"another 'zoo train' is at work in {self.folder}")
                time.sleep(0.1)
            yield

    def _read_job(self) -> Mapping[str, Any] | None:
        try:
            found = json.loads(self.job.read_bytes())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks goes without
        return True
    return True
