"""Datasets as text. Pure functions; they import no NumPy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.record import numbers
from zoo.report.render import render
from zoo.text import printable

CLASSES_SHOWN = 20
HEADERS = ("dataset", "version", "images", "classes", "size", "where")


def table(found: Sequence[Mapping[str, Any]], fmt: str) -> str:
    """Datasets, one a row.

    :param found: as `zoo.data.api.describe` gives them.
    """
    rows = [
        [
            one["name"],
            one["version"],
            _splits(one),
            f"{one['classes']:,}",
            numbers.shape(one["image_shape"]),
            _where(one),
        ]
        for one in found
    ]
    return render(HEADERS, rows, fmt, right=("classes",))


def facts(found: Mapping[str, Any]) -> str:
    """One dataset, a fact a line: label and text.

    :param found: as `zoo.data.api.describe` or `verify` gives it.
    """
    by_label = {
        "dataset": f"{found['name']} {found['version']}",
        "summary": found["summary"],
        "where": _where(found),
        "images": _splits(found),
        "size": numbers.shape(found["image_shape"]),
        "classes": _classes(found),
        "plugin": found["plugin"],
        "licence": found["licence"],
        "source": found["source"],
    }
    lines = [*by_label.items(), *(("note", note) for note in found["notes"])]
    return "\n".join(f"{label:<9}{printable(text)}" for label, text in lines if text)


def verified(found: Mapping[str, Any], fmt: str) -> str:
    """What `zoo.data.api.verify` found, of each split."""
    rows = []
    for split, seen in found["splits"].items():
        least, most = min(seen["images_by_class"]), max(seen["images_by_class"])
        rows.append(
            [
                split,
                f"{seen['images']:,}",
                f"{least:,}" if least == most else f"{least:,} to {most:,}",
                _eight_places(seen["mean"]),
                _eight_places(seen["std"]),
            ]
        )
    headers = ("split", "images", "of a class", "mean, in [0, 1]", "deviation, in [0, 1]")
    digests = [f"sha256   {split}: {seen['sha256']}{_declared(seen)}" for split, seen in found["splits"].items()]
    return "\n".join([facts(found), "", render(headers, rows, fmt, right=headers[1:3]), "", *digests])


def _where(found: Mapping[str, Any]) -> str:
    if found["arrays"]:
        return f"comes with {found['plugin']}"
    if found["prepared"]:
        return str(found["folder"])
    return "prepared on first use" if found["builder"] else f"to be downloaded: zoo data fetch {found['name']}"


def _splits(found: Mapping[str, Any]) -> str:
    counts = {split: seen if isinstance(seen, int) else seen["images"] for split, seen in found["splits"].items()}
    return ", ".join(f"{split} {count:,}" for split, count in counts.items())


def _classes(found: Mapping[str, Any]) -> str:
    names = found["class_names"]
    if not names:
        return f"{found['classes']:,}"
    more = f", … and {len(names) - CLASSES_SHOWN:,} more" if len(names) > CLASSES_SHOWN else ""
    return f"{found['classes']:,}: {', '.join(names[:CLASSES_SHOWN])}{more}"


def _eight_places(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.8f}" for value in values)


def _declared(seen: Mapping[str, Any]) -> str:
    if seen["declared_sha256"] is None:
        return ""
    return ", as declared" if seen["declared_sha256"] == seen["sha256"] else ", NOT as declared"
