"""Results and models as tables. Pure functions: data in, text out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.benchmarking.definitions import memory_measure
from zoo.benchmarking.plan import train_command
from zoo.modeling.choice import described
from zoo.record import numbers
from zoo.record.measures import LatencyStats
from zoo.record.result import Result
from zoo.report.render import render
from zoo.text import printable

if TYPE_CHECKING:
    from zoo.results.forecast import Forecast

DEFAULT_FORMAT = "simple"


def layers(description: Mapping[str, Any], fmt: str) -> str:
    """A model's layers: name, type, output, parameters, MACs; and what is not counted."""
    headers = ["layer", "type", "output", "parameters", "MACs"]
    rows = [
        [
            layer["name"],
            layer["type"],
            numbers.shape(layer["output_shape"]),
            numbers.count(layer["parameters"]),
            "?" if layer["macs"] is None else numbers.at_least(numbers.count(layer["macs"]), layer.get("left_out")),
        ]
        for layer in description["layers"]
    ]
    return render(headers, rows, fmt, right=headers[3:])


def model_summary(description: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The facts about a model that are not by layer, as label and text."""
    left_out = ", ".join(f"{n} {kind}" for kind, n in description["macs_not_counted"].items())
    unseen = [printable(name) for name in description["macs_left_out"]]
    facts = [
        ("model", f"{description['name']}: {description['summary']}"),
        ("plugin", f"{description['plugin']} {description['plugin_version']}"),
        ("parameters", numbers.count(description["parameters"])),
        ("  trainable", numbers.count(description["trainable_parameters"])),
        ("  not trainable", numbers.count(description["non_trainable_parameters"])),
        ("MACs", f"{numbers.at_least(numbers.count(description['macs']), unseen)} for one image: products of matrices"),
        ("FLOPs", f"{numbers.at_least(numbers.count(description['flops']), unseen)} = 2 × MACs"),
        *([("left out", f"{', '.join(unseen)}: what they multiply can't be seen")] if unseen else []),
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


def bench(results: Sequence[Result], fmt: str, logs: Path | None = None, data_dir: str | None = None) -> str:
    """What each model costs and scores, how fast each scenario ran, and what is to be said about it.

    :param logs: the folder with the logs of those that failed.
    :param data_dir: where data were looked for, if it was said; no Result holds it, and a suggested command needs it.
    """
    parts = [header(results), models_table(results, fmt), speed_table(results, fmt)]
    notes_text = "\n".join(map(printable, notes(results, logs, data_dir)))
    return "\n\n".join(part for part in (*parts, notes_text) if part)


def header(results: Sequence[Result]) -> str:
    """The machine and the software, in one line; and how the models ran, as far as that is the same for all."""
    measured = [result for result in results if result.outcome == "ok"] or results
    environment, scenario, vary = measured[0].environment, measured[0].scenario, _varying(results)
    parts = []
    if "runtime" not in vary:
        parts.append(scenario.runtime)
    if "device" not in vary:
        parts.append(f"on {environment.device}")
    how = [" ".join(parts), "" if "precision" in vary else scenario.precision]
    if environment.threads and not vary & {"runtime", "threads"}:
        how.append(f"{environment.threads} threads")
    lines = [environment.in_a_line(), ", ".join(part for part in how if part)]
    return "\n".join(printable(line) for line in lines if line)


def models_table(results: Sequence[Result], fmt: str) -> str:
    """One row a model: what depends on neither the batch size nor the runtime."""
    headers = ["model", "parameters", "MACs", "weights", "accuracy", "images", "of weights"]
    if several := _several_ways(results):
        headers.remove("accuracy")
    rows = []
    seen = set()
    for result in results:
        name = result.scenario.model
        if name in seen or result.outcome != "ok":
            continue
        seen.add(name)
        measures = result.measures
        scored = measures.accuracy
        rows.append(
            [
                name,
                numbers.count(measures.parameters),
                numbers.at_least(numbers.millions(measures.macs), measures.macs_left_out),
                numbers.size(measures.weights_bytes),
                *([] if several else [_accuracy(result)]),
                f"{result.scenario.dataset} test, {scored.images:,}" if scored else "–",
                printable(described(result.weights.to_json())) if result.weights else "none: random",
            ]
        )
    return render(headers, rows, fmt, right=headers[1:4]) if rows else ""


def _interval_of_rate(result: Result) -> str:
    rate = result.stats.images_per_second
    return f"{numbers.rate(rate.low)}–{numbers.rate(rate.high)}" if rate else "–"


# A column of the table of speeds: its header, and its cell for a Result that is ok.
COLUMNS: Mapping[str, Callable[[Result], str]] = {
    "latency": lambda r: numbers.duration(r.measures.latency_s),
    "p90": lambda r: numbers.duration(_latency(r).p90),
    "images/s": lambda r: numbers.rate(r.measures.images_per_second),
    "95 % interval": _interval_of_rate,
    "of peak": lambda r: _of_peak(r),
    "bound by": lambda r: r.measures.bound_by or "–",
    "energy/image": lambda r: numbers.energy(r.measures.energy_per_image_j),
    "parity": lambda r: _parity(r),
    "accuracy": lambda r: _accuracy(r),
    "samples": lambda r: numbers.count(_latency(r).n),
    "import": lambda r: numbers.duration(r.measures.import_s),
    "build": lambda r: numbers.duration(r.measures.build_s),
    "first call": lambda r: numbers.duration(r.measures.first_call_s),
    "peak memory": lambda r: numbers.size(getattr(r.measures, memory_measure(r.scenario))),
}
SOMETIMES = {"of peak": "flops_share", "bound by": "bound_by", "energy/image": "energy_per_image_j"}  # if any has it
LESS = ("p90", "samples", "import", "build")  # left out where the table has more columns for how models ran
OF_MODELS = (
    "macs_not_whole",
    "classes_reordered",
    "images_damaged",
)  # doubts that are the same in all of a model's scenarios
MOST_BY_NAME = 3  # doubts of one kind
DIMENSIONS = ("runtime", "device", "precision", "threads")  # columns where they are not the same for all


def speed_table(results: Sequence[Result], fmt: str) -> str:
    """One row a scenario: latency, throughput, phases, memory.

    Where several runtimes or precisions were measured, those of one model and batch size stand together, the fastest
    first; what is wrong or failed is not ranked and comes last.
    """
    dimensions = [name for name in DIMENSIONS if name in _varying(results)]
    columns = {name: cell for name, cell in COLUMNS.items() if name not in _left_out(results)}
    rows: list[list[object]] = []
    for result in _ranked(results) if _several_ways(results) else results:
        scenario = result.scenario
        how = ["–" if (value := getattr(scenario, name)) is None else value for name in dimensions]
        ok = result.outcome == "ok"
        cells = [cell(result) for cell in columns.values()] if ok else [result.outcome, *["–"] * (len(columns) - 1)]
        rows.append([scenario.model, scenario.batch_size, *how, *cells])
    headers = ["model", "batch", *dimensions, *columns]
    left = ("model", *DIMENSIONS[:3], "bound by", "accuracy")
    return render(headers, rows, fmt, right=[header for header in headers if header not in left])


def _varying(results: Sequence[Result]) -> set[str]:
    """What of `DIMENSIONS` is not the same for all."""
    return {name for name in DIMENSIONS if len({getattr(result.scenario, name) for result in results}) > 1}


def _several_ways(results: Sequence[Result]) -> bool:
    """Whether the accuracy is one for each row, and rows are to be ranked."""
    return bool(_varying(results) & {"runtime", "device", "precision"})


def _left_out(results: Sequence[Result]) -> set[str]:
    """Columns that would say nothing."""
    measured = [result.measures for result in results if result.outcome == "ok"]
    left_out = set(LESS) if _several_ways(results) else {"accuracy"}
    for name, measure in SOMETIMES.items():
        if all(getattr(measures, measure) is None for measures in measured):
            left_out.add(name)
    return left_out - {"of peak" for result in results if _is_above_peak(result)}


def _ranked(results: Sequence[Result]) -> list[Result]:
    """By model as they come, by batch size, then the fastest first."""
    models = list(dict.fromkeys(result.scenario.model for result in results))
    sizes = list(dict.fromkeys(result.scenario.batch_size for result in results))

    def rank(result: Result) -> tuple[int, int, float]:
        latency = result.measures.latency_s if result.outcome == "ok" else None
        scenario = result.scenario
        place = models.index(scenario.model), sizes.index(scenario.batch_size)
        return (*place, float("inf") if latency is None else latency)

    return sorted(results, key=rank)


def _of_peak(result: Result) -> str:
    """The share of the machine's peak; a row that is above it has none."""
    if _is_above_peak(result):
        return "above it"
    share = result.measures.flops_share
    return "–" if share is None else numbers.percent(share)


def _is_above_peak(result: Result) -> bool:
    return any(finding.code == "above_peak" for finding in result.checks)


def _parity(result: Result) -> str:
    """The largest difference of a logit from the reference's, in standard deviations of those."""
    parity = result.parity
    if parity is None or parity.max_difference is None:
        return "–"
    return f"{parity.max_difference:.0e} σ" if parity.max_difference else "equal"


def _latency(result: Result) -> LatencyStats:
    """Of a Result that is ok, which has them."""
    assert result.stats.latency_s is not None  # noqa: S101 - `zoo.record.reading` has seen to it
    return result.stats.latency_s


def _accuracy(result: Result) -> str:
    scored = result.measures.accuracy
    return accuracy(scored.to_json()) if scored else "–"


def plan(found: Sequence[Forecast], fmt: str) -> str:
    """What will be measured, how long each scenario is expected to take, and all of them."""
    headers = ["model", "runtime", "device", "precision", "threads", "batch", "expected", "by"]
    rows = []
    for item in found:
        scenario = item.step.scenario
        rows.append(
            [
                *(scenario.model, scenario.runtime, scenario.device, scenario.precision),
                "–" if scenario.threads is None else scenario.threads,
                "max" if item.step.seeks_batch_size else scenario.batch_size,
                *(
                    ("unavailable", item.step.unavailable)
                    if item.step.unavailable
                    else (numbers.duration(item.seconds), "an earlier Result" if item.measured else "the policy")
                ),
            ]
        )
    total = numbers.clock_time(sum(item.seconds for item in found))
    table = render(headers, rows, fmt, right=["threads", "batch", "expected"])
    return f"{table}\n\n{len(found)} scenario{'s' if len(found) != 1 else ''}, about {total}"


def notes(results: Sequence[Result], logs: Path | None = None, data_dir: str | None = None) -> list[str]:
    """What a reader must know beside the tables: failures, missing accuracy, doubts. One line each.

    A doubt about many scenarios is one line, with one of them as an example.

    :param logs: the folder with the logs of those that failed.
    :param data_dir: as for `bench`.
    """
    lines = []
    doubts: dict[str, list[str]] = {}
    dimensions = [name for name in DIMENSIONS if name in _varying(results)]
    for result in results:
        scenario = result.scenario
        how = [str(value) for name in dimensions if (value := getattr(scenario, name)) is not None]
        name = ", ".join([scenario.model, *how, f"batch {scenario.batch_size}"])
        if result.failure:
            failure = result.failure
            where = f" in {failure.phase}" if failure.phase else ""
            log = f" (log: {logs / failure.log if logs else failure.log})" if failure.log else ""
            lines.append(f"! {name}: {result.outcome}{where}: {failure.message}{log}")
        elif result.measures.accuracy is None:
            bare, whole = (train_command(scenario.model, scenario.dataset, place) for place in (None, data_dir))
            why = result.reasons["accuracy"].replace(bare, whole)
            lines.append(f"! {scenario.model}: no accuracy: {why}")
        for finding in result.checks:
            of = scenario.model if finding.code in OF_MODELS else name
            doubts.setdefault(finding.code, []).append(f"{of}: {finding.code}: {finding.message}")
    for code, each in doubts.items():
        found = list(dict.fromkeys(each))
        if len(found) <= MOST_BY_NAME:
            lines += [f"! {line}" for line in found]
        else:
            lines.append(f"! {code} in {len(found)} of {len(results)} scenarios, such as {found[0]}")
    return list(dict.fromkeys(lines))
