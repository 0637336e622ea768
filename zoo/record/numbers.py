"""Numbers as people read them, units beside them. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence


def duration(seconds: float | None) -> str:
    """Three significant digits in the unit that suits: `1.62 ms`."""
    if seconds is None:
        return "–"
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if float(f"{seconds / scale:.2e}") >= 1:
            return f"{significant(seconds / scale)} {unit}"
    return f"{significant(seconds / 1e-9)} ns"


def energy(joules: float | None) -> str:
    """Three significant digits in the unit that suits: `1.23 mJ`."""
    if joules is None:
        return "–"
    for unit, scale in (("kJ", 1e3), ("J", 1.0), ("mJ", 1e-3)):
        if float(f"{joules / scale:.2e}") >= 1:
            return f"{significant(joules / scale)} {unit}"
    return f"{significant(joules / 1e-6)} µJ"


def clock_time(seconds: float) -> str:
    """Hours, minutes and seconds, as far as they matter: `1 h 12 min`, `3 min 20 s`, `45 s`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def count(value: int | None) -> str:
    """A count with thousands apart: `223,242`."""
    return "–" if value is None else f"{value:,}"


def millions(value: int | None) -> str:
    """A count in millions: `29.0 M`."""
    return "–" if value is None else f"{significant(value / 1e6)} M"


def size(value: int | None) -> str:
    """Bytes in MB of a million: `0.89 MB`."""
    return "–" if value is None else f"{significant(value / 1e6)} MB"


def rate(value: float | None) -> str:
    """Per second, three significant digits: `2,110`."""
    return "–" if value is None else significant(value)


def percent(value: float) -> str:
    """A share in per cent, one digit after the point: `98.7 %`."""
    return f"{100 * value:.1f} %"


def shape(sizes: Sequence[int | None]) -> str:
    """`32×32×3`; `?` where a size is not fixed."""
    return "×".join("?" if s is None else str(s) for s in sizes)


def significant(value: float, digits: int = 3) -> str:
    """Rounded to so many significant digits, written without an exponent."""
    if value == 0:
        return "0"
    value = float(f"{value:.{digits - 1}e}")  # rounded first: 9.996 has one digit more before the point
    places = digits - 1 - math.floor(math.log10(abs(value)))
    return f"{round(value, places):,.{max(places, 0)}f}"
