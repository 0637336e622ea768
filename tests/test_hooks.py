"""Every hook is documented with its exact arguments and an example, and has a test of what uses it."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import hook_reference
import pytest

from zoo.plugins.examine import HOOKS

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "hooks.md").read_text()
# For each hook, a test of the command that uses what it brings.
TESTS = {
    "zoo_models": ("test_howto.py", "test_the_model_is_listed"),
    "zoo_datasets": ("test_howto.py", "test_what_a_page_says_typed_as_it_stands_passes_every_check"),
    "zoo_runtimes": ("test_howto.py", "test_what_a_page_says_typed_as_it_stands_passes_every_check"),
    "zoo_recipes": ("plugins/test_parts.py", "test_a_model_gets_what_another_plugin_brings_for_it"),
    "zoo_weights": ("plugins/test_parts.py", "test_a_model_gets_what_another_plugin_brings_for_it"),
    "zoo_exporters": ("cli/test_exporters.py", "test_the_format_of_a_plugin_is_written_to_standard_output"),
    "zoo_executors": ("cli/test_on.py", "test_results_come_as_they_would_from_here"),
    "zoo_result_recorded": (
        "cli/test_listening.py",
        "test_plugins_hear_of_each_result_and_one_that_fails_is_a_warning",
    ),
}


def test_the_hooks_are_the_same_everywhere() -> None:
    assert set(hook_reference.hooks()) == set(HOOKS) == set(hook_reference.EXAMPLES) == set(TESTS)


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_documented_with_its_exact_arguments_an_example_and_a_command(name: str) -> None:
    arguments = ", ".join(inspect.signature(hook_reference.hooks()[name]).parameters)
    section = PAGE.partition(f"\n## {name}({arguments})\n")[2].partition("\n## ")[0]
    assert section
    (example,) = re.findall(r"^```python\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    (function,) = ast.parse(example).body
    assert isinstance(function, ast.FunctionDef)
    assert (function.name, [argument.arg for argument in function.args.args]) == (name, list(filter(None, [arguments])))
    assert re.search(r"^    .*\bzoo [a-z]+ ", section, re.MULTILINE)


@pytest.mark.parametrize("name", TESTS)
def test_a_hook_has_a_test_of_what_uses_it(name: str) -> None:
    file, test = TESTS[name]
    tree = ast.parse((ROOT / "tests" / file).read_text())
    assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
