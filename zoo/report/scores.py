"""The scores of a Result as a table, and its confusion matrix as a picture."""

from __future__ import annotations

import html

from zoo.record.measures import Accuracy, Estimate
from zoo.report.render import render
from zoo.results.scores import Scores, shares
from zoo.text import printable

CONFUSED = 10
CELL, NUMBERED = 34, 30  # px; cells of a larger matrix are smaller and hold no numbers
INK, FAINT, PAPER = "#1f2328", "#59636e", "#ffffff"
GREEN, RED = "26, 127, 55", "207, 34, 46"


def table(scores: Scores, fmt: str) -> str:
    """Overall, by class, and the most frequent mistakes."""
    rows = [["top-1", _share(scores.top1)]]
    if scores.quality is not None:
        quality = scores.quality
        if quality.top5 is not None:
            rows.append(["top-5", _share(quality.top5)])
        rows.append(["negative log-likelihood", _number(quality.negative_log_likelihood)])
        rows.append(["calibration error", _number(quality.calibration_error)])
    overall = render(["score", "of the test split, 95 % interval"], rows, fmt)
    by_class = render(
        ["class", "images", "recall", "precision"],
        [
            [
                one.name,
                f"{one.recall.images if one.recall else 0:,}",
                _share(one.recall) if one.recall else "–",
                _share(one.precision) if one.precision else "–",
            ]
            for one in scores.classes
        ],
        fmt,
        right=["images"],
    )
    parts = [overall, by_class]
    if pairs := scores.confused(CONFUSED):
        rows = [[label, predicted, f"{images:,}"] for label, predicted, images in pairs]
        parts.append(render(["class", "taken for", "images"], rows, fmt, right=["images"]))
    return "\n\n".join(parts)


def confusion(scores: Scores, title: str) -> str:
    """The confusion matrix as SVG: a row for each class, a column for each that its images were given.

    Right ones are green and wrong ones red, the stronger the larger their share of the row.
    """
    count = len(scores.classes)
    cell = CELL if count <= NUMBERED else max(4, CELL * NUMBERED // count)
    names = [printable(one.name)[:24] for one in scores.classes]
    left = 40 + 7 * max(map(len, names))
    top = 76 + 7 * max(map(len, names))
    parts = [
        f'<text x="20" y="30" font-size="16" fill="{INK}">{html.escape(printable(title))}</text>',
        f'<text x="20" y="50" fill="{FAINT}">rows: the right class; columns: the class that was predicted</text>',
    ]
    for number, row in enumerate(scores.confusion):
        y = top + number * cell
        parts.append(_text(left - 8, y + cell / 2 + 4, names[number], "end") if cell >= 10 else "")
        for column, (images, share) in enumerate(zip(row, shares(row), strict=True)):
            if not images:
                continue
            x = left + column * cell
            colour = GREEN if number == column else RED
            words = f"{scores.classes[number].name} taken for {scores.classes[column].name}: {images:,} of {sum(row):,}"
            fill = f"rgba({colour}, {0.08 + 0.92 * share:.3f})"
            parts.append(
                f'<rect x="{x}" y="{y}" width="{cell}" height="{cell}" fill="{fill}">'
                f"<title>{html.escape(printable(words))}</title></rect>"
            )
            if count <= NUMBERED:
                ink = PAPER if share > 0.5 else INK
                parts.append(_text(x + cell / 2, y + cell / 2 + 4, str(images), "middle", ink))
    for column, name in enumerate(names):
        middle = left + column * cell + cell / 2 + 4
        if cell >= 10:
            place = f"translate({middle:g} {top - 8}) rotate(-90)"
            parts.append(f'<text transform="{place}" fill="{INK}">{html.escape(name)}</text>')
    size = count * cell
    parts.append(f'<rect x="{left}" y="{top}" width="{size}" height="{size}" fill="none" stroke="{FAINT}"/>')
    width, height = max(left + size + 20, 40 + 9 * len(title)), top + size + 20
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
            f"<title>{html.escape(printable(title))}</title>",
            f'<rect width="{width}" height="{height}" fill="{PAPER}"/>',
            *filter(None, parts),
            "</svg>\n",
        ]
    )


def _text(x: float, y: float, words: str, anchor: str, ink: str = INK) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{ink}">{html.escape(words)}</text>'


def _share(found: Accuracy) -> str:
    return f"{100 * found.value:.1f} % ({100 * found.low:.1f}–{100 * found.high:.1f})"


def _number(found: Estimate) -> str:
    return f"{found.value:.4f} ({found.low:.4f}–{found.high:.4f})"
