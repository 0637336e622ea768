"""The generated pages are up to date, and what the others link to is there."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

import generate
import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "plugins").glob("*/*.md")])


@pytest.mark.parametrize("page", generate.PAGES)
def test_a_generated_page_is_up_to_date(page: str) -> None:
    written = (ROOT / "docs" / page).read_text()
    assert written == generate.PAGES[page](), "run 'make docs'"


def test_what_is_generated_does_not_depend_on_what_was_before() -> None:
    script = "import generate; generate.hook_reference.page(); generate.findings(); print(generate.cli(), end='')"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT / "docs")},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert done.stdout == (ROOT / "docs" / "cli.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", page.read_text()):
        if "://" not in target:
            file = page.parent / target if target else page
            assert file.exists(), target
            assert not anchor or anchor in _anchors(file), f"{target}#{anchor}"


def _anchors(page: Path) -> set[str]:
    """What GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_scores_name_every_model_and_every_shipped_file_by_its_score() -> None:
    from zoo import registry
    from zoo.report.weights import score
    from zoo.weights.inventory import weights

    models = registry.load().models.values()
    ship_some = {entry.plugin.distribution for entry in models if entry.spec.weights}

    page = (ROOT / "docs" / "scores.md").read_text()
    sections = {section.partition("\n")[0]: section for section in page.split("\n## ")[1:]}
    shipped = {(record["model"], record["dataset"]): record for record in weights() if record["source"] == "plugin"}
    for dataset, section in sections.items():
        for spec in (entry.spec for entry in models if entry.plugin.distribution in ship_some):
            row = next(line for line in section.splitlines() if line.startswith(f"| {spec.name} |"))
            record = shipped.pop((spec.name, dataset), None)
            assert f"| {spec.parameters:,} | {score(record['score']) if record else 'no weights'}" in row
    assert not shipped


def test_a_record_is_told_in_full() -> None:
    import zoo

    (spec,) = zoo.models("resnet20")
    recipes = [zoo.Recipe(dataset="cifar10", epochs=200, name=name) for name in ("test-a", "test-b")]
    spec = dataclasses.replace(spec, recipes=(*spec.recipes, *recipes))
    score = {"value": 0.9231, "low": 0.9177, "high": 0.9282, "images": 10_000, "split": "test"}
    record = {
        "dataset": {"name": "cifar10"},
        "recipe": {**recipes[1].to_json(), "mean": [0.5, 0.4], "epochs": 3},
        "changes": {"mean": [0.5, 0.4], "epochs": 3},
        "score": {**score, "with_flip": {**score, "value": 0.9266, "test_time_augmentation": "flip"}},
        "train_s": 754.0,
        "versions": {"keras_backend": "jax", "jax": "0.10.2"},
        "strategy": "data-parallel",
        "devices": 2,
        "processor": "a processor",
        "cores": 16,
        "accelerators": ["NVIDIA H100", "NVIDIA H100"],
        "over_seeds": {"mean": 0.9222, "deviation": 0.0018, "seeds": 5},
    }
    assert generate._command(spec, record) == (
        "zoo train resnet20 --dataset cifar10 --recipe test-b --set mean=0.5,0.4 --set epochs=3 "
        "--keras-backend jax --strategy data-parallel --flip-test --seeds 5"
    )
    assert generate._accuracy(record) == ("92.31 % (91.77–92.82) of 10,000; 92.66 % (91.77–92.82) of 10,000, flip")
    assert generate._seeds(record) == "92.22 ± 0.18 % over 5"
    assert generate._training(record) == ["3", "13 min", "2 × NVIDIA H100; jax 0.10.2"]
    here = {**record, "accelerators": [], "devices": 1}
    assert generate._training(here)[2] == "a processor, 16 cores; jax 0.10.2"
    published = generate._published_table({"resnet20": {"score": score}})
    assert "| resnet20 | 92.31 | 91.25 | 94.03 | – |" in published
    assert "| resnet110 | no weights | 93.39 ± 0.16 | 96.31 | – |" in published


def test_the_hook_reference_refuses_what_is_not_described() -> None:
    import hook_reference

    page = hook_reference.page()
    assert all(f"## {name}(" in page for name in hook_reference.hooks())

    @dataclasses.dataclass
    class Spec:
        """Something.

        Attributes:
            first, second: two of them,
                over two lines.
        """

        first: int
        second: int = 3

    table = list(hook_reference._spec(Spec))[1]
    assert "| `first`, `second` | `int` | required, `3` | two of them, over two lines. |" in table
    Spec.__doc__ = (Spec.__doc__ or "").replace("first, ", "")
    with pytest.raises(ValueError, match="disagree about first"):
        list(hook_reference._spec(Spec))


def test_the_schema_has_every_type_within_a_result_and_a_type_in_jsons_words_and_a_unit() -> None:
    import result_reference

    from zoo.record.environment import Processor
    from zoo.record.measures import LatencyStats, Measures
    from zoo.record.result import Result

    records = result_reference.records(Result)
    assert records[0] is Result
    assert {"Window", "Conditions", "CudaLibraries", "TurnRecord"} <= {record.__name__ for record in records}
    rows = "\n".join(
        text for record in (Measures, LatencyStats, Processor) for text in result_reference.section(record)
    )
    assert "| `latency_s` | number or null | s |" in rows
    assert "| `accuracy` | [Accuracy](#accuracy) or null |  |" in rows
    assert "| `macs_left_out` | array of string or null |  |" in rows
    assert "| `p90` | number or null | s |" in rows
    assert "| `confidence` | number | share |" in rows
    assert "| `memory_bytes` | integer | bytes |" in rows


def test_the_schema_refuses_a_field_that_is_not_described() -> None:
    import result_reference

    @dataclasses.dataclass
    class Record:
        """Something.

        Attributes:
            first: the one.
        """

        first: int
        second: int = 3

    with pytest.raises(ValueError, match="disagree about second"):
        list(result_reference.section(Record))
