"""Weights as text. Pure functions; they import no NumPy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.record import numbers
from zoo.report.render import render

Record = Mapping[str, Any]

NONE = "–"


def table(found: Sequence[Record], fmt: str) -> str:
    """Weights, one file a row.

    :param found: as `zoo.weights.inventory.weights` gives them.
    """
    rows = [
        [
            record["model"],
            record["dataset"],
            record["error"] or (score(record["score"]) if record["score"] else "none recorded"),
            numbers.count(record["epochs"]),
            numbers.size(record["bytes"]),
            source(record),
            (record["sha256"] or NONE)[:12],
        ]
        for record in found
    ]
    return render(["model", "dataset", "score", "epochs", "size", "source", "sha256"], rows, fmt, ["epochs", "size"])


def verified(found: Sequence[Record], fmt: str) -> str:
    """What was found wrong with each file, if anything, and how it scored if it was scored.

    :param found: as `zoo.weights.verify.verify` gives them.
    """
    rescored = any(record["rescored"] or record["unscored"] for record in found)
    headers = ["model", "dataset", "source", "sha256", *(["recorded", "scored now"] if rescored else []), "verdict"]
    rows = []
    for record in found:
        scores = [score(record[key]) if record[key] else NONE for key in ("score", "rescored")]
        rows.append(
            [
                record["model"] or NONE,
                record["dataset"] or NONE,
                source(record),
                (record["sha256"] or NONE)[:12],
                *(scores if rescored else []),
                _verdict(record),
            ]
        )
    return render(headers, rows, fmt)


def _verdict(record: Record) -> str:
    if record["error"]:
        return f"WRONG: {record['error']}"
    return f"good, not scored: {record['unscored']}" if record["unscored"] else "good"


def score(measure: Record) -> str:
    """`91.25 % (90.68–91.79) of 10,000`: accuracy, its 95 % interval, how many images, and what is unusual."""
    value, low, high = (100 * measure[key] for key in ("value", "low", "high"))
    text = f"{value:.2f} % ({low:.2f}–{high:.2f}) of {measure['images']:,}"
    if (split := measure.get("split", "test")) != "test":
        text += f", {split}"
    if augmentation := measure.get("test_time_augmentation"):
        text += f", {augmentation}"
    return text


def source(record: Record) -> str:
    """The plugin that the weights come with, or how else they came to lie where they lie."""
    if record["source"] == "plugin":
        own = f"{record['plugin']} {record['plugin_version']}"
        return own if record["used"] else f"{own}; zoo bench takes those trained here"
    if record["source"] == "file":
        return str(record["path"])
    return "here"
