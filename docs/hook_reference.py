"""`docs/hooks.md`, from the hookspecs, the specs and the protocols themselves: signatures, docstrings, defaults.

What a docstring leaves undescribed, or describes and isn't there, is an error.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zoo import hookspecs, runtimes, specs

SPECS = (
    specs.ModelSpec,
    specs.Recipe,
    specs.WeightsSpec,
    specs.FetchSpec,
    specs.RemoteFile,
    specs.DatasetSpec,
    specs.RuntimeSpec,
    specs.ExporterSpec,
    specs.ExecutorSpec,
)
# For each hook, the how-to page from which its example is taken, and the command line that uses what it brings.
EXAMPLES = {
    "zoo_models": ("bring-a-model.md", "zoo bench acme_net"),
    "zoo_datasets": ("bring-a-dataset.md", "zoo data verify stripes"),
    "zoo_runtimes": ("bring-a-runtime.md", "zoo bench toy_resnet --runtime graph"),
    "zoo_recipes": ("extend-more.md", "zoo train toy_resnet --dataset shapes"),
    "zoo_weights": ("ship-weights.md", "zoo bench toy_resnet --dataset shapes"),
    "zoo_exporters": ("extend-more.md", "zoo results export --format markdown"),
    "zoo_executors": ("extend-more.md", "zoo bench toy_resnet --on ssh"),
    "zoo_result_recorded": ("extend-more.md", "ZOO_EXTRAS_LOG=log.txt zoo bench toy_resnet"),
}
HERE = Path(__file__).parent
BLOCK = re.compile(r"^```python\n# (?P<path>\S+)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)
PROTOCOLS = (runtimes.Runtime, runtimes.Session, runtimes.CountsMemory, runtimes.UsesCuda, runtimes.Saves)
ENTRY = re.compile(r"(?P<names>\w+(?:, \w+)*): (?P<text>.*)")

HEAD = """
# Hooks: what a plugin can bring

<!-- Written by docs/generate.py from the hookspecs and specs themselves; `make docs` writes it anew. -->

A plugin is an installed distribution with an entry point in the group `zoo`. The entry point names a module; the module
implements hooks, marked `@zoo.hookimpl`, which return specs; `zoo_result_recorded` is told of Results and returns
nothing. A function of another name implements a hook by `@zoo.hookimpl(specname="zoo_models")`; if several do, all of
them count. Specs are plain data, and code in them is named as `"package.module:function"` and imported only in the
process that needs it: importing the module itself must not import Keras or any other framework. What you get wrong
here, `zoo plugins --why NAME` and `zoo plugin check` say by a code ([findings.md](findings.md)).

Start with [ten minutes from an idea to a plugin](tutorial-plugin.md). How to: [bring a model](bring-a-model.md),
[a dataset](bring-a-dataset.md), [a runtime](bring-a-runtime.md),
[a recipe, a format, an executor](extend-more.md); [ship weights](ship-weights.md);
[publish](publish.md). What stays as it is: [promise.md](promise.md).
"""

SPECS_HEAD = """
## The specs

Frozen dataclasses; every field is given by name. One that can't be what it should be raises
`zoo.ZooError` when it is made.
A *name* has the form `{name}`.
"""

PROTOCOLS_HEAD = """
## What a runtime implements

`RuntimeSpec.runtime` names a class with the methods of `zoo.runtimes.Runtime`; it need not inherit from it. Its
`open` returns an object with the methods of `Session`. The other protocols are for those that have them.
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD.strip()]
    for name, hook in hooks().items():
        parts += [f"## {name}({', '.join(inspect.signature(hook).parameters)})", *_function(hook), *_example(name)]
    parts.append(SPECS_HEAD.strip().format(name=f"^{specs.NAME.pattern}$"))
    for spec in SPECS:
        parts += [f"### zoo.{spec.__name__}", *_spec(spec)]
    parts.append(PROTOCOLS_HEAD.strip())
    for protocol in PROTOCOLS:
        parts += [f"### zoo.runtimes.{protocol.__name__}", prose(_doc(protocol))]
        for name, method in vars(protocol).items():
            if inspect.isfunction(method) and not name.startswith("_"):
                parts += [f"#### {name}", f"```python\n{_signature(name, method)}\n```", *_function(method)]
    for made in (runtimes.Started, runtimes.Saved):
        parts += [f"### zoo.runtimes.{made.__name__}", *_spec(made)]
    return "\n\n".join(parts) + "\n"


def hooks() -> dict[str, Any]:
    """The hooks by name."""
    return {name: value for name, value in vars(hookspecs).items() if name.startswith("zoo_")}


def _example(hook: str) -> Iterator[str]:
    """How a page implements a hook, and the command that then uses it.

    :raises ValueError: if that page doesn't implement it.
    """
    page, command = EXAMPLES[hook]
    for block in BLOCK.finditer((HERE / page).read_text()):
        code = textwrap.dedent(block["code"])
        for node in ast.parse(code).body:
            if isinstance(node, ast.FunctionDef) and node.name == hook:
                lines = code.splitlines()[node.decorator_list[0].lineno - 1 : node.end_lineno]
                yield f"From [{page}]({page}), with the command that then uses it:"
                yield "\n".join(["```python", *lines, "```"])
                yield f"    {command}"
                return
    raise ValueError(f"docs/{page} has no {hook}")


def _function(function: Any) -> Iterator[str]:
    """What a docstring says, and the parameters that it describes as a list."""
    text, *fields = re.split(r"^:(?=param|return|raises)", _doc(function), flags=re.MULTILINE)
    yield prose(text)
    lines = []
    for field in fields:
        kind, _, words = field.partition(": " if field.startswith("return") else " ")
        names, _, what = words.partition(": ") if kind != "return" else (kind + "s", "", words)
        name = f"raises `{names}`" if kind == "raises" else names if kind == "return" else f"`{names}`"
        lines.append(f"- {name}: {prose(what)}")
    known = {"self", *inspect.signature(function).parameters}
    described = {name for field in fields if field.startswith("param") for name in _names(field)}
    if not described <= known:
        raise ValueError(f"{function.__qualname__} has no {', '.join(sorted(described - known))}")
    if lines:
        yield "\n".join(lines)


def _names(field: str) -> list[str]:
    return field.removeprefix("param ").partition(":")[0].split(", ")


def _spec(spec: Any) -> Iterator[str]:
    """What a dataclass is for, and its fields as a table."""
    text, described = describe(spec)
    fields = {field.name: field for field in dataclasses.fields(spec)}
    yield prose(text)
    lines = ["| field | type | default | |", "| --- | --- | --- | --- |"]
    for names, what in described.items():
        some = [fields[name] for name in names.split(", ")]
        named, defaults = (", ".join(dict.fromkeys(texts)) for texts in zip(*map(_head, some), strict=True))
        kind = some[0].type.replace("|", "\\|").replace("Whole", "int")
        lines.append(f"| {named} | `{kind}` | {defaults} | {prose(what)} |")
    yield "\n".join(lines)


def describe(spec: type) -> tuple[str, dict[str, str]]:
    """What the docstring of a dataclass says, and what it says of each field or of several, by their names.

    :raises ValueError: if it leaves a field out, or describes one that isn't there.
    """
    text, _, attributes = _doc(spec).partition("Attributes:\n")
    described = _described(attributes)
    told = [name for names in described for name in names.split(", ")]
    if wrong := set(told) ^ {field.name for field in dataclasses.fields(spec)}:
        raise ValueError(f"{spec.__name__}: its docstring and its fields disagree about {', '.join(sorted(wrong))}")
    return text, described


def _described(attributes: str) -> dict[str, str]:
    """From names, `"a"` or `"a, b"`, to what an `Attributes:` section says of them."""
    found: dict[str, str] = {}
    names = ""
    for line in textwrap.dedent(attributes).splitlines():
        if entry := ENTRY.fullmatch(line):
            names = entry["names"]
            found[names] = entry["text"]
        elif line.strip():
            found[names] += f" {line.strip()}"
    return found


def _head(field: dataclasses.Field[Any]) -> tuple[str, str]:
    """Its name and its default."""
    if field.default_factory is not dataclasses.MISSING:
        return f"`{field.name}`", f"`{field.default_factory()!r}`"
    return f"`{field.name}`", "required" if field.default is dataclasses.MISSING else f"`{field.default!r}`"


def _signature(name: str, method: Any) -> str:
    text = str(inspect.signature(method)).replace("'", "")
    return f"def {name}{text}: ..."


def _doc(thing: Any) -> str:
    text = inspect.getdoc(thing)
    if not text:
        raise ValueError(f"{thing.__qualname__} has no docstring")
    return text


def prose(text: str) -> str:
    """Paragraphs, each in a line."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n"))
