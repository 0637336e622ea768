"""The process that does the work: call one function, write what it returned, and end."""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

from zoo.errors import EXIT_FAILED, ZooError
from zoo.executors.process_tree import die_with_parent
from zoo.references import resolve
from zoo.text import describe


def main(folder: Path) -> None:
    """Run the task in `folder` and leave `returned.json` there."""
    die_with_parent()
    faulthandler.enable()
    faulthandler.register(signal.SIGTERM, chain=True)  # at a deadline the log says where it hung
    task = json.loads((folder / "task.json").read_text())
    events = (folder / "events.jsonl").open("a", buffering=1)

    def report(event: str, **values: Any) -> None:
        """Tell the parent how far the work is."""
        events.write(json.dumps({"event": event, **values}) + "\n")

    try:
        returned = {"value": resolve(task["function"])(task["job"], report)}
        content = json.dumps(returned, allow_nan=False)
    except BaseException as error:
        traceback.print_exc()
        content = json.dumps({"error": _as_json(error)})
    temporary = folder / "returned.json.part"
    temporary.write_text(content)
    temporary.rename(folder / "returned.json")
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(0)  # neither threads left running nor a framework's teardown can hold it up


def _as_json(error: BaseException) -> dict[str, Any]:
    ours = isinstance(error, ZooError)
    kinds = [kind for kind in type(error).__mro__ if not ours or kind.__module__ == ZooError.__module__]
    return {
        "type": kinds[0].__name__,  # of the zoo's own the one that whoever asked knows
        "ours": ours,
        "message": str(error) if ours else describe(error),
        "exit_code": error.exit_code if isinstance(error, ZooError) else EXIT_FAILED,
        "out_of_memory": isinstance(error, MemoryError)
        or type(error).__name__ in ("ResourceExhaustedError", "OutOfMemoryError")
        or describe(error).partition(": ")[2].startswith("RESOURCE_EXHAUSTED"),  # JAX has one type for all errors
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
