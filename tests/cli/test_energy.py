"""Energy and clocks from end to end: real processes, with a counter or a board's library that is pretended."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import Zoo, install

pytestmark = [pytest.mark.real, pytest.mark.timed]

HERE = Path(__file__).parent
WATTS = 40.0

# Read by Python as it starts, in every process.
ANOTHER_TREE = """
from pathlib import Path
from zoo.benchmarking import powercap
powercap.ROOT = Path({root!r})
"""
# A board that draws 100 W, and 50 W more for each core that the asking process keeps busy.
A_LIBRARY = """
import os, sys, time
sys.path.insert(0, {tests!r})
import nvml
sys.path.remove({tests!r})
sys.modules["pynvml"] = nvml.loaded(
    {{
        "TotalEnergyConsumption": lambda: int(1000 * (100 * time.monotonic() + 50 * time.process_time())),
        "ComputeRunningProcesses": lambda: [nvml.process(os.getpid()), nvml.process(2**22 + 1)],
        "CurrentClocksEventReasons": 0x4,
        "TemperatureV": nvml.not_supported(),
    }}
)
"""


def bench(zoo: Zoo, *options: str, **variables: str) -> dict[str, Any]:
    done = zoo("bench", "toy_resnet", "--batch-size", "32", "--json", *options, **variables)
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)
    assert isinstance(result, dict)
    return result


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[Path]:
    """A powercap tree whose package draws so many watts."""
    zone = tmp_path / "powercap" / "intel-rapl:0"
    zone.mkdir(parents=True)
    (zone / "name").write_text("package-0\n")
    (zone / "max_energy_range_uj").write_text("262143328850\n")
    (zone / "energy_uj").write_text("1\n")
    over = threading.Event()

    def count() -> None:
        while not over.wait(0.002):
            (zone / "next").write_text(f"{int(time.monotonic() * WATTS * 1e6) % 262143328850}\n")
            (zone / "next").replace(zone / "energy_uj")

    thread = threading.Thread(target=count)
    thread.start()
    yield zone.parent
    over.set()
    thread.join()


def test_the_processors_counter_gives_energy_for_each_image(zoo: Zoo, tmp_path: Path, counting: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(ANOTHER_TREE.format(root=str(counting)))
    result = bench(zoo, "--runtime", "jax", "--max-time", "8", PYTHONPATH=str(tmp_path))
    measures = result["measures"]
    assert measures["power_w"] == pytest.approx(WATTS, rel=0.1)
    assert measures["idle_power_w"] == pytest.approx(WATTS, rel=0.1)
    assert measures["energy_per_image_j"] == pytest.approx(WATTS / measures["images_per_second"], rel=0.1)
    energy = result["samples"][0]["energy"]
    assert energy["counter"] == "powercap"
    assert len(energy["turns"]) == 1
    assert energy["turns"][0]["seconds"] >= energy["least_s"]
    assert all(energy[name]["seconds"] >= 0.5 for name in ("idle_before", "idle_after"))
    doctor = json.loads(zoo("doctor", "--quick", "--json", PYTHONPATH=str(tmp_path)).stdout)
    assert doctor["energy_counters"][0] == {"device": "processor", "problem": None}


def test_a_board_gives_energy_clocks_and_doubts(zoo: Zoo, tmp_path: Path) -> None:
    install(tmp_path, *(HERE / name for name in ("pretended_gpu.py", "pretended_gpu_impl.py")))
    (tmp_path / "sitecustomize.py").write_text(A_LIBRARY.format(tests=str(HERE.parent)))
    result = bench(zoo, "--runtime", "pretended", "--device", "gpu", "--no-accuracy", PYTHONPATH=str(tmp_path))
    measures, environment = result["measures"], result["environment"]
    assert measures["idle_power_w"] == pytest.approx(100, rel=0.1)
    assert 105 < measures["power_w"] < 100 + 50 * 1.1 * (os.cpu_count() or 1)
    net = (measures["power_w"] - measures["idle_power_w"]) / measures["images_per_second"]
    assert measures["energy_per_image_net_j"] == pytest.approx(net, rel=0.1)
    assert measures["energy_per_image_j"] > measures["energy_per_image_net_j"]
    board = result["samples"][0]["accelerator"]
    assert (board["sm_mhz"], board["temperature_c"], board["others"]) == ([1980] * 2, [None] * 2, [1, 1])
    assert board["reasons"] == {"temperature_c": "not_supported"}
    assert {"accelerator_throttled", "accelerator_busy"} <= {check["code"] for check in result["checks"]}
    assert environment["cuda"] == {"runtime": "12.8", "cudnn": None, "reasons": {"cudnn": "unknown"}}
    assert [each["name"] for each in environment["accelerators"]] == ["NVIDIA H100 80GB HBM3"]


def test_turns_that_are_too_short_for_a_boards_counter_give_no_energy(zoo: Zoo, tmp_path: Path) -> None:
    install(tmp_path, *(HERE / name for name in ("pretended_gpu.py", "pretended_gpu_impl.py")))
    (tmp_path / "sitecustomize.py").write_text(A_LIBRARY.format(tests=str(HERE.parent)))
    options = ("--runtime", "pretended", "--device", "gpu", "--no-accuracy", "--processes", "2")
    result = bench(zoo, *options, PYTHONPATH=str(tmp_path))
    assert result["measures"]["power_w"] is None
    assert result["reasons"]["energy_per_image_j"].startswith("window_too_short: ")
    assert result["measures"]["idle_power_w"] == pytest.approx(100, rel=0.1)
