"""A model's layers under the roofs of this machine, as SVG. Lengths are in px."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from zoo.benchmarking.peak import Memory, Peaks
from zoo.benchmarking.roofline import Point, points
from zoo.chart import FAINT, GRID, INK, PAPER, decades, text
from zoo.errors import UsageError
from zoo.record import numbers
from zoo.record.cost import LayerCost
from zoo.report.peaks import size

WIDTH, HEIGHT = 460, 300  # of a panel's plot
LEFT, TOP, GAP, BOTTOM = 70, 92, 90, 56
LARGEST = 22.0  # radius of a layer that does all the arithmetic
ROOF, MEMORY, COMPUTE = "#1f2328", "#c2410c", "#2f6fb3"
BATCH_SIZES = (1, 32)
LABELS = 4
ALIKE = 1.2

Place = Callable[[float, float], tuple[float, float]]


def draw(description: Mapping[str, Any], peaks: Peaks, *, threads: int, precision: str = "float32") -> str:
    """Draw the layers that multiply, a panel for each of some batch sizes.

    :param description: what `zoo.api.describe` returns.
    :raises UsageError: if there is no peak of that precision and number of threads, or no layer that multiplies.
    """
    top = peaks.flops_per_s(precision, threads)
    slopes = [one for one in peaks.memory if one.threads == threads and one.bytes_per_s is not None]
    on = f"{threads} thread{'s' if threads > 1 else ''}"
    if top is None or not slopes:
        raise UsageError(f"no peak of {precision} on {on} was measured; 'zoo peak --again' tries once more")
    layers = [LayerCost.from_json(layer) for layer in description["layers"]]
    panels = [
        points(layers, batch_size=batch, precision=precision, threads=threads, peaks=peaks) for batch in BATCH_SIZES
    ]
    every = [point for panel in panels for point in panel]
    if not every:
        raise UsageError(f"{description['name']} has no layer that is known to multiply")
    across = decades(min(p.intensity for p in every) / 1.5, max(p.intensity for p in every) * 1.5)
    up = [*decades(min(_reached(p) for p in every) / 2, top)[:-1], 2 * top]
    title = f"{description['name']}: {precision} on {on}"
    width = LEFT + len(panels) * (WIDTH + GAP)
    height = TOP + HEIGHT + BOTTOM
    groups = [
        f'<g transform="translate({LEFT + column * (WIDTH + GAP)} {TOP})">'
        f"{''.join(_panel(batch, found, across, up, top, slopes))}</g>"
        for column, (batch, found) in enumerate(zip(BATCH_SIZES, panels, strict=True))
    ]
    note = (
        "Each disc is a layer, its area its share of the FLOPs, as high as the roofs let it be: orange below a slope "
        "(memory), blue below the flat roof (arithmetic)."
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="Helvetica, Arial, sans-serif" font-size="11" fill="{INK}">',
            f"<title>{html.escape(title)}</title>",
            f'<rect width="100%" height="100%" fill="{PAPER}"/>',
            text(title, LEFT, 28, size=15),
            text(note, LEFT, 46),
            *groups,
            "</svg>\n",
        ]
    )


def _reached(point: Point) -> float:
    assert point.least_s is not None  # noqa: S101 - there are peaks
    return point.flops / point.least_s


def _panel(
    batch_size: int,
    found: Sequence[Point],
    across: Sequence[float],
    up: Sequence[float],
    top: float,
    slopes: Sequence[Memory],
) -> Iterator[str]:
    def place(x: float, y: float) -> tuple[float, float]:
        return (
            WIDTH * math.log(x / across[0]) / math.log(across[-1] / across[0]),
            HEIGHT * (1 - math.log(y / up[0]) / math.log(up[-1] / up[0])),
        )

    yield text(f"batch {batch_size}", 0, -16, size=12)
    for y_value in up[:-1]:
        y = place(across[0], y_value)[1]
        yield f'<path d="M0 {y:.1f}H{WIDTH}" stroke="{GRID}"/>'
        yield text(f"{y_value / 1e9:g}", -6, y + 4, "end")
    for x_value in across:
        x = place(x_value, up[0])[0]
        yield f'<path d="M{x:.1f} 0V{HEIGHT}" stroke="{GRID}"/>'
        yield text(f"{x_value:g}", x, HEIGHT + 16, "middle")
    yield text("FLOPs per byte", WIDTH, HEIGHT + 34, "end")
    yield text("GFLOP/s", -6, -16, "end")

    roof = place(across[0], top)[1]
    yield text(f"{numbers.significant(top / 1e9)} GFLOP/s", WIDTH, roof - 6, "end")
    for speed, label in _apart(slopes):
        yield from _slope(speed, label, place, across, up, top)
    yield from _discs(found, place)


def _apart(slopes: Sequence[Memory]) -> Iterator[tuple[float, str]]:
    """Bandwidths and what to call them; those that could not be told apart in the picture are one, the fastest."""
    left = sorted((one for one in slopes if one.bytes_per_s), key=lambda one: -(one.bytes_per_s or 0))
    while left:
        speed = left[0].bytes_per_s or 0.0
        near = [one for one in left if (one.bytes_per_s or 0.0) * ALIKE >= speed]
        left = left[len(near) :]
        sizes = sorted(one.working_set_bytes for one in near)
        through = size(sizes[0]) if len(sizes) == 1 else f"{size(sizes[0])} to {size(sizes[-1])}"
        yield speed, f"{numbers.significant(speed / 1e9)} GB/s through {through}"


def _slope(
    speed: float, label: str, place: Place, across: Sequence[float], up: Sequence[float], top: float
) -> Iterator[str]:
    """A roof: as fast as memory gives operands, up to the peak."""
    first = max(across[0], up[0] / speed)
    ridge = min(max(top / speed, first), across[-1])
    corners = [
        place(first, first * speed),
        place(ridge, ridge * speed),
        place(across[-1], min(top, across[-1] * speed)),
    ]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    yield f'<polyline points="{path}" fill="none" stroke="{ROOF}" stroke-width="1.2"/>'
    (x, y), (x_ridge, y_ridge) = corners[:2]
    angle = math.degrees(math.atan2(y_ridge - y, x_ridge - x))
    yield (
        f'<text transform="translate({x:.1f} {y:.1f}) rotate({angle:.1f})" x="6" y="-4" font-size="9" fill="{FAINT}">'
        f"{html.escape(label)}</text>"
    )


def _discs(found: Sequence[Point], place: Place) -> Iterator[str]:
    total = sum(point.flops for point in found)
    placed = [(point, *place(point.intensity, _reached(point))) for point in found]
    for point, x, y in sorted(placed, key=lambda one: -one[0].flops):
        share = point.flops / total
        colour = MEMORY if (point.memory_s or 0) > (point.arithmetic_s or 0) else COMPUTE
        yield (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{max(2.5, LARGEST * math.sqrt(share)):.1f}" fill="{colour}" '
            f'fill-opacity="0.35" stroke="{colour}"><title>{html.escape(point.name)}: {numbers.percent(share)} of the '
            f"FLOPs, {numbers.significant(point.intensity)} FLOPs per byte</title></circle>"
        )
    together: dict[tuple[int, int], list[Point]] = {}
    for point, x, y in placed:
        together.setdefault((round(x / 12), round(y / 12)), []).append(point)
    largest = sorted(together.values(), key=lambda group: -sum(point.flops for point in group))[:LABELS]
    for row, group in enumerate(sorted(largest, key=lambda group: -group[0].intensity)):
        x, y = place(group[0].intensity, _reached(group[0]))
        more = f" and {len(group) - 1} more" if len(group) > 1 else ""
        text_y = min(y + 48 + 16 * row, HEIGHT - 16 * (LABELS - row))
        yield f'<path d="M{x:.1f} {y:.1f}V{text_y:.1f}" stroke="{FAINT}" stroke-width="0.6"/>'
        yield text(f"{group[0].name}{more}", x + 3, text_y)
