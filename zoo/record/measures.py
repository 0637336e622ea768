"""What came out of a measurement: one definition of each measure, in SI units and bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from zoo.record.base import Record, Whole
from zoo.record.conditions import Conditions
from zoo.record.energy import Energy


@dataclass(frozen=True, kw_only=True, slots=True)
class Accuracy(Record):
    """Top-1 accuracy on a whole test split.

    Attributes:
        value: the share of images whose best class is right.
        low: lower end of its 95 % interval (Wilson 1927).
        high: upper end.
        images: how many were scored.
    """

    value: float
    low: float
    high: float
    images: Whole


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate(Record):
    """A figure of the images that were scored.

    Attributes:
        value: of these images.
        low: lower end of its 95 % interval.
        high: upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Quality(Record):
    """More than top-1 accuracy: what the logits of the test split say.

    Attributes:
        top5: the share of images whose class is among the five best; None where there are no more than five classes.
        negative_log_likelihood: mean over the images, in nats; its interval by the normal approximation.
        calibration_error: how far confidence and accuracy are apart on average, over 15 bins of equal width (Guo et al.
            2017, section 3); its interval by the basic bootstrap over 1,000 resamples, widened to hold the value.
    """

    top5: Accuracy | None
    negative_log_likelihood: Estimate
    calibration_error: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class Measures(Record):
    """Every measure. Where one is None, `reasons` in the Result says why.

    Attributes:
        parameters: counted in the built model.
        trainable_parameters: those that training changes.
        macs: multiply-accumulates of products of matrices (convolutions, dense, recurrent and attention layers), for
            one image; a lower bound if `macs_left_out` names anything.
        macs_left_out: names of the layers that may multiply and are not in `macs`: custom ones, and `outer/inner` for
            those within others.
        flops: 2 × `macs`.
        weights_bytes: all parameters at the types they are kept in.
        import_s: importing the framework, in a fresh process.
        build_s: building the model.
        load_s: loading its weights.
        first_call_s: the first batch: tracing, compiling, allocating.
        latency_s: median time of one batch in the steady state. Over several processes, this and the next four are
            geometric means.
        images_per_second: all images over all time in the steady state.
        peak_rss_bytes: largest resident size of the process, before the test images are loaded.
        peak_rss_above_import_bytes: the same above its size after the imports.
        peak_device_bytes: the device's own peak, where it has a counter.
        place_s: median time of putting a new batch where the device reads it.
        fetch_s: median time of getting its logits into an array.
        end_to_end_s: median time from a new batch of images in host memory to its logits in an array.
        flops_share: `flops` × batch size over `latency_s`, as a share of what this machine does at its best in that
            precision with as many threads; None where it is above that.
        bound_by: what limits the speed: "dispatch", "memory" or "arithmetic".
        energy_per_image_j: the energy of all turns over all their images.
        energy_per_image_net_j: the same without what the idle device would have used in that time.
        power_w: the mean over the turns in the steady state.
        idle_power_w: while nothing is computed but the model is loaded: the mean of before the first call and after
            sampling.
        accuracy: top-1 on the whole test split.
    """

    parameters: Whole | None = None
    trainable_parameters: Whole | None = None
    macs: Whole | None = None
    macs_left_out: tuple[str, ...] | None = None
    flops: Whole | None = None
    weights_bytes: Whole | None = None
    import_s: float | None = None
    build_s: float | None = None
    load_s: float | None = None
    first_call_s: float | None = None
    latency_s: float | None = None
    images_per_second: float | None = None
    peak_rss_bytes: Whole | None = None
    peak_rss_above_import_bytes: Whole | None = None
    peak_device_bytes: Whole | None = None
    place_s: float | None = None
    fetch_s: float | None = None
    end_to_end_s: float | None = None
    flops_share: float | None = None
    bound_by: str | None = None
    energy_per_image_j: float | None = None
    energy_per_image_net_j: float | None = None
    power_w: float | None = None
    idle_power_w: float | None = None
    accuracy: Accuracy | None = None


MEASURES = tuple(one.name for one in fields(Measures))


@dataclass(frozen=True, kw_only=True, slots=True)
class LatencyStats(Record):
    """Of samples from one or more processes, in seconds a batch.

    Attributes:
        n: number of samples.
        processes: that they come from.
        median: of each process; of several, the geometric mean of theirs.
        mean: likewise.
        std: their standard deviation; 0 for one sample.
        min: the shortest.
        max: the longest.
        p90: 90th percentile; None below 64 samples, since two must lie beyond it with 99 % confidence (Wilks 1941).
        p99: 99th percentile; None below 662 samples.
        low: lower end of the median's interval.
        high: upper end.
        mean_low: lower end of the mean's interval.
        mean_high: upper end.
        outliers: how many samples lie beyond Tukey's fences (1.5 interquartile ranges); none is dropped.
        severe_outliers: how many lie beyond 3 interquartile ranges.
        confidence: of the intervals.
    """

    n: Whole
    median: float
    processes: Whole = 1
    mean: float | None = None
    std: float | None = None
    min: float | None = None
    max: float | None = None
    p90: float | None = None
    p99: float | None = None
    low: float | None = None
    high: float | None = None
    mean_low: float | None = None
    mean_high: float | None = None
    outliers: Whole | None = None
    severe_outliers: Whole | None = None
    confidence: float = 0.95


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate(Record):
    """Images a second.

    Attributes:
        value: all images over all time; of several processes, the geometric mean of theirs.
        low: lower end of its 95 % interval.
        high: upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Statistics(Record):
    """Statistics of the samples; None where there are no samples.

    Attributes:
        latency_s: of a batch.
        images_per_second: the rate.
    """

    latency_s: LatencyStats | None = None
    images_per_second: Rate | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnRecord(Record):
    """A turn of a process: the samples that it took while no other process sampled.

    Attributes:
        start_s: when it began, counted from the scenario's first turn.
        rounds: how many samples it gave.
    """

    start_s: float
    rounds: Whole


@dataclass(frozen=True, kw_only=True, slots=True)
class Activity(Record):
    """The use of the machine's cores while a process sampled.

    Attributes:
        seconds: that it sampled.
        own_cores_busy: that this process kept busy, on average.
        other_cores_busy: that other processes kept busy.
        stolen_cores: that a hypervisor gave to other guests.
        throttled: how often the processor was throttled for heat; None without a counter.
        quota_periods: in how many periods a control group's quota held the process back; None without a quota.
        quota_waited_s: how long it then waited, in all.
    """

    seconds: float
    own_cores_busy: float
    other_cores_busy: float
    stolen_cores: float
    throttled: Whole | None = None
    quota_periods: Whole | None = None
    quota_waited_s: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessMemory(Record):
    """The memory of one process.

    Attributes:
        peak_bytes: largest resident size, before the test images are loaded.
        after_import_bytes: resident size after the imports.
        peak_device_bytes: the device's own peak, where it has a counter.
    """

    peak_bytes: Whole
    after_import_bytes: Whole | None = None
    peak_device_bytes: Whole | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Process(Record):
    """The raw samples of one process.

    Attributes:
        latency_s: seconds a batch, for each round.
        turns: how the rounds are divided.
        iterations: calls in a round.
        warmup_s: seconds a batch, for each round of warming up.
        settled: whether warming up reached a steady state.
        pair: the number of the pair that it belongs to, where two scenarios took turns.
        started_beside: how many other processes started at the same time.
        activity: the use of the machine's cores; None in Results of other tools.
        phases_s: seconds of each phase.
        memory: its peaks.
        energy: the readings of the energy counter.
        accelerator: the state of the board; None where the processor computes.
    """

    latency_s: tuple[float, ...]
    turns: tuple[TurnRecord, ...] = ()
    iterations: Whole = 1
    warmup_s: tuple[float, ...] = ()
    settled: bool = True
    pair: Whole | None = None
    started_beside: Whole = 0
    activity: Activity | None = None
    phases_s: Mapping[str, float] = field(default_factory=dict)
    memory: ProcessMemory | None = None
    energy: Energy | None = None
    accelerator: Conditions | None = None
