"""Results to try plugins on: one that was measured, and one that failed. Neither is of any machine."""

from __future__ import annotations

import zoo
from zoo.record.environment import Environment, OperatingSystem, Processor
from zoo.record.measures import MEASURES, Accuracy, LatencyStats, Measures, Process, Rate, Statistics
from zoo.record.result import FailureRecord, Origin, Result
from zoo.record.scenario import Scenario

SAMPLES_S = (0.0019, 0.002, 0.0021)
NOT_TAKEN = "this is a sample of a Result"


def sample_results() -> tuple[Result, Result]:
    """What was measured, and what ended for want of memory, with no measure."""
    measures = Measures(
        parameters=223_242,
        trainable_parameters=221_866,
        macs=28_997_504,
        macs_left_out=(),
        flops=57_995_008,
        weights_bytes=892_968,
        latency_s=0.002,
        images_per_second=16_000.0,
        peak_rss_bytes=700_000_000,
        accuracy=Accuracy(value=0.985, low=0.972, high=0.992, images=600),
    )
    measured = Result(
        id="20260101T000000-00000001",
        created_at="2026-01-01T00:00:00+00:00",
        outcome="ok",
        scenario=Scenario(model="sample", dataset="digits", batch_size=32),
        environment=Environment(
            fingerprint="0123456789abcdef",
            processor=Processor(model="A processor", architecture="x86_64", usable_cores=2, memory_bytes=2**33),
            accelerators=(),
            os=OperatingSystem(system="Linux", release="6.1"),
            python="CPython 3.12.0",
            packages={"keras": "3.12.0"},
            device="cpu",
            threads=2,
        ),
        measures=measures,
        reasons={name: NOT_TAKEN for name in MEASURES if getattr(measures, name) is None},
        plugin=Origin(distribution="zoo-sample", version="1.0"),
        zoo_version=zoo.__version__,
        stats=Statistics(
            latency_s=LatencyStats(n=3, processes=1, median=0.002, mean=0.002, std=0.0001, min=0.0019, max=0.0021),
            images_per_second=Rate(value=16_000.0, low=15_200.0, high=16_800.0),
        ),
        samples=(Process(latency_s=SAMPLES_S, iterations=1),),
        labels=("sample",),
    )
    failed = Result(
        id="20260101T000001-00000002",
        created_at="2026-01-01T00:00:01+00:00",
        outcome="out_of_memory",
        scenario=Scenario(model="sample", dataset="digits", batch_size=256),
        environment=measured.environment,
        measures=Measures(),
        reasons=dict.fromkeys(MEASURES, "out_of_memory: used more than 900 MiB of memory"),
        plugin=measured.plugin,
        zoo_version=zoo.__version__,
        failure=FailureRecord(message="used more than 900 MiB of memory", phase="build", type="MemoryLimit"),
    )
    return measured, failed
