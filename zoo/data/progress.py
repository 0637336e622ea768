"""How far TFDS is with a dataset, and why a connection fails: gathered in the worker, told to the parent."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

TELL_S = 0.5
MIB = 2**20
DOING = {"Dl Completed...": "downloading", "Dl Size...": "downloading", "Extraction completed...": "extracting"}


class Progress(logging.Handler):
    """What TFDS would show as bars, what urllib3 logs of connections, and what has arrived on the disk.

    :param downloads: the folder that TFDS downloads to.
    """

    def __init__(self, downloads: Path) -> None:
        super().__init__(logging.DEBUG)
        self.downloads = downloads
        self.host: str | None = None
        self.trouble: str | None = None
        self.doing = "starting"
        self.done: int | None = None
        self.total: int | None = None
        self.bytes_total: int | None = None

    @contextlib.contextmanager
    def told_to(self, report: Callable[..., None]) -> Iterator[None]:
        """Meanwhile call `report` with the facts twice a second, from a thread of its own."""
        connections = logging.getLogger("urllib3.connectionpool")
        connections.setLevel(logging.DEBUG)
        connections.propagate = False
        connections.addHandler(self)
        self._replace_bars()
        ended = threading.Event()

        def tell() -> None:
            while not ended.wait(TELL_S):
                report("progress", **self.facts())

        report("progress", **self.facts())
        thread = threading.Thread(target=tell, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def facts(self) -> dict[str, Any]:
        """What it is doing, how much of that is done, and two signs of life: bytes downloaded, processor time used."""
        return {
            "doing": self.doing,
            "done": self.done,
            "total": self.total,
            "bytes": _bytes_below(self.downloads),
            "bytes_total": self.bytes_total,
            "cpu_s": time.process_time(),
            "host": self.host,
            "trouble": self.trouble,
        }

    def emit(self, record: logging.LogRecord) -> None:
        """Take note of a line of urllib3's: which host it connects to, or why it could not."""
        args = record.args if isinstance(record.args, tuple) else ()
        if record.msg.startswith("Starting new") and len(args) > 1:
            self.host = str(args[1])
        elif record.msg.startswith("Retrying") and len(args) > 1 and isinstance(args[1], BaseException):
            self.trouble = trouble(args[1])

    def _replace_bars(self) -> None:
        from tensorflow_datasets.core.utils import tqdm_utils
        from tqdm.std import tqdm  # type: ignore[import-untyped]  # it has no stubs here

        show = self._show

        class Bar(tqdm):  # type: ignore[misc]  # tqdm is untyped
            def __init__(self, *args: Any, **options: Any) -> None:
                super().__init__(*args, **{**options, "file": StringIO()})

            def display(self, *_: Any, **__: Any) -> None:
                show(self.desc.removesuffix(": "), self.n, self.total)

        tqdm_utils.tqdm_lib = SimpleNamespace(tqdm=Bar)

    def _show(self, what: str, done: float, total: float | None) -> None:
        if what.startswith("Generating splits"):
            return
        if what.startswith("Dl Size"):
            self.bytes_total = round(total * MIB) if total else None
        self.doing = DOING.get(what, what.partition(" /")[0].removesuffix("...").lower())
        self.done, self.total = round(done), None if total is None else round(total)


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error, what caused it, what caused that, and so on."""
    seen: list[BaseException] = []
    left: list[object] = [error]
    while left:
        cause = left.pop(0)
        if isinstance(cause, BaseException) and not any(cause is other for other in seen):
            seen.append(cause)
            yield cause
            # requests and urllib3 hand what caused an error on as its argument or its reason
            left += [cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args]


def trouble(error: BaseException) -> str:
    """Why there is no connection, in the system's words."""
    for cause in chain(error):
        if isinstance(cause, OSError) and cause.strerror:
            return str(cause.strerror).lower()
    return type(error).__name__


def _bytes_below(folder: Path) -> int:
    """Bytes of the files that are being or were downloaded, without what was extracted from them."""
    total = 0
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != "extracted"]
        for name in files:
            with contextlib.suppress(OSError):  # moved meanwhile
                total += os.stat(os.path.join(place, name)).st_size
    return total
