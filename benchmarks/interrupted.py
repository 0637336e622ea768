"""Does a run that is interrupted again and again end with the weights of one that is not?

    python benchmarks/interrupted.py [MODEL [TIMES [EPOCHS]]]

Trains MODEL on digits once as it is, and once interrupted TIMES at random moments, by kill -9 and Ctrl-C in turn, each
time resumed. A moment lies between the start of a process and the end of its second epoch, so that every one meets a
run that isn't finished. Prints when and how, how many epochs were kept, and the digests of both weights. Ends with 1
where they differ, or where the run was over before the last interruption.
"""

from __future__ import annotations

import json
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tabulate import tabulate

ZOO = Path(sys.executable).parent / "zoo"


def main(model: str = "toy_resnet", times: str = "10", epochs: str = "24") -> int:
    """Train both ways and compare."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a job in the background ignores
    with tempfile.TemporaryDirectory() as scratch:
        whole, parts = Path(scratch) / "whole", Path(scratch) / "parts"
        start = time.monotonic()
        subprocess.run(command(model, epochs, whole), check=True, capture_output=True)
        seconds = time.monotonic() - start
        epoch_s = statistics.median(line["seconds"] for line in history(whole))
        start_s = seconds - sum(line["seconds"] for line in history(whole))
        print(f"not interrupted: {seconds:.1f} s, {start_s:.1f} s of it not training", file=sys.stderr)

        rows = []
        for number in range(int(times)):
            kind = (signal.SIGKILL, signal.SIGINT)[number % 2]
            moment = random.uniform(0, start_s + 2 * epoch_s)
            process = subprocess.Popen(
                [*command(model, epochs, parts), "--resume"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            try:
                process.wait(moment)
            except subprocess.TimeoutExpired:
                process.send_signal(kind)
            rows.append([f"{moment:.2f}", kind.name, process.wait(), len(history(parts))])
        subprocess.run([*command(model, epochs, parts), "--resume"], check=True, capture_output=True)

        headers = ["after s", "by", "exit code", "epochs kept"]
        print(tabulate(rows, headers, tablefmt="github"))
        print(f"not interrupted   {values(whole)}")
        print(f"interrupted       {values(parts)}")
        all_hit = all(code != 0 for _, _, code, _ in rows)
        return int(values(whole) != values(parts) or not all_hit)


def command(model: str, epochs: str, folder: Path) -> list[str | Path]:
    """A run in a folder."""
    output = folder.with_suffix(".safetensors")
    return [ZOO, "train", model, "--epochs", epochs, "--run-dir", folder, "-o", output]


def values(folder: Path) -> str:
    """The digest of a finished run's weights."""
    return str(json.loads((folder / "result.json").read_bytes())["provenance"]["values_sha256"])


def history(folder: Path) -> list[dict[str, float]]:
    """A line for each epoch that is done."""
    file = folder / "history.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
