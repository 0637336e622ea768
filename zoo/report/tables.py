"""Tables by tabulate. Pure functions: data in, text out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.bench.environment import describe as describe_environment
from zoo.report import numbers
from zoo.results.schema import Result

DEFAULT_FORMAT = "simple"

Row = Sequence[object]


def render(headers: Sequence[str], rows: Sequence[Row], fmt: str, right: Sequence[str] = ()) -> str:
    """A table in one of tabulate's formats.

    :param right: headers of the columns that are aligned to the right.
    """
    from tabulate import tabulate

    if not rows:
        return tabulate([], headers, tablefmt=fmt)
    return tabulate(
        rows,
        headers,
        tablefmt=fmt,
        disable_numparse=True,
        colalign=["right" if header in right else "left" for header in headers],
    )


def layers(description: Mapping[str, Any], fmt: str) -> str:
    """A model's layers: name, type, output, parameters, MACs; and what is not counted."""
    headers = ["layer", "type", "output", "parameters", "MACs"]
    rows = [
        [
            layer["name"],
            layer["type"],
            numbers.shape(layer["output_shape"]),
            numbers.count(layer["parameters"]),
            "?" if layer["macs"] is None else numbers.count(layer["macs"]),
        ]
        for layer in description["layers"]
    ]
    return render(headers, rows, fmt, right=headers[3:])


def model_summary(description: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The facts about a model that are not by layer, as label and text."""
    left_out = ", ".join(f"{n} {kind}" for kind, n in description["macs_not_counted"].items())
    facts = [
        ("model", f"{description['name']}: {description['summary']}"),
        ("plugin", f"{description['plugin']} {description['plugin_version']}"),
        ("parameters", numbers.count(description["parameters"])),
        ("  trainable", numbers.count(description["trainable_parameters"])),
        ("  not trainable", numbers.count(description["non_trainable_parameters"])),
        ("MACs", f"{numbers.count(description['macs'])} for one image: convolutions and dense layers"),
        ("FLOPs", f"{numbers.count(description['flops'])} = 2 × MACs"),
        ("not counted", f"biases; {left_out}" if left_out else "biases"),
    ]
    facts += [("weights", _weights_line(weights)) for weights in description["weights"]] or [
        ("weights", "none shipped")
    ]
    facts += [
        ("recipes", ", ".join(map(_recipe, description["recipes"])) or "none"),
        ("paper", description["paper"] or "none named"),
        ("licence", description["licence"] or "none named"),
        ("built with", f"Keras {description['keras_version']} on {description['keras_backend']}"),
    ]
    return facts


def _recipe(recipe: Mapping[str, Any]) -> str:
    named = recipe["name"] != "default"
    return f"{recipe['dataset']} ({recipe['name']})" if named else str(recipe["dataset"])


def _weights_line(weights: Mapping[str, Any]) -> str:
    if weights["error"]:
        return f"{weights['dataset']}: {weights['error']}"
    digest = f"sha256 {weights['sha256'][:12]}…"
    try:
        score = weights["provenance"]["score"]
        return f"{weights['dataset']}: {accuracy(score)} of {score['images']:,} test images, {digest}"
    except (KeyError, TypeError, ValueError):
        return f"{weights['dataset']}: no score recorded, {digest}"


def accuracy(measure: Mapping[str, Any]) -> str:
    """`98.7 % (97.4–99.3)`: value and 95 % interval."""
    low, high = 100 * measure["low"], 100 * measure["high"]
    return f"{numbers.percent(measure['value'])} ({low:.1f}–{high:.1f})"


def bench(results: Sequence[Result], fmt: str, logs: Path | None = None) -> str:
    """What each model costs and scores, how fast each scenario ran, and what is to be said about it.

    :param logs: the folder with the logs of those that failed.
    """
    parts = [header(results[0]), models_table(results, fmt), speed_table(results, fmt)]
    notes_text = "\n".join(notes(results, logs))
    return "\n\n".join(part for part in (*parts, notes_text) if part)


def header(result: Result) -> str:
    """The machine and the software, in one line."""
    environment, scenario = result.environment, result.scenario
    threads = environment.get("threads")
    line = describe_environment(dict(environment))
    how = f"{scenario['runtime']} on {environment['device']}, {scenario['precision']}"
    return f"{line}\n{how}" + (f", {threads} threads" if threads else "")


def models_table(results: Sequence[Result], fmt: str) -> str:
    """One row a model: what doesn't depend on the batch size."""
    headers = ["model", "parameters", "MACs", "weights", "accuracy", "images", "of weights"]
    rows = []
    seen = set()
    for result in results:
        name = result.scenario["model"]
        if name in seen or result.outcome != "ok":
            continue
        seen.add(name)
        measures = result.measures
        scored = measures["accuracy"]
        rows.append(
            [
                name,
                numbers.count(measures["parameters"]),
                numbers.millions(measures["macs"]),
                numbers.size(measures["weights_bytes"]),
                accuracy(scored) if scored else "–",
                f"{result.scenario['dataset']} test, {scored['images']:,}" if scored else "–",
                f"{result.weights['source']}, {result.weights['sha256'][:8]}" if result.weights else "none: random",
            ]
        )
    return render(headers, rows, fmt, right=headers[1:4]) if rows else ""


def speed_table(results: Sequence[Result], fmt: str) -> str:
    """One row a scenario: latency, throughput, phases, memory."""
    headers = [
        "model",
        "batch",
        "latency",
        "p90",
        "images/s",
        "95 % interval",
        "samples",
        "import",
        "build",
        "first call",
        "peak memory",
    ]
    rows: list[Row] = []
    for result in results:
        scenario, measures = result.scenario, result.measures
        if result.outcome != "ok":
            rows.append([scenario["model"], scenario["batch_size"], result.outcome, *["–"] * 8])
            continue
        stats, throughput = result.stats["latency_s"], result.stats["images_per_second"]
        rows.append(
            [
                scenario["model"],
                scenario["batch_size"],
                numbers.duration(measures["latency_s"]),
                numbers.duration(stats["p90"]),
                numbers.rate(measures["images_per_second"]),
                f"{numbers.rate(throughput['low'])}–{numbers.rate(throughput['high'])}",
                numbers.count(stats["n"]),
                numbers.duration(measures["import_s"]),
                numbers.duration(measures["build_s"]),
                numbers.duration(measures["first_call_s"]),
                f"{numbers.size(measures['peak_rss_bytes'])}",
            ]
        )
    return render(headers, rows, fmt, right=headers[1:])


def notes(results: Sequence[Result], logs: Path | None = None) -> list[str]:
    """What a reader must know beside the tables: failures, missing accuracy, doubts. One line each.

    :param logs: the folder with the logs of those that failed.
    """
    lines = []
    for result in results:
        scenario = result.scenario
        name = f"{scenario['model']}, batch {scenario['batch_size']}"
        if result.failure:
            failure = result.failure
            where = f" in {failure['phase']}" if failure["phase"] else ""
            log = f" (log: {logs / failure['log'] if logs else failure['log']})" if failure["log"] else ""
            lines.append(f"! {name}: {result.outcome}{where}: {failure['message']}{log}")
        elif result.measures["accuracy"] is None:
            lines.append(f"! {scenario['model']}: no accuracy: {result.reasons['accuracy']}")
        lines += [f"! {name}: {finding['code']}: {finding['message']}" for finding in result.checks]
    return list(dict.fromkeys(lines))
