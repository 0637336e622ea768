"""Tables: what stands in them, in any of tabulate's formats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support import altered
from tabulate import tabulate_formats

from zoo.record.measures import MEASURES
from zoo.record.result import Result
from zoo.report import tables

ENVIRONMENT = {
    "processor": {"model": "Acme 9", "architecture": "x86_64", "usable_cores": 4, "memory_bytes": 2**34},
    "accelerators": [],
    "os": {"system": "Linux", "release": "6.1"},
    "python": "CPython 3.11.7",
    "packages": {"tensorflow": "2.21.0", "keras": "3.12.0"},
    "fingerprint": "0123456789abcdef",
    "device": "cpu",
    "threads": 4,
}
MEASURED = {
    **dict.fromkeys(MEASURES),
    "parameters": 223_242,
    "macs": 29_000_000,
    "weights_bytes": 892_968,
    "latency_s": 1.62e-3,
    "images_per_second": 611.0,
    "import_s": 2.5,
    "build_s": 0.25,
    "first_call_s": 0.125,
    "peak_rss_bytes": 512_000_000,
    "accuracy": {"value": 592 / 600, "low": 0.974, "high": 0.993, "images": 600},
}
OK = Result.from_json(
    {
        "id": "1",
        "created_at": "2026-01-01T00:00:00+00:00",
        "outcome": "ok",
        "scenario": {
            "model": "toy",
            "dataset": "digits",
            "runtime": "tensorflow",
            "device": "cpu",
            "precision": "float32",
            "batch_size": 1,
            "threads": None,
        },
        "environment": ENVIRONMENT,
        "measures": MEASURED,
        "reasons": {},
        "plugin": {"distribution": "zoo-toy", "version": "1.0"},
        "zoo_version": "0.1.0",
        "stats": {
            "latency_s": {"n": 1234, "median": 1.62e-3, "p90": 1.75e-3},
            "images_per_second": {"value": 611.0, "low": 590.0, "high": 640.0},
        },
        "weights": {"source": "plugin", "sha256": "0123456789abcdef" * 4},
        "parity": {"max_difference": 4.2e-7, "accepted": True},
    }
)
FAILED = altered(
    OK,
    outcome="timeout",
    measures=dict.fromkeys(MEASURES),
    stats={},
    weights=None,
    parity=None,
    failure={"phase": "build", "type": "Timeout", "message": "not done after 5 s", "log": "a.log"},
)


def at(result: Result, **scenario: Any) -> Result:
    return altered(result, scenario={**result.scenario.to_json(), **scenario})


def cells(table: str) -> list[list[str]]:
    """The cells of a table in tabulate's format `tsv`."""
    return [[cell.strip() for cell in line.split("\t")] for line in table.splitlines()]


def test_a_row_of_the_table_of_models_says_what_the_batch_size_does_not_change() -> None:
    headers, row = cells(tables.models_table([OK], "tsv"))
    assert dict(zip(headers, row, strict=True)) == {
        "model": "toy",
        "parameters": "223,242",
        "MACs": "29.0 M",
        "weights": "0.893 MB",
        "accuracy": "98.7 % (97.4–99.3)",
        "images": "digits test, 600",
        "of weights": "plugin, 01234567",
    }


def test_each_model_has_one_row_in_the_order_of_the_results() -> None:
    results = [at(OK, batch_size=1), at(OK, batch_size=32), at(OK, model="cnn"), at(OK, batch_size=256)]
    assert [row[0] for row in cells(tables.models_table(results, "tsv"))] == ["model", "toy", "cnn"]


def test_a_model_whose_first_scenario_failed_has_the_row_of_its_second() -> None:
    results = [FAILED, at(OK, batch_size=32)]
    assert [row[0] for row in cells(tables.models_table(results, "tsv"))] == ["model", "toy"]


def test_a_model_without_weights_and_accuracy_says_so() -> None:
    result = altered(OK, weights=None, measures={**MEASURED, "accuracy": None, "macs": None})
    _, row = cells(tables.models_table([result], "tsv"))
    assert row == ["toy", "223,242", "–", "0.893 MB", "–", "–", "none: random"]


def test_where_all_failed_there_is_no_table_of_models() -> None:
    assert tables.models_table([FAILED], "simple") == ""


def test_a_row_of_the_table_of_speed_says_how_fast_a_scenario_was() -> None:
    headers, row = cells(tables.speed_table([OK], "tsv"))
    assert dict(zip(headers, row, strict=True)) == {
        "model": "toy",
        "batch": "1",
        "latency": "1.62 ms",
        "p90": "1.75 ms",
        "images/s": "611",
        "95 % interval": "590–640",
        "parity": "4e-07 σ",
        "samples": "1,234",
        "import": "2.50 s",
        "build": "250 ms",
        "first call": "125 ms",
        "peak memory": "512 MB",
    }


def test_a_scenario_that_failed_keeps_its_row() -> None:
    headers, good, bad = cells(tables.speed_table([OK, at(FAILED, batch_size=32)], "tsv"))
    assert bad == ["toy", "32", "timeout", *["–"] * 9]
    assert len(headers) == len(good) == len(bad)


def faster(runtime: str, latency_s: float, **changes: Any) -> Result:
    measures = {**MEASURED, "latency_s": latency_s, **changes}
    return altered(at(OK, runtime=runtime), measures=measures)


def test_where_runtimes_differ_each_row_says_which_and_the_fastest_comes_first() -> None:
    wrong = altered(at(FAILED, runtime="quick"), outcome="wrong")
    results = [wrong, at(OK, batch_size=32), faster("slow", 0.02), faster("fast", 0.01), at(OK, model="cnn")]
    headers, *rows = cells(tables.speed_table(results, "tsv"))
    assert headers[:4] == ["model", "batch", "runtime", "latency"]
    assert [tuple(row[:4]) for row in rows] == [
        ("toy", "1", "fast", "10.0 ms"),
        ("toy", "1", "slow", "20.0 ms"),
        ("toy", "1", "quick", "wrong"),
        ("toy", "32", "tensorflow", "1.62 ms"),
        ("cnn", "1", "tensorflow", "1.62 ms"),
    ]
    assert rows[0][headers.index("accuracy")] == "98.7 % (97.4–99.3)"
    assert "accuracy" not in cells(tables.models_table(results, "tsv"))[0]
    assert tables.header(results).splitlines()[1] == "on cpu, float32"


def test_the_share_of_the_peak_and_the_reason_are_shown_where_they_are_known() -> None:
    results = [faster("a", 0.01, flops_share=0.456, bound_by="memory"), faster("b", 0.02)]
    headers, first, second = cells(tables.speed_table(results, "tsv"))
    columns = [headers.index(name) for name in ("of peak", "bound by")]
    assert [first[i] for i in columns] == ["45.6 %", "memory"]
    assert [second[i] for i in columns] == ["–", "–"]


def test_a_row_above_the_peak_has_no_share() -> None:
    check = {"code": "above_peak", "message": "3.00 GFLOP/s is above the measured peak of float32"}
    above = altered(faster("a", 0.01), checks=[check])
    headers, row = cells(tables.speed_table([above], "tsv"))
    assert row[headers.index("of peak")] == "above it"
    assert tables.notes([above])[-1].endswith(check["message"])
    stored = altered(faster("a", 0.01, flops_share=1.04), checks=[check])  # by an earlier version
    headers, row = cells(tables.speed_table([stored], "tsv"))
    assert row[headers.index("of peak")] == "above it"


def test_energy_is_shown_with_its_unit_where_any_row_has_it() -> None:
    results = [faster("a", 0.01, energy_per_image_j=0.001234), faster("b", 0.02)]
    headers, first, second = cells(tables.speed_table(results, "tsv"))
    column = headers.index("energy/image")
    assert (first[column], second[column]) == ("1.23 mJ", "–")
    assert "energy/image" not in cells(tables.speed_table(results[1:], "tsv"))[0]


def test_a_percentile_that_was_refused_is_a_dash() -> None:
    stats = {**OK.stats.to_json(), "latency_s": {"n": 10, "median": 1e-3, "p90": None}}
    _, row = cells(tables.speed_table([altered(OK, stats=stats)], "tsv"))
    assert row[3] == "–"


def test_the_header_names_machine_runtime_device_precision_and_threads() -> None:
    machine, how = tables.header([OK]).splitlines()
    assert machine.startswith("Acme 9 · 4 cores · 16 GiB · no accelerator · Linux 6.1")
    assert how == "tensorflow on cpu, float32, 4 threads"


def test_the_header_leaves_out_threads_that_are_not_known() -> None:
    result = altered(OK, environment={**ENVIRONMENT, "threads": None})
    assert tables.header([result]).endswith("tensorflow on cpu, float32")


def test_a_good_result_needs_no_note() -> None:
    assert tables.notes([OK, at(OK, batch_size=32)]) == []


def test_a_failure_is_noted_with_its_phase_and_log() -> None:
    assert tables.notes([FAILED]) == ["! toy, batch 1: timeout in build: not done after 5 s (log: a.log)"]
    (line,) = tables.notes([FAILED], Path("/zoo/logs"))
    assert line.endswith("(log: /zoo/logs/a.log)")


def test_a_failure_may_lack_phase_and_log() -> None:
    failure = {**FAILED.failure.to_json(), "phase": None, "log": None}
    assert tables.notes([altered(FAILED, failure=failure)]) == ["! toy, batch 1: timeout: not done after 5 s"]


def test_a_missing_accuracy_is_noted_once_for_each_model() -> None:
    result = altered(OK, measures={**MEASURED, "accuracy": None}, reasons={"accuracy": "no weights for digits"})
    results = [at(result, batch_size=1), at(result, batch_size=32), at(result, model="cnn")]
    assert tables.notes(results) == [
        "! toy: no accuracy: no weights for digits",
        "! cnn: no accuracy: no weights for digits",
    ]


def test_every_finding_is_noted_with_its_scenario() -> None:
    checks = ({"code": "busy", "message": "others were"}, {"code": "loaded", "message": "it was"})
    result = altered(OK, checks=checks)
    assert tables.notes([result]) == ["! toy, batch 1: busy: others were", "! toy, batch 1: loaded: it was"]


def test_the_report_is_header_tables_and_notes_apart_by_an_empty_line() -> None:
    parts = tables.bench([OK, at(FAILED, batch_size=32)], "tsv").split("\n\n")
    assert len(parts) == 4
    assert parts[0].startswith("Acme 9")
    assert parts[3].startswith("! toy, batch 32: timeout")


def test_a_report_of_nothing_but_failures_has_no_table_of_models() -> None:
    parts = tables.bench([FAILED], "tsv").split("\n\n")
    assert [part.split(None, 1)[0] for part in parts] == ["Acme", "model", "!"]


DESCRIPTION = {
    "name": "toy",
    "summary": "a toy",
    "plugin": "zoo-toy",
    "plugin_version": "1.0",
    "parameters": 1000,
    "trainable_parameters": 900,
    "non_trainable_parameters": 100,
    "macs": 2_000_000,
    "flops": 4_000_000,
    "macs_not_counted": {},
    "macs_left_out": [],
    "layers": [
        {"name": "input", "type": "InputLayer", "output_shape": [None, None, 3], "parameters": 0, "macs": 0},
        {"name": "conv", "type": "Conv2D", "output_shape": [32, 32, 16], "parameters": 1000, "macs": 2_000_000},
        {"name": "odd", "type": "Odd", "output_shape": [10], "parameters": 0, "macs": None},
    ],
    "weights": [],
    "recipes": [],
    "paper": None,
    "licence": None,
    "keras_version": "3.12.0",
    "keras_backend": "jax",
}


def test_layers_are_listed_with_output_parameters_and_macs() -> None:
    assert cells(tables.layers(DESCRIPTION, "tsv")) == [
        ["layer", "type", "output", "parameters", "MACs"],
        ["input", "InputLayer", "?×?×3", "0", "0"],
        ["conv", "Conv2D", "32×32×16", "1,000", "2,000,000"],
        ["odd", "Odd", "10", "0", "?"],
    ]


def facts(**changes: Any) -> list[tuple[str, str]]:
    return tables.model_summary({**DESCRIPTION, **changes})


def test_a_model_is_summed_up_in_labelled_facts() -> None:
    assert facts() == [
        ("model", "toy: a toy"),
        ("plugin", "zoo-toy 1.0"),
        ("parameters", "1,000"),
        ("  trainable", "900"),
        ("  not trainable", "100"),
        ("MACs", "2,000,000 for one image: products of matrices"),
        ("FLOPs", "4,000,000 = 2 × MACs"),
        ("not counted", "biases"),
        ("weights", "none shipped"),
        ("recipes", "none"),
        ("paper", "none named"),
        ("licence", "none named"),
        ("built with", "Keras 3.12.0 on jax"),
    ]


def test_what_the_macs_leave_out_is_named() -> None:
    assert ("not counted", "biases; 2 Odd, 1 Even") in facts(macs_not_counted={"Odd": 2, "Even": 1})


def test_macs_that_are_not_whole_are_marked_and_what_is_left_out_is_named() -> None:
    shown = facts(macs_left_out=["odd", "inner/odder\x1b"])
    assert ("MACs", "≥ 2,000,000 for one image: products of matrices") in shown
    assert ("FLOPs", "≥ 4,000,000 = 2 × MACs") in shown
    assert ("left out", "odd, inner/odder?: what they multiply can't be seen") in shown
    inner = {
        "name": "inner",
        "type": "Functional",
        "output_shape": [10],
        "parameters": 0,
        "macs": 5,
        "left_out": ["odd"],
    }
    assert cells(tables.layers({**DESCRIPTION, "layers": [inner]}, "tsv"))[1][-1] == "≥ 5"


def test_the_table_of_models_marks_macs_that_are_not_whole() -> None:
    result = altered(OK, measures={**MEASURED, "macs_left_out": ["odd"]})
    assert cells(tables.models_table([result], "tsv"))[1][2] == "≥ 29.0 M"
    assert cells(tables.models_table([OK], "tsv"))[1][2] == "29.0 M"


def test_a_doubt_about_a_model_is_said_once_for_all_its_scenarios() -> None:
    checks = ({"code": "macs_not_whole", "message": "the MACs leave out odd"},)
    results = [altered(OK, checks=checks, scenario={**OK.scenario.to_json(), "batch_size": size}) for size in (1, 8)]
    assert tables.notes(results) == ["! toy: macs_not_whole: the MACs leave out odd"]


WEIGHTS = {
    "dataset": "digits",
    "sha256": "0123456789abcdef" * 4,
    "error": None,
    "provenance": {"score": MEASURED["accuracy"]},
}


def test_weights_are_listed_with_their_score_or_what_is_wrong_with_them() -> None:
    broken = {"dataset": "mnist", "error": "they are not there", "provenance": None}
    assert [text for label, text in facts(weights=[WEIGHTS, broken]) if label == "weights"] == [
        "digits: 98.7 % (97.4–99.3) of 600 test images, sha256 0123456789ab…",
        "mnist: they are not there",
    ]


@pytest.mark.parametrize("provenance", [{}, {"score": None}, {"score": "good"}, {"score": {"value": "1"}}])
def test_weights_that_do_not_say_what_they_score_are_listed_without(provenance: dict[str, Any]) -> None:
    lines = dict(facts(weights=[{**WEIGHTS, "provenance": provenance}]))
    assert lines["weights"].startswith("digits: ")
    assert "0123456789ab" in lines["weights"]


@pytest.mark.parametrize("fmt", tabulate_formats)
def test_every_format_has_every_row(fmt: str) -> None:
    table = tables.layers(DESCRIPTION, fmt)
    assert all(name in table for name in ("layer", "input", "conv", "odd", "Conv2D"))
    assert "toy" in tables.speed_table([OK], fmt)


@pytest.mark.parametrize("fmt", tabulate_formats)
def test_a_table_without_rows_can_be_printed(fmt: str) -> None:
    assert isinstance(tables.render(["a", "b"], [], fmt, right=["b"]), str)


def test_text_is_never_taken_for_a_number() -> None:
    assert cells(tables.render(["model", "note"], [["1e3", "0012"], ["nan", "-"]], "tsv"))[1:] == [
        ["1e3", "0012"],
        ["nan", "-"],
    ]


def test_numbers_stand_to_the_right_and_text_to_the_left() -> None:
    table = tables.render(["name", "n"], [["a", "1"], ["bcdef", "1,000"]], "plain", right=["n"])
    assert len({len(line) for line in table.splitlines()}) == 1
    assert [line.split() for line in table.splitlines()] == [["name", "n"], ["a", "1"], ["bcdef", "1,000"]]
    assert all(line[0] != " " for line in table.splitlines())


def test_a_suggested_command_has_the_data_folder_that_no_result_holds() -> None:
    command = "zoo train toy --dataset digits"
    reason = f"no weights for digits; '{command}' makes them"
    result = altered(OK, measures={**MEASURED, "accuracy": None}, reasons={"accuracy": reason})
    assert tables.notes([result]) == [f"! toy: no accuracy: {reason}"]
    (line,) = tables.notes([result], data_dir="/home/a b/data")
    assert f"'{command} --data-dir '/home/a b/data'' makes them" in line
