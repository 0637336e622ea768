"""The generated pages are up to date, and what the others link to is there."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "plugins").glob("*/*.md")])


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "page", ["cli.md", "findings.md", "scores.md", "../zoo/cli/help.txt", "../zoo/cli/completion.txt"]
)
def test_a_generated_page_is_up_to_date(page: str) -> None:
    written = (ROOT / "docs" / page).read_text()
    assert written == _generator().PAGES[page](), "run 'make docs'"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_scores_name_every_model_and_every_shipped_file_by_its_score() -> None:
    import zoo
    from zoo.models.inventory import weights
    from zoo.report.weights import score

    page = (ROOT / "docs" / "scores.md").read_text()
    sections = {section.partition("\n")[0]: section for section in page.split("\n## ")[1:]}
    shipped = {(record["model"], record["dataset"]): record for record in weights() if record["source"] == "plugin"}
    for dataset, section in sections.items():
        for spec in zoo.models():
            row = next(line for line in section.splitlines() if line.startswith(f"| {spec.name} |"))
            record = shipped.pop((spec.name, dataset), None)
            assert f"| {spec.parameters:,} | {score(record['score']) if record else 'no weights'}" in row
    assert not shipped


def test_a_record_is_told_in_full() -> None:
    import dataclasses

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
    generator = _generator()
    assert generator._command(spec, record) == (
        "zoo train resnet20 --dataset cifar10 --recipe test-b --set mean=0.5,0.4 --set epochs=3 "
        "--keras-backend jax --strategy data-parallel --flip-test --seeds 5"
    )
    assert generator._accuracy(record) == ("92.31 % (91.77–92.82) of 10,000; 92.66 % (91.77–92.82) of 10,000, flip")
    assert generator._seeds(record) == "92.22 ± 0.18 % over 5"
    assert generator._training(record) == ["3", "13 min", "2 × NVIDIA H100; jax 0.10.2"]
    here = {**record, "accelerators": [], "devices": 1}
    assert generator._training(here)[2] == "a processor, 16 cores; jax 0.10.2"
    published = generator._published_table({"resnet20": {"score": score}})
    assert "| resnet20 | 92.31 | 91.25 | 94.03 | – |" in published
    assert "| resnet110 | no weights | 93.39 ± 0.16 | 96.31 | – |" in published


def test_every_hook_is_documented_with_its_arguments() -> None:
    import inspect

    from zoo import hookspecs

    page = (ROOT / "docs" / "plugins.md").read_text()
    hooks = {name: value for name, value in vars(hookspecs).items() if name.startswith("zoo_")}
    assert hooks
    for name, hook in hooks.items():
        arguments = ", ".join(inspect.signature(hook).parameters)
        assert f"## {name}({arguments})" in page


def test_every_measure_and_field_of_a_result_is_documented() -> None:
    import dataclasses

    from zoo.results.schema import MEASURES, Result

    page = (ROOT / "docs" / "result-schema.md").read_text()
    for name in [*MEASURES, *(field.name for field in dataclasses.fields(Result))]:
        assert f"`{name}`" in page, name
