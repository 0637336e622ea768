"""What a machine can do at most, as tables. Pure functions."""

from __future__ import annotations

from zoo.benchmarking.peak import LeftOut, Peaks
from zoo.record import numbers
from zoo.report.render import render

BUSY = 0.5


def arithmetic(peaks: Peaks, fmt: str) -> str:
    """One row a precision and number of threads."""
    headers = ["matrix product", "threads", "peak", "by", "size"]
    rows = [
        [
            one.precision,
            one.threads or "–",
            "–" if one.flops_per_s is None else _speed(one.flops_per_s, one.precision),
            one.by or "–",
            "–" if one.size is None else f"{one.size:,} × {one.size:,}",
        ]
        for one in peaks.arithmetic
    ]
    return render(headers, rows, fmt, right=[*headers[1:3], headers[4]])


def memory(peaks: Peaks, fmt: str) -> str:
    """One row a working set and number of threads."""
    headers = ["memory", "threads", "peak", "by"]
    rows = [
        [
            size(one.working_set_bytes),
            one.threads or "–",
            "–" if one.bytes_per_s is None else f"{numbers.significant(one.bytes_per_s / 1e9)} GB/s",
            one.by or "–",
        ]
        for one in peaks.memory
    ]
    return render(headers, rows, fmt, right=headers[1:3])


def notes(peaks: Peaks) -> list[str]:
    """Why there is no number where there is none, what was left out, and where all this was measured."""
    lines = [
        f"! {one.precision}{_on(one.threads)}: {one.reason}" for one in peaks.arithmetic if one.flops_per_s is None
    ]
    lines += [
        f"! {size(one.working_set_bytes)} of memory{_on(one.threads)}: {one.reason}"
        for one in peaks.memory
        if one.bytes_per_s is None
    ]
    if peaks.left_out:
        names = "; ".join(_named(one) for one in peaks.left_out)
        lines.append(f"! the time was over before these were measured: {names}; 'zoo peak --again' with more --seconds")
    if peaks.load_at_start is not None and peaks.load_at_start >= BUSY:
        lines.append(f"! the machine was busy (load {peaks.load_at_start:g}): 'zoo peak --again' once it is not")
    return [*lines, f"environment {peaks.fingerprint}, measured {peaks.created_at} in {peaks.seconds:.0f} s"]


def size(count: int) -> str:
    """A working set: `64 MiB`, `1.88 GiB`."""
    return f"{numbers.significant(count / 2**30)} GiB" if count >= 2**30 else f"{count // 2**20} MiB"


def _named(one: LeftOut) -> str:
    return f"{one.what}{'' if one.precision is None else f' {one.precision}'}{_on(one.threads)}"


def _speed(flops_per_s: float, precision: str) -> str:
    return f"{numbers.significant(flops_per_s / 1e9)} G{'OP' if precision == 'int8' else 'FLOP'}/s"


def _on(threads: int | None) -> str:
    return "" if threads is None else f", {threads} thread{'s' if threads > 1 else ''}"
