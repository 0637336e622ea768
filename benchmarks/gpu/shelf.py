"""What a window brings back: at most eight files of at most 16 MiB, each whole whatever happens."""

from __future__ import annotations

import dataclasses
import io
import json
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.files import write_atomic

MOST_BYTES = 16 * 2**20
RESULTS = ("results-1.jsonl", "results-2.jsonl")
WEIGHTS = ("weights-1.tar", "weights-2.tar", "weights-3.tar")
STATE, LOGS, SUMMARY = "state.json", "logs.txt", "summary.txt"
FILES = (STATE, SUMMARY, LOGS, *RESULTS, *WEIGHTS)
LOG_BYTES = 64 * 1024  # kept of each step: its end


class Full(Exception):  # noqa: N818 - no room is not an error of a step
    """Why something can't be kept."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a step went.

    Attributes:
        outcome: "finished"; "failed" or "cut" (the window closed), which a later window tries again.
        began_s: since the window opened.
        record: what it printed, for a step of kind "record".
        kept: what of it is on the shelf: ids of Results, or the name of its weights.
        why: one line, if it is not finished.
    """

    name: str
    outcome: str
    began_s: float
    seconds: float
    expected_s: float
    window: int
    record: Any = None
    kept: tuple[str, ...] = ()
    why: str | None = None


@dataclass
class Shelf:
    """The folder that travels back. What is finished stands in `state.json`, which is written last."""

    folder: Path
    rehearsed: bool
    done: dict[str, Done] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path, *, rehearsed: bool, earlier: Path | None = None) -> Shelf:
        """The shelf in a folder, with what an earlier window left there, or in `earlier`.

        :raises ValueError: one line, if what is there is of a rehearsal and this is none, or the other way round.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for part in folder.glob(".*"):  # of a write that was cut off
            if any(part.name.startswith(f".{name}.") for name in FILES):
                part.unlink()
        if earlier is not None and not (folder / STATE).exists():
            for name in sorted(FILES, key=lambda name: name == STATE):
                if (earlier / name).is_file():
                    write_atomic(folder / name, (earlier / name).read_bytes())
        shelf = cls(folder, rehearsed)
        if (folder / STATE).exists():
            state = json.loads((folder / STATE).read_bytes())
            if state["rehearsed"] != rehearsed:
                what = "a rehearsal" if state["rehearsed"] else "a real window"
                raise ValueError(f"{folder} holds files of {what}; name another folder with --out")
            shelf.done = {one["name"]: Done(**{**one, "kept": tuple(one["kept"])}) for one in state["steps"]}
        return shelf

    @property
    def windows(self) -> int:
        """How many windows have left something here."""
        return max((one.window for one in self.done.values()), default=0)

    def is_finished(self, name: str) -> bool:
        """Whether a step need not be done again."""
        return name in self.done and self.done[name].outcome == "finished"

    def add(self, done: Done, *, results: Sequence[str] = (), weights: Path | None = None, log: str = "") -> Done:
        """Keep what a step left, then say that it is done. What finds no room costs the step, not the shelf."""
        try:
            if results:
                self._append_lines(results)
                done = dataclasses.replace(done, kept=tuple(json.loads(line)["id"] for line in results))
            if weights is not None:
                name = f"{done.name.removeprefix('train-')}.safetensors"
                self._append_member(name, weights.read_bytes())
                done = dataclasses.replace(done, kept=(name,))
        except Full as why:
            done = dataclasses.replace(done, outcome="failed", why=str(why))
        self._log(done.name, log)
        self.done[done.name] = done
        self._save()
        return done

    def summarise(self, text: str) -> None:
        """Write what is printed last."""
        write_atomic(self.folder / SUMMARY, text.encode())

    def _save(self) -> None:
        state = {"rehearsed": self.rehearsed, "steps": [dataclasses.asdict(one) for one in self.done.values()]}
        write_atomic(self.folder / STATE, (json.dumps(state, indent=1, allow_nan=False) + "\n").encode())

    def _append_lines(self, lines: Sequence[str]) -> None:
        """Add Results that are not there yet, to the first file with room for all of them."""
        there = {json.loads(line)["id"] for name in RESULTS for line in self._read(name).decode().splitlines()}
        new = "".join(f"{line}\n" for line in lines if json.loads(line)["id"] not in there).encode()
        for name in RESULTS:
            content = self._read(name)
            if len(content) + len(new) <= MOST_BYTES:
                write_atomic(self.folder / name, content + new)
                return
        raise Full(f"its Results take {len(new) / 2**20:.1f} MiB and the files for them are full")

    def _append_member(self, name: str, content: bytes) -> None:
        """Add a file to the first archive with room; one of that name is replaced."""
        for archive in WEIGHTS:
            members = self._members(archive)
            members.pop(name, None)
            packed = _packed({**members, name: content})
            if len(packed) <= MOST_BYTES:
                write_atomic(self.folder / archive, packed)
                return
        raise Full(f"its weights take {len(content) / 2**20:.1f} MiB and the files for them are full")

    def _members(self, archive: str) -> dict[str, bytes]:
        content = self._read(archive)
        if not content:
            return {}
        with tarfile.open(fileobj=io.BytesIO(content)) as file:
            opened = {member.name: file.extractfile(member) for member in file.getmembers()}
            return {name: stream.read() for name, stream in opened.items() if stream is not None}

    def _log(self, name: str, log: str) -> None:
        text = f"==== {name}\n{log.strip()}\n".encode()[-LOG_BYTES:]
        write_atomic(self.folder / LOGS, (self._read(LOGS) + text)[-MOST_BYTES:])

    def _read(self, name: str) -> bytes:
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return b""


def _packed(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        for name, content in sorted(members.items()):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return buffer.getvalue()
