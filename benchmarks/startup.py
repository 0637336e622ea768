"""What starting `zoo` costs, as a multiple of starting Python, with many plugins and many models installed.

    python benchmarks/startup.py
    python benchmarks/startup.py --llm others/bin/llm --timm others/bin/python

`--llm` and `--timm` name a command `llm` (`pip install llm`) and a Python that has timm (`pip install timm`, which
takes torch and torchvision); without them those rows are left out. One run measures everything in turn: each round
starts every command once, in another order, and divides by what `python -c pass` took in that round, so that what else
the machine does meets all alike. Processor time says the same of a machine that is busy. Before it measures, every
plugin is read once, which for those that import TensorFlow takes minutes.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

BIN = Path(sys.executable).parent
PLAIN = "import zoo\n"
HEAVY = "import tensorflow as tf\nimport zoo\n"
TAB = {"_ZOO_COMPLETE": "bash_complete", "COMP_WORDS": "zoo bench plain-1-", "COMP_CWORD": "2"}
HOOK = """
@zoo.hookimpl
def zoo_models():
    return [
        zoo.ModelSpec(name=f"{prefix}-{{n}}", build="a.b:c", input_shape=(32, 32, 3), classes=10, parameters=1_000_000,
                      summary="a residual network of so many layers, by somebody, from some paper")
        for n in range({models})
    ]
"""


@dataclass
class Command:
    """A command line, the variables that it is run under, and what it took in each round: time, and processor time."""

    name: str
    words: Sequence[str]
    variables: dict[str, str] = field(default_factory=dict)
    times_s: list[float] = field(default_factory=list)
    processor_s: list[float] = field(default_factory=list)

    def run(self) -> tuple[float, float]:
        """Run it once; returns the seconds until it has ended, and those that it kept a processor busy."""
        start = time.perf_counter()
        environment = {**os.environ, **self.variables}
        process = subprocess.Popen(self.words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{self.name} ended with exit code {process.returncode}")
        return time.perf_counter() - start, usage.ru_utime + usage.ru_stime

    def measure(self) -> None:
        """Run it once and keep what it took."""
        time_s, processor_s = self.run()
        self.times_s.append(time_s)
        self.processor_s.append(processor_s)


def main() -> None:
    """Install the plugins, have them read, measure, print a table."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _install(folder / "plain", "plain", PLAIN, arguments.plugins, arguments.models // arguments.plugins)
        _install(folder / "heavy", "heavy", HEAVY, arguments.heavy, 1)
        plain = {"ZOO_HOME": str(folder / "home"), "ZOO_PLUGIN_TIMEOUT": "600", "PYTHONPATH": str(folder / "plain")}
        heavy = {**plain, "PYTHONPATH": os.pathsep.join((plain["PYTHONPATH"], str(folder / "heavy")))}
        python = Command("python -c pass", [sys.executable, "-c", "pass"])
        time.sleep(0.1)  # what has changed a moment ago is read again
        commands = [python, *_zoo(arguments, plain, heavy), *_others(arguments)]
        for command in commands:
            cold, _ = command.run()
            print(f"{command.name}: {cold:.1f} s the first time", file=sys.stderr)
        for _ in range(arguments.rounds):
            for command in random.sample(commands, len(commands)):
                command.measure()
    pass_s = statistics.median(python.processor_s)
    print(f"{'× python -c pass':<58} {'time':>6} {'half of the rounds':>20} {'processor time':>16}")
    for command in commands[1:]:
        ratios = [mine / plain_s for mine, plain_s in zip(command.times_s, python.times_s, strict=True)]
        low, median, high = statistics.quantiles(ratios, n=4)
        processor = statistics.median(command.processor_s) / pass_s
        print(f"{command.name:<58} {median:>6.2f} {f'{low:.2f}–{high:.2f}':>20} {processor:>16.2f}")
    added = statistics.median(commands[5].processor_s) / statistics.median(commands[2].processor_s) - 1
    print(f"\n{arguments.heavy} plugins that import TensorFlow add {added:+.1%} to the processor time of zoo list")
    print(f"python -c pass: {1000 * statistics.median(python.times_s):.1f} ms, {arguments.rounds} rounds")


def _zoo(arguments: argparse.Namespace, plain: dict[str, str], heavy: dict[str, str]) -> list[Command]:
    zoo = str(BIN / "zoo")
    many = f"{arguments.plugins} plugins, {arguments.models:,} models"
    more = f"and {arguments.heavy} with TensorFlow"
    return [
        Command(f"zoo --help, {many}", [zoo, "--help"], plain),
        Command(f"zoo list, {many}", [zoo, "list"], plain),
        Command(f"zoo list 'plain-1-*', {many}", [zoo, "list", "plain-1-*"], plain),
        Command(f"completion of a model's name, {many}", [zoo], plain | TAB),
        Command(f"zoo list, {more}", [zoo, "list"], heavy),
        Command(f"zoo --help, {more}", [zoo, "--help"], heavy),
        Command(f"completion of a model's name, {more}", [zoo], heavy | TAB),
    ]


def _others(arguments: argparse.Namespace) -> list[Command]:
    found = []
    if llm := arguments.llm or shutil.which("llm"):
        found.append(Command("llm models", [llm, "models"]))
    if (BIN / "pytest").exists() or shutil.which("pytest"):
        found.append(Command("pytest --version", [shutil.which("pytest") or str(BIN / "pytest"), "--version"]))
    if arguments.timm:
        found.append(Command("timm.list_models()", [arguments.timm, "-c", "import timm; timm.list_models()"]))
    return found


def _install(folder: Path, prefix: str, header: str, plugins: int, models: int) -> None:
    folder.mkdir()
    for number in range(plugins):
        module = f"{prefix}_{number}"
        (folder / module).mkdir()
        source = header + HOOK.format(prefix=f"{prefix}-{number}", models=models)
        (folder / module / "__init__.py").write_text(source)
        info = folder / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {prefix}-{number}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[zoo]\n{prefix}-{number} = {module}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plugins", type=int, default=100)
    parser.add_argument("--models", type=int, default=1000, help="of all plugins together")
    parser.add_argument("--heavy", type=int, default=50, help="plugins that import TensorFlow at the top")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--llm", help="a command llm")
    parser.add_argument("--timm", help="a Python that has timm")
    return parser.parse_args()


if __name__ == "__main__":
    main()
