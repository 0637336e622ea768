"""Numbers as people read them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.record import numbers

QUICK = settings(max_examples=300, deadline=None, database=None, derandomize=True)

magnitudes = st.floats(1e-12, 1e15)


def digits_of(text: str) -> str:
    """The significant digits: none before the first that is not 0."""
    return text.replace(",", "").replace(".", "").lstrip("-0")


@QUICK
@given(magnitudes, st.sampled_from([1, -1]))
def test_a_rounded_number_is_near_and_has_its_sign_and_no_exponent(value: float, sign: int) -> None:
    text = numbers.significant(sign * value)
    assert re.fullmatch(r"-?\d{1,3}(,\d{3})*(\.\d+)?", text)
    assert float(text.replace(",", "")) == pytest.approx(sign * value, rel=5.001e-3)
    assert text.startswith("-") == (sign < 0)


@QUICK
@given(magnitudes, st.integers(1, 6))
def test_a_rounded_number_has_the_digits_asked_for(value: float, digits: int) -> None:
    text = numbers.significant(value, digits)
    if "." in text:
        assert len(digits_of(text)) == digits
    else:
        assert len(digits_of(text)) >= digits
        assert set(digits_of(text)[digits:]) <= {"0"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0, "0"),
        (-0.0, "0"),
        (1, "1.00"),
        (123.4, "123"),
        (1234, "1,230"),
        (2_110.4, "2,110"),
        (999.4, "999"),
        (999.5, "1,000"),
        (99.96, "100"),
        (9.996, "10.0"),
        (0.9996, "1.00"),
        (0.09996, "0.100"),
        (0.000123456, "0.000123"),
        (1e21, "1,000,000,000,000,000,000,000"),
        (1e-15, "0.00000000000000100"),
        (-12.345, "-12.3"),
        (5e-324, f"0.{'0' * 323}494"),
    ],
)
def test_examples_of_rounding(value: float, text: str) -> None:
    assert numbers.significant(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0, "0 ns"),
        (1.62e-3, "1.62 ms"),
        (61.5, "61.5 s"),
        (1.0, "1.00 s"),
        (0.25, "250 ms"),
        (1e-3, "1.00 ms"),
        (33.3e-6, "33.3 µs"),
        (4.2e-9, "4.20 ns"),
        (0.9999, "1.00 s"),
        (0.9999e-3, "1.00 ms"),
        (0.9999e-6, "1.00 µs"),
        (12_345.0, "12,300 s"),
    ],
)
def test_a_duration_is_in_the_unit_that_suits(seconds: float | None, text: str) -> None:
    assert numbers.duration(seconds) == text


@QUICK
@given(st.floats(1e-9, 1e6))
def test_a_duration_is_near_what_it_says(seconds: float) -> None:
    value, unit = numbers.duration(seconds).split(" ")
    scale = {"s": 1, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}[unit]
    assert float(value.replace(",", "")) * scale == pytest.approx(seconds, rel=5.001e-3)
    assert unit == "s" or float(value.replace(",", "")) < 1000


@pytest.mark.parametrize("name", ["duration", "count", "millions", "size", "rate"])
def test_what_is_not_known_is_a_dash(name: str) -> None:
    assert getattr(numbers, name)(None) == "–"


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("count", 223_242, "223,242"),
        ("count", 0, "0"),
        ("millions", 29_000_000, "29.0 M"),
        ("millions", 0, "0 M"),
        ("size", 892_968, "0.893 MB"),
        ("size", 1_234_000_000, "1,230 MB"),
        ("rate", 2_110.4, "2,110"),
        ("percent", 0.98666, "98.7 %"),
        ("percent", 0.0, "0.0 %"),
        ("percent", 1.0, "100.0 %"),
        ("shape", (32, 32, 3), "32×32×3"),
        ("shape", (None, None, 3), "?×?×3"),
        ("shape", [], ""),
    ],
)
def test_examples_with_their_units(name: str, value: Any, text: str) -> None:
    assert getattr(numbers, name)(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (45.4, "45 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (3599.6, "1 h 0 min"), (4321, "1 h 12 min")],
)
def test_clock_times_have_the_units_that_matter(seconds: float, text: str) -> None:
    assert numbers.clock_time(seconds) == text


@pytest.mark.parametrize(
    ("joules", "text"),
    [
        (None, "–"),
        (2500.0, "2.50 kJ"),
        (1.0, "1.00 J"),
        (0.9996, "1.00 J"),
        (0.00123, "1.23 mJ"),
        (0.000999, "999 µJ"),
        (4.2e-9, "0.00420 µJ"),
    ],
)
def test_energy_has_the_unit_that_suits(joules: float | None, text: str) -> None:
    assert numbers.energy(joules) == text
