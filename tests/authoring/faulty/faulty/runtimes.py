"""Runtimes on PyTorch, each with one fault, and a plugin that brings them."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import zoo
from zoo.runtimes import Started

POOL = ThreadPoolExecutor(3)

FAULTS = (
    *("fine", "runtime-fails", "runtime-fails.session", "runtime-fails.start", "runtime-wrong", "runtime-wrong.shape"),
    *("runtime-shares-memory", "runtime-shares-memory.fetched", "runtime-shares-memory.handed-out"),
    *("runtime-does-not-wait", "runtime-does-not-close", "runtime-does-not-close.again"),
    *("runtime-does-not-close.threads", "runtime-does-not-close.files", "runtime-threads", "runtime-threads.told"),
)


@zoo.hookimpl
def zoo_runtimes() -> list[zoo.RuntimeSpec]:
    return [
        zoo.RuntimeSpec(
            name=name,
            summary="has this fault",
            runtime=f"faulty.runtimes:{class_name(name)}",
            keras_backend="torch",
        )
        for name in FAULTS
    ]


def class_name(name: str) -> str:
    """Such as `RuntimeFailsSession`."""
    return "".join(part.title() for part in name.replace(".", "-").split("-"))


class Fine:
    """model(images) by PyTorch, without a fault."""

    threads = 1

    def start(self, *, device: str, precision: str, threads: int) -> Started:
        import torch

        torch.set_num_threads(self.threads)
        return Started(device="cpu", threads=threads)

    def devices(self) -> list[str]:
        return ["cpu"]

    def open(self, model: Any, batch_size: int, calibration: Any = None) -> Any:
        return Session(model)


class Session:
    def __init__(self, model: Any) -> None:
        self.model = model

    def place(self, images: Any) -> Any:
        import torch

        return torch.tensor(images)

    def run(self, placed: Any) -> Any:
        import torch

        with torch.no_grad():
            return self.model(placed, training=False)

    def wait(self, output: Any) -> None:
        pass

    def fetch(self, output: Any) -> Any:
        return output.numpy().copy()

    def close(self) -> None:
        del self.model


class Changed(Fine):
    """One that changes its sessions."""

    def open(self, model: Any, batch_size: int, calibration: Any = None) -> Any:
        session: Any = super().open(model, batch_size)
        self.change(session)
        return session


class RuntimeFails:
    def start(self, **_: Any) -> dict[str, Any]:
        raise OSError("no such library")

    devices = open = start


class RuntimeFailsSession(Changed):
    def change(self, session: Any) -> None:
        session.fetch = None


class RuntimeFailsStart(Fine):
    def start(self, **_: Any) -> Any:
        return None


class RuntimeWrong(Changed):
    def change(self, session: Any) -> None:
        right = session.run
        session.run = lambda placed: 1.01 * right(placed)


class RuntimeWrongShape(Changed):
    def change(self, session: Any) -> None:
        right = session.fetch
        session.fetch = lambda output: right(output)[:, :-1]


class RuntimeSharesMemory(Changed):
    def change(self, session: Any) -> None:
        import torch

        session.place = torch.from_numpy


class RuntimeSharesMemoryFetched(Changed):
    """It gives out the memory that the next run writes to."""

    def change(self, session: Any) -> None:
        import numpy as np

        buffer = np.empty((8, 10), np.float32)
        right = session.fetch

        def fetch(output: Any) -> Any:
            buffer[:] = right(output)
            return buffer

        session.fetch = fetch


class RuntimeSharesMemoryHandedOut(Changed):
    """It keeps the logits of a batch, and gives out those that it keeps."""

    def change(self, session: Any) -> None:
        right, kept = session.run, {}
        session.run = lambda placed: kept.setdefault(id(placed), (placed, right(placed)))[1]
        session.fetch = lambda output: output.numpy()


class RuntimeDoesNotWait(Changed):
    """It computes when the logits are fetched."""

    def change(self, session: Any) -> None:
        right, fetch = session.run, session.fetch
        session.run = lambda placed: placed
        session.fetch = lambda placed: fetch(right(placed))


class RuntimeDoesNotClose(Changed):
    def change(self, session: Any) -> None:
        def close() -> None:
            raise RuntimeError("still busy")

        session.close = close


class RuntimeDoesNotCloseAgain(Fine):
    opened = 0

    def open(self, model: Any, batch_size: int, calibration: Any = None) -> Any:
        self.opened += 1
        if self.opened > 1:
            raise RuntimeError("there is a session already")
        return super().open(model, batch_size)


class RuntimeDoesNotCloseThreads(Changed):
    def change(self, session: Any) -> None:
        threading.Thread(target=threading.Event().wait, daemon=True).start()


class RuntimeDoesNotCloseFiles(Changed):
    kept: list[Any] = []  # noqa: RUF012 - all of its sessions' files

    def change(self, session: Any) -> None:
        self.kept.append(open(__file__))  # noqa: SIM115 - left open


class RuntimeThreads(Changed):
    """Another three compute as well."""

    def change(self, session: Any) -> None:
        right, work = session.run, [bytes(2**23)] * 3

        def run(placed: Any) -> Any:
            hashed = POOL.map(hashlib.sha256, work)
            output = right(placed)
            list(hashed)
            return output

        session.run = run


class RuntimeThreadsTold(Fine):
    def start(self, **_: Any) -> Started:
        return Started(device="cpu", threads=4)


def check_all(job: Any, report: Any) -> dict[str, Any]:
    """What is found of each, in one process to save time."""
    from zoo.authoring.check import runtime_worker
    from zoo.benchmarking import verification

    runtime_worker.BUSY_S = verification.COPIES_S = 0.1
    return {spec.name: runtime_worker.run({"runtime": spec.to_json()}, report) for spec in zoo_runtimes()}
