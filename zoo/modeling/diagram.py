"""A model drawn as SVG: a row for each layer, an arc for each connection that skips layers.

Written by hand and not by Graphviz: nothing to install, and one model always gives the same file.
Lengths are in px of the SVG's own coordinates.
"""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.record import numbers

Layer = Mapping[str, Any]

MARGIN, GAP = 24, 24
ROW, BOX, INDENT = 30, 21, 20
FIRST_LANE, LANE = 30, 13
LEGEND = 100
LONGEST_BAR, BAR_LABEL = 110, 48
FONT, TITLE_FONT, LINE = 11, 20, 18
CHARACTER = 0.61  # mean advance in the widest of the common fonts, in parts of the font's size
LONGEST_NAME, LONGEST_LINE = 40, 100  # characters
INK, FAINT, ARC, PAPER = "#1f2328", "#59636e", "#c2410c", "#ffffff"


@dataclass(frozen=True, slots=True)
class Kind:
    """What sort of work a layer does, told by its type, and the colours of its box."""

    name: str
    types: str
    fill: str
    stroke: str


# The first whose pattern is found in the type: AveragePooling2D pools, Average merges.
_MERGES = "^(add|average|concatenate|dot|maximum|minimum|multiply|subtract)$"
KINDS = (
    Kind("convolution", "conv", "#d3e5f8", "#2f6fb3"),
    Kind("dense", "dense", "#e2d9f3", "#6f4fb0"),
    Kind("norm", "norm", "#eceff2", "#87929c"),
    Kind("pooling", "pool", "#fce6c4", "#b7791f"),
    Kind("merge", _MERGES, "#fbd3dc", "#b32b4f"),
    Kind("activation", "activation|elu|silu|soft|sigmoid|tanh|swish", "#d6efd8", "#3f8f4c"),
    Kind("other", "", "#ffffff", "#6b7580"),
)


@dataclass(frozen=True, slots=True)
class Edge:
    """The layer in row `target` takes the output of the one in row `source`."""

    source: int
    target: int

    @property
    def skips(self) -> bool:
        """Whether it leads elsewhere than to the next row; a shared layer may be fed from below."""
        return self.target != self.source + 1

    @property
    def reach(self) -> tuple[int, int]:
        """In half rows: it leaves the lower half of a box and arrives at the upper half of one."""
        leaves, arrives = 2 * self.source + 1, 2 * self.target
        return min(leaves, arrives), max(leaves, arrives)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the columns begin or, for numbers, which are aligned to the right, end."""

    top: float  # of the first row
    box: float
    boxes: tuple[float, ...]  # one for each row, indented in a branch
    box_width: float
    type: float
    output: float
    parameters: float
    macs: float
    bar: float

    def middle(self, row: int) -> float:
        """The height at which the middle of a row lies."""
        return self.top + ROW * (row + 0.5)


def draw(description: Mapping[str, Any]) -> str:
    """Draw a model as SVG text: layers from top to bottom, connections that skip layers as arcs.

    :param description: what `zoo.api.describe` returns.
    """
    layers: Sequence[Layer] = description["layers"]
    edges = _edges(layers)
    lanes = assign_lanes([edge for edge in edges if edge.skips])
    name = _clean(description["name"])
    lines = [_facts(description), *textwrap.wrap(_clean(description["summary"]), LONGEST_LINE)]
    legend_y = MARGIN + TITLE_FONT + LINE * (len(lines) + 1.5)
    layout = _layout(layers, lanes, top=legend_y + LINE * 2.5)
    kinds = [kind for kind in KINDS if kind in map(_kind, layers)]
    head = max(_advance([name], TITLE_FONT), _advance(lines), LEGEND * (len(kinds) + 1))
    width = max(MARGIN + head, layout.bar + LONGEST_BAR + BAR_LABEL) + MARGIN
    height = layout.top + ROW * len(layers) + MARGIN
    return _tag(
        "svg",
        _tag("title", html.escape(name)),
        _tag("desc", html.escape(_in_words(description, lanes))),
        _tag("rect", width="100%", height="100%", fill=PAPER),
        _text(name, MARGIN, MARGIN + TITLE_FONT, font_size=TITLE_FONT, font_weight="bold"),
        *_lines(lines),
        *_legend(kinds, legend_y, arcs=bool(lanes)),
        _tag("g", *_headings(layout), fill=FAINT),
        _tag("g", *_straight(edges, layers, layout), stroke=FAINT, stroke_width=1.5),
        _tag("g", *_arcs(lanes, layers, layout), stroke=ARC, stroke_width=2, fill="none"),
        *(_row(row, layer, layout) for row, layer in enumerate(layers)),
        *_bars(layers, layout),
        xmlns="http://www.w3.org/2000/svg",
        role="img",
        width=width,
        height=height,
        viewBox=f"0 0 {width:g} {height:g}",
        font_family="Helvetica, Arial, sans-serif",
        font_size=FONT,
        fill=INK,
    )


def _edges(layers: Sequence[Layer]) -> list[Edge]:
    rows = {layer["name"]: row for row, layer in enumerate(layers)}
    return [Edge(rows[name], row) for row, layer in enumerate(layers) for name in layer["inputs"]]


def assign_lanes(arcs: Sequence[Edge]) -> dict[Edge, int]:
    """The lane beside the boxes that each arc takes, 0 the nearest.

    No two arcs lie over each other in a lane, and each lies outside all those within its reach.
    """
    lanes: dict[Edge, int] = {}
    for arc in sorted(arcs, key=lambda arc: arc.reach[1] - arc.reach[0]):
        first, last = arc.reach
        met = {a: n for a, n in lanes.items() if a.reach[0] <= last and first <= a.reach[1]}
        inner = [n for a, n in met.items() if first <= a.reach[0] and a.reach[1] <= last]
        lane = max(inner, default=-1) + 1
        while lane in met.values():
            lane += 1
        lanes[arc] = lane
    return lanes


def _branches(layers: Sequence[Layer]) -> Iterator[bool]:
    """Whether each layer stands in a branch beside the one above it, until they merge."""
    above, branch = None, False
    for layer in layers:
        joins = len(layer["inputs"]) > 1 or above is None
        branch = not joins and (branch or above not in layer["inputs"])
        above = layer["name"]
        yield branch


def _layout(layers: Sequence[Layer], lanes: Mapping[Edge, int], top: float) -> Layout:
    shapes = [numbers.shape(layer["output_shape"]) for layer in layers]
    counts = [numbers.count(layer["parameters"]) for layer in layers]
    box = MARGIN + max(map(_lane_width, lanes.values()), default=0)
    boxes = tuple(box + INDENT * branch for branch in _branches(layers))
    box_width = _advance([_short(layer["name"]) for layer in layers]) + GAP
    type_ = max(boxes, default=box) + box_width + GAP
    output = type_ + _advance([_short(layer["type"]) for layer in layers]) + GAP
    parameters = output + _advance(["output", *shapes]) + GAP + _advance(["parameters", *counts])
    macs = parameters + GAP + _advance(["MACs", *map(_macs, layers)])
    return Layout(top, box, boxes, box_width, type_, output, parameters, macs, bar=macs + GAP / 2)


def _lane_width(lane: int) -> float:
    return FIRST_LANE + LANE * lane


def _lines(lines: Sequence[str]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        yield _text(line, MARGIN, MARGIN + TITLE_FONT + LINE * number, fill=FAINT)


def _legend(kinds: Sequence[Kind], y: float, *, arcs: bool) -> Iterator[str]:
    for number, kind in enumerate(kinds):
        x = MARGIN + LEGEND * number
        yield _box(x, y - 11, 14, 14, kind)
        yield _text(kind.name, x + 20, y)
    if arcs:
        x = MARGIN + LEGEND * len(kinds)
        arc = f"M{x + 14} {y - 10:g}a14 6 0 0 0 0 12"
        yield _tag("path", d=arc, stroke=ARC, stroke_width=2, fill="none")
        yield _text("skips layers", x + 20, y)


def _headings(layout: Layout) -> Iterator[str]:
    y = layout.top - 4
    yield _text("layer", layout.box, y)
    yield from _cells(layout, y, "type", "output", "parameters", "MACs")
    yield _text("share of the MACs", layout.bar, y)


def _cells(layout: Layout, y: float, type_: str, output: str, parameters: str, macs: str) -> Iterator[str]:
    yield _text(type_, layout.type, y)
    yield _text(output, layout.output, y)
    yield _text(parameters, layout.parameters, y, text_anchor="end")
    yield _text(macs, layout.macs, y, text_anchor="end")


def _straight(edges: Sequence[Edge], layers: Sequence[Layer], layout: Layout) -> Iterator[str]:
    x = layout.box + layout.box_width / 2
    for edge in edges:
        if not edge.skips:
            y = layout.middle(edge.source) + BOX / 2
            yield _edge("next", edge, layers, f"M{x:g} {y:g}v{ROW - BOX}")


def _arcs(lanes: Mapping[Edge, int], layers: Sequence[Layer], layout: Layout) -> Iterator[str]:
    for edge, lane in lanes.items():
        # Inner arcs arrive above outer ones, so that they don't cross at the box.
        arriving = sorted(n for other, n in lanes.items() if other.target == edge.target)
        port = (arriving.index(lane) + 1) / (len(arriving) + 1)
        leaves = layout.middle(edge.source) + BOX / 4
        arrives = layout.middle(edge.target) - BOX / 2 * (1 - port)
        curve = _curve(layout.box, _lane_width(lane), leaves, arrives)
        start, end = layout.boxes[edge.source], layout.boxes[edge.target] - 1.5
        path = f"M{start:g} {leaves:g}{curve}H{end:g}m-6-4 6 4-6 4"
        yield _edge("skip", edge, layers, path)


def _curve(x: float, width: float, leaves: float, arrives: float) -> str:
    """To the left of x by the width, along the lane and back to x."""
    bend = min(ROW, abs(arrives - leaves) / 2)
    down = 1 if arrives > leaves else -1
    turn = f"A{width:g} {bend:g} 0 0 {0 if down > 0 else 1}"
    start, end = leaves + down * bend, arrives - down * bend
    return f"H{x:g}{turn} {x - width:g} {start:g}V{end:g}{turn} {x:g} {arrives:g}"


def _edge(style: str, edge: Edge, layers: Sequence[Layer], path: str) -> str:
    source, target = layers[edge.source]["name"], layers[edge.target]["name"]
    return _tag("path", d=path, class_=style, data_from=source, data_to=target)


def _row(row: int, layer: Layer, layout: Layout) -> str:
    x, middle = layout.boxes[row], layout.middle(row)
    y = middle + FONT / 3
    type_, output = _short(layer["type"]), numbers.shape(layer["output_shape"])
    parameters = numbers.count(layer["parameters"])
    return _tag(
        "g",
        _tag("title", html.escape(_clean(f"{layer['name']}: {layer['type']}"))),
        _box(x, middle - BOX / 2, layout.box_width, BOX, _kind(layer)),
        _text(_short(layer["name"]), x + layout.box_width / 2, y, text_anchor="middle"),
        *_cells(layout, y, type_, output, parameters, _macs(layer)),
        class_="layer",
    )


def _box(x: float, y: float, width: float, height: float, kind: Kind) -> str:
    size = {"width": width, "height": height, "rx": 4}
    return _tag("rect", x=x, y=y, **size, fill=kind.fill, stroke=kind.stroke)


def _bars(layers: Sequence[Layer], layout: Layout) -> Iterator[str]:
    """Bars in proportion to the MACs, the longest for the layer with the most."""
    macs = [layer["macs"] or 0 for layer in layers]
    total, most = sum(macs), max(macs, default=0)
    for row, count in enumerate(macs):
        if count:
            y, length = layout.middle(row), LONGEST_BAR * count / most
            label = numbers.percent(count / total) if count / total >= 0.001 else "< 0.1 %"
            bar = {"x": layout.bar, "y": y - 5, "width": length, "height": 10}
            yield _tag("rect", **bar, fill=_kind(layers[row]).stroke)
            yield _text(label, layout.bar + length + 6, y + FONT / 3, fill=FAINT)


def _kind(layer: Layer) -> Kind:
    return next(kind for kind in KINDS if re.search(kind.types, layer["type"], re.IGNORECASE))


def _macs(layer: Layer) -> str:
    if layer["macs"] is None:
        return "?"
    return numbers.count(layer["macs"]) if layer["macs"] else ""


def _facts(description: Mapping[str, Any]) -> str:
    count = len(description["layers"])
    layers = f"{count} layer{'' if count == 1 else 's'}"
    parameters = numbers.count(description["parameters"])
    macs = numbers.millions(description["macs"])
    return f"{layers} · {parameters} parameters · {macs} MACs for one image"


def _in_words(description: Mapping[str, Any], lanes: Mapping[Edge, int]) -> str:
    names = [layer["name"] for layer in description["layers"]]
    arcs = sorted(lanes, key=lambda arc: arc.reach)
    skips = [f"{names[arc.source]} to {names[arc.target]}" for arc in arcs]
    return _clean(
        f"{description['summary']}: {_facts(description)}, from top to bottom. "
        f"Connections that skip layers: {', '.join(skips) or 'none'}."
    )


def _short(text: str) -> str:
    text = _clean(text)
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"


def _advance(texts: Sequence[str], font: float = FONT) -> float:
    """The width of the longest, estimated from above."""
    return font * CHARACTER * max(map(len, texts), default=0)


def _text(text: str, x: float, y: float, **attributes: object) -> str:
    return _tag("text", html.escape(text), x=x, y=y, **attributes)


def _tag(name: str, *children: str, **attributes: object) -> str:
    """An element. Children are XML already, attributes are not."""
    names = {key: key.rstrip("_").replace("_", "-") for key in attributes}
    given = "".join(f' {names[key]}="{_attribute(value)}"' for key, value in attributes.items())
    inside = "\n".join(children)
    return f"<{name}{given}>{inside}</{name}>" if children else f"<{name}{given}/>"


def _attribute(value: object) -> str:
    return f"{value:.7g}" if isinstance(value, float) else html.escape(_clean(str(value)))


# What XML 1.0 can't hold even escaped, and the marks that turn round the text after them.
_UNFIT = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u202a-\u202e\u2066-\u2069]")


def _clean(text: str) -> str:
    """On one line, without characters that break the file or its look."""
    return " ".join(_UNFIT.sub("", text).split())
