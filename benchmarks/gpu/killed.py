"""Does a window that closes early lose anything? A rehearsal is killed at random moments and begun again.

    python benchmarks/gpu/killed.py [TIMES [SECONDS]]

A moment lies within so many SECONDS after the start. After each `kill -9` every step that had been finished must
still be there, with its Results or its weights whole.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from shelf import RESULTS, WEIGHTS, Shelf

RUN = Path(__file__).with_name("run.py")


def kept(folder: Path) -> set[str]:
    """Ids of Results and names of weights that can be read, whole."""
    found: set[str] = set()
    for name in RESULTS:
        if (folder / name).exists():
            found |= {json.loads(line)["id"] for line in (folder / name).read_text().splitlines()}
    for name in WEIGHTS:
        if (folder / name).exists():
            from safetensors.numpy import load

            with tarfile.open(folder / name) as archive:
                for member in archive:
                    load(archive.extractfile(member).read())
                    found.add(member.name)
    return found


def main(times: str = "10", longest_s: str = "60") -> None:
    """Kill, look, and go on."""
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "out"
        command = [sys.executable, str(RUN), "--rehearse", "--short", "--minutes", "30", "--out", str(out)]
        before: set[str] = set()
        number = 0
        while number < int(times):
            process = subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
            )
            moment = random.uniform(1, float(longest_s))
            ended = "killed"
            number += 1
            try:
                process.wait(timeout=moment)
                ended = f"ended by itself, exit code {process.returncode},"
                number -= 1  # it was not killed
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            time.sleep(1)
            there = Shelf.open(out, rehearsed=True)
            finished = {name for name in there.done if there.is_finished(name)}
            lost = before - finished
            missing = {item for name in finished for item in there.done[name].kept} - kept(out)
            if lost or missing:
                sys.exit(f"{number}: lost {sorted(lost | missing)}")
            print(
                f"{number}: {ended} after {moment:.0f} s; finished and whole: {', '.join(sorted(finished)) or 'none'}"
            )
            before = finished
            if ended != "killed":
                before = set()
                subprocess.run(["rm", "-r", str(out)], check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
