"""The drawing of a model, read back as XML."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.modeling.diagram import Edge, assign_lanes, draw

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</text><script>alert(1)</script>]]> &amp; \"quoted' \x00\x1b\ud800\ufffe\u202e\n end"
HARMLESS = "</text><script>alert(1)</script>]]> &amp; \"quoted' end"


def layer(name: str, *inputs: str, kind: str = "Conv2D", macs: int | None = 100) -> dict[str, Any]:
    return {
        "name": name,
        "type": kind,
        "inputs": list(inputs),
        "output_shape": [8, None, 16],
        "parameters": 1234,
        "trainable_parameters": 1234,
        "macs": macs,
    }


def describe(*layers: dict[str, Any], name: str = "small", summary: str = "a model") -> dict[str, Any]:
    return {
        "name": name,
        "summary": summary,
        "parameters": sum(x["parameters"] for x in layers),
        "macs": sum(x["macs"] or 0 for x in layers),
        "layers": list(layers),
    }


RESIDUAL = describe(
    layer("input", kind="InputLayer", macs=0),
    layer("conv1", "input", macs=900),
    layer("conv2", "conv1", macs=1),
    layer("add", "conv2", "input", kind="Add", macs=0),
    layer("custom", "add", kind="Wavelet", macs=None),
    layer("sum", "custom", "add", kind="Add", macs=0),
)


def parse(description: dict[str, Any]) -> ET.Element:
    # By way of bytes, as a file: a lone surrogate would show.
    return ET.fromstring(draw(description).encode())


def edges(svg: ET.Element, style: str) -> list[tuple[str, str]]:
    paths = svg.iterfind(f".//{SVG}path[@class='{style}']")
    return [(path.get("data-from", ""), path.get("data-to", "")) for path in paths]


def texts(svg: ET.Element) -> list[str]:
    return [element.text or "" for element in svg.iter(f"{SVG}text")]


def test_straight_to_the_next_layer_and_an_arc_past_others() -> None:
    svg = parse(RESIDUAL)

    assert len(svg.findall(f"{SVG}g[@class='layer']")) == 6
    assert sorted(edges(svg, "skip")) == [("add", "sum"), ("input", "add")]
    assert edges(svg, "next") == [
        ("input", "conv1"),
        ("conv1", "conv2"),
        ("conv2", "add"),
        ("add", "custom"),
        ("custom", "sum"),
    ]


def test_says_what_the_model_is_and_costs() -> None:
    svg = parse(RESIDUAL | {"macs": 28_997_504, "parameters": 223_242})

    assert svg.get("role") == "img"
    assert svg.findtext(f"{SVG}title") == "small"
    assert "input to add, add to sum" in (svg.findtext(f"{SVG}desc") or "")
    assert "6 layers · 223,242 parameters · 29.0 M MACs for one image" in texts(svg)


def test_says_of_each_layer_what_it_costs() -> None:
    assert {"Wavelet", "8×?×16", "1,234", "900", "99.9 %", "0.1 %", "?"} <= set(texts(parse(RESIDUAL)))


def test_legend_names_the_kinds_there_are() -> None:
    kinds = {"convolution", "merge", "other", "skips layers"}

    assert kinds <= set(texts(parse(RESIDUAL)))
    assert not {"dense", "norm", "pooling"} & set(texts(parse(RESIDUAL)))
    assert not kinds & set(texts(parse(describe(layer("logits", kind="Dense")))))


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        ("AveragePooling2D", "pooling"),
        ("Average", "merge"),
        ("SeparableConv2D", "convolution"),
        ("BatchNormalization", "norm"),
        ("LeakyReLU", "activation"),
        ("EinsumDense", "dense"),
        ("Dropout", "other"),
    ],
)
def test_kind_by_type(type_: str, kind: str) -> None:
    assert kind in texts(parse(describe(layer("x", kind=type_))))


def test_bars_are_in_proportion_to_the_macs() -> None:
    svg = parse(describe(layer("a", macs=100), layer("b", "a", macs=25), layer("c", "b", macs=0)))
    bars = [float(rect.get("width", "")) for rect in svg.findall(f"{SVG}rect[@height='10']")]

    assert len(bars) == 2
    assert bars[0] == pytest.approx(4 * bars[1])


def test_one_layer_without_macs() -> None:
    svg = parse(describe(layer("alone", kind="InputLayer", macs=0)))

    assert "1 layer · 1,234 parameters · 0 M MACs for one image" in texts(svg)
    assert edges(svg, "skip") == edges(svg, "next") == []


def test_shared_layers_are_fed_from_below_and_by_themselves() -> None:
    svg = parse(
        describe(
            layer("left", kind="InputLayer"),
            layer("right", kind="InputLayer"),
            layer("shared", "left", "right", "relu"),
            layer("relu", "shared", kind="ReLU"),
            layer("again", "relu", "again"),
        )
    )

    assert sorted(edges(svg, "skip")) == [
        ("again", "again"),
        ("left", "shared"),
        ("relu", "shared"),
    ]


def test_a_layer_beside_the_one_above_is_indented() -> None:
    svg = parse(
        describe(layer("relu"), layer("conv", "relu"), layer("shortcut", "relu"), layer("add", "conv", "shortcut"))
    )
    left = [float(x.get("x", "")) for x in svg.iterfind(f"{SVG}g[@class='layer']/{SVG}rect")]

    assert left[0] == left[1] == left[3] < left[2]


def test_text_from_plugins_is_only_text() -> None:
    svg = parse(
        describe(
            layer(HOSTILE, kind=HOSTILE),
            layer("conv", HOSTILE),
            layer("add", "conv", HOSTILE),
            name=HOSTILE,
            summary=HOSTILE,
        )
    )

    assert {x.tag.removeprefix(SVG) for x in svg.iter()} == {"svg", "title", "desc", "g", "rect", "path", "text"}
    assert edges(svg, "skip") == [(HARMLESS, "add")]
    assert svg.findtext(f"{SVG}title") == HARMLESS
    assert HARMLESS in texts(svg)


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_gives_xml(text: str) -> None:
    parse(describe(layer(text, kind=text), layer(text + "x", text), name=text, summary=text))


def test_same_model_same_file() -> None:
    assert draw(RESIDUAL) == draw(RESIDUAL)


def test_hundreds_of_layers() -> None:
    layers = [layer("0")]
    layers += [layer(str(n), *{str(n - 1), str(max(n - 5, 0))}) for n in range(1, 400)]

    assert len(edges(parse(describe(*layers)), "skip")) == 398


@st.composite
def dags(draw_: st.DrawFn) -> list[set[int]]:
    """For each of some layers in topological order, the earlier ones that it takes."""
    count = draw_(st.integers(1, 20))
    return [draw_(st.sets(st.integers(0, n - 1))) if n else set() for n in range(count)]


@given(dags())
def test_every_edge_is_drawn_once(inputs: Sequence[Iterable[int]]) -> None:
    layers = [layer(str(row), *map(str, sources)) for row, sources in enumerate(inputs)]
    svg = parse(describe(*layers))
    expected = {(str(source), str(row)) for row, sources in enumerate(inputs) for source in sources}
    drawn = edges(svg, "skip") + edges(svg, "next")

    assert len(drawn) == len(expected)
    assert set(drawn) == expected
    assert set(edges(svg, "next")) == {(s, t) for s, t in expected if int(t) == int(s) + 1}


@given(st.sets(st.builds(Edge, st.integers(0, 15), st.integers(0, 15)).filter(lambda x: x.skips)))
def test_arcs_lie_side_by_side(arcs: set[Edge]) -> None:
    lanes = assign_lanes(sorted(arcs, key=lambda arc: (arc.source, arc.target)))

    assert set(lanes) == arcs
    for arc in arcs:
        for other in arcs - {arc}:
            first, last = max(arc.reach[0], other.reach[0]), min(arc.reach[1], other.reach[1])
            if first <= last:
                assert lanes[arc] != lanes[other]
            if arc.reach[0] <= other.reach[0] and other.reach[1] <= arc.reach[1]:
                assert lanes[arc] > lanes[other]
