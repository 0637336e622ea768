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


@pytest.mark.parametrize("page", ["cli.md"])
def test_a_generated_page_is_up_to_date(page: str) -> None:
    written = (ROOT / "docs" / page).read_text()
    assert written == _generator().PAGES[page](), "run 'make docs'"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


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
