"""Results in a format for others: one of the zoo's own, or one that a plugin brings."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from zoo import registry as _registry
from zoo.errors import ModelError, ZooError
from zoo.executors import folders
from zoo.executors.local import Failure, Task, run
from zoo.installed import CORE
from zoo.record.reading import Damaged
from zoo.record.result import Result
from zoo.references import resolve
from zoo.registry import Entry
from zoo.results.export import parse
from zoo.specs import ExporterSpec

TIMEOUT_S = 600.0
PIECE_BYTES = 2**20
WRITTEN = "written"  # the file's name


def export_results(
    results: Iterable[Result], name: str = "jsonl", *, registry: _registry.Registry | None = None
) -> Iterator[bytes]:
    """Results in a format, in pieces. Nothing is given before a plugin has written all of it.

    :param name: of the format, as `zoo results export --format` takes it.
    :raises UsageError: if there is no such format.
    :raises ZooError: one line that names the plugin, if its function fails.
    """
    return write(results, (registry or _registry.load()).exporter(name))


def write(results: Iterable[Result], entry: Entry[ExporterSpec]) -> Iterator[bytes]:
    """Results in the format of a registry's entry, as `export_results` gives them."""
    if entry.plugin == CORE:  # the zoo's own functions give pieces, so that no store is too large
        return (piece.encode() for piece in resolve(entry.spec.write)(results))
    return _write_apart(results, entry)


def _write_apart(results: Iterable[Result], entry: Entry[ExporterSpec]) -> Iterator[bytes]:
    """What the function of a plugin returns."""
    with folders.make(folders.RUN) as owned:
        if (failure := write_to(owned.path, results, entry.spec)) is not None:
            kept = f"; its log is {failure.log}" if failure.log else ""
            raise ZooError(f"the format {entry.spec.name} of {entry.plugin} failed: {failure.message}{kept}")
        with (owned.path / WRITTEN).open("rb") as content:
            while piece := content.read(PIECE_BYTES):
                yield piece


def write_to(
    folder: Path, results: Iterable[Result], spec: ExporterSpec, variables: Mapping[str, str] | None = None
) -> Failure | None:
    """Have a plugin's function write Results to a file in the folder, in a process of its own.

    :param variables: of the environment, that the process needs to import the plugin.
    :return: how it failed, if it did.
    """
    read = folder / "results.jsonl"
    with read.open("w") as file:
        file.writelines(f"{result.dumps()}\n" for result in results)
    job = {"write": spec.write, "read": str(read), "written": str(folder / WRITTEN)}
    return run(Task(f"{__name__}:work", job, variables or {}, TIMEOUT_S, label=f"export-{spec.name}")).failure


def work(job: Mapping[str, Any], _: Callable[..., None]) -> None:
    """In a process of its own: have the plugin's function write the Results to `job["written"]`.

    :raises ModelError: if it prints, or returns neither text nor bytes.
    """
    function = resolve(job["write"])
    found = parse(Path(job["read"]).read_bytes(), "results")
    results = [result for result in found if not isinstance(result, Damaged)]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        returned = function(results)
    if not isinstance(returned, (str, bytes)):
        raise ModelError(f"{job['write']} must return str or bytes, not {type(returned).__name__}")
    if printed.getvalue():
        raise ModelError(f"{job['write']} prints to standard output; it must return all that it writes")
    Path(job["written"]).write_bytes(returned.encode() if isinstance(returned, str) else returned)
