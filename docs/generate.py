"""Write the generated pages of this folder: `make docs`. A test checks that they are up to date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import hook_reference
import result_reference

from zoo import errors, registry
from zoo.cli import COMMANDS, group
from zoo.findings import codes
from zoo.record import numbers
from zoo.registry import Entry
from zoo.report.weights import score
from zoo.specs import ModelSpec
from zoo.weights.inventory import weights

HERE = Path(__file__).parent
WIDTH = 96

EXIT_CODES = (
    (errors.EXIT_OK, "fine"),
    (errors.EXIT_REGRESSION, "a gate found a regression, or nothing keeps within the limits"),
    (errors.EXIT_USAGE, "a mistake in what was asked for: an unknown name, a bad option, a folder that isn't there"),
    (errors.EXIT_FAILED, "something that was to be measured, built or read failed; the rest was done"),
    (errors.EXIT_INCONCLUSIVE, "what was measured can't tell"),
    (errors.EXIT_INTERRUPTED, "interrupted (Ctrl-C); no process is left behind"),
)


def cli() -> str:
    """`docs/cli.md`: the help of every command, and the exit codes."""
    parts = [
        "# Command line",
        "<!-- Written by docs/generate.py from the commands themselves; `make docs` writes it anew. -->",
        "Data go to standard output, progress and warnings to standard error. An error is one line, "
        "`zoo: …`, that says what to do.",
        _help(group, "zoo"),
    ]
    context = _context(group, "zoo")
    for name in COMMANDS:
        command = group.get_command(context, name)
        assert command is not None
        parts += [f"## zoo {name}", _help(command, f"zoo {name}")]
        if isinstance(command, click.Group):
            for child in command.commands.values():
                parts += [f"### zoo {name} {child.name}", _help(child, f"zoo {name} {child.name}")]
    codes = "\n".join(f"| {code} | {meaning} |" for code, meaning in EXIT_CODES)
    parts += ["## Exit codes", f"| code | meaning |\n| --- | --- |\n{codes}"]
    return "\n\n".join(parts) + "\n"


def _help(command: click.Command, name: str) -> str:
    return f"```text\n{command.get_help(_context(command, name)).rstrip()}\n```"


def _context(command: click.Command, name: str) -> click.Context:
    names = group.context_settings["help_option_names"]
    return click.Context(
        command, info_name=name, terminal_width=WIDTH, max_content_width=WIDTH, help_option_names=names
    )


# Accuracy on CIFAR-10's test images in per cent: He et al. 2015, table 6 (100 less the error); the best public
# reproductions; MLPerf Tiny's target.
PUBLISHED = {
    "resnet8": ("–", "–", "85"),
    "resnet20": ("91.25", "94.03", "–"),
    "resnet32": ("92.49", "93.53", "–"),
    "resnet44": ("92.83", "94.01", "–"),
    "resnet56": ("93.03", "95.48", "–"),
    "resnet110": ("93.39 ± 0.16", "96.31", "–"),
}
FIRST = "cifar10"  # of the datasets

SCORES = """
# Scores

<!-- Written by docs/generate.py from the metadata of the weights themselves; `make docs` writes it anew. -->

What the weights that come with the zoo's own models score, and how they were made. Every figure stands in the metadata
of the weights, where `zoo train` put it. `zoo weights --json` prints them, `zoo weights verify --score` takes the
scores anew. A model without weights has none here; nor have plugins that ship none.

Accuracy is top-1 on the test split, with its 95 % interval (Wilson 1927) and the number of images. The split is scored
once, after the last epoch: it chooses neither the epoch nor the seed. Where there are several seeds, the weights are
those of the first, and mean ± standard deviation are over all. Time is that of the training epochs.
"""

NOTES = """
He et al. 2015 is [arXiv:1512.03385](https://arxiv.org/abs/1512.03385), table 6, as 100 % less the error. For ResNet-110
it gives the mean ± standard deviation of five runs, of which the best had 93.57; of the others it doesn't say how many
runs there were. MLPerf Tiny's target is the quality that it asks of its image classification network.
"""


def scores() -> str:
    """`docs/scores.md`: what the shipped weights score, and how they were made, beside published figures."""
    known = registry.load()
    ours = {folder.name for folder in (HERE.parent / "plugins").iterdir()}
    entries = [entry for entry in known.models.values() if entry.plugin.distribution in ours]
    shipped = {
        (record["model"], record["dataset"]): record
        for record in weights(*(entry.spec.name for entry in entries), registry=known)
        if record["plugin"]
    }
    others = sorted({dataset for _, dataset in shipped} - {FIRST})
    with_weights = {entry.plugin.distribution for entry in entries if entry.spec.weights}
    entries = [entry for entry in entries if entry.plugin.distribution in with_weights]
    parts = [SCORES.strip()]
    for dataset in (FIRST, *others):
        found = {model: record for (model, of), record in shipped.items() if of == dataset}
        parts += [f"## {dataset}", _scores_table(entries, found), *_commands(entries, found)]
        if dataset == FIRST:
            parts += ["### Beside published figures", _published_table(found), NOTES.strip()]
    return "\n\n".join(parts) + "\n"


def _scores_table(entries: Sequence[Entry[ModelSpec]], found: Mapping[str, Mapping[str, Any]]) -> str:
    headers = ["model", "parameters", "accuracy", "seeds", "epochs", "time", "trained on"]
    rows = []
    for entry in entries:
        name, parameters = entry.spec.name, f"{entry.spec.parameters:,}"
        if name not in found:
            rows.append([name, parameters, "no weights", *["–"] * 4])
            continue
        record = found[name]["provenance"]
        rows.append([name, parameters, _accuracy(record), _seeds(record), *_training(record)])
    return _table(headers, rows)


def _published_table(found: Mapping[str, Mapping[str, Any]]) -> str:
    headers = ["model", "here", "He et al. 2015", "best public reproductions", "MLPerf Tiny's target"]
    rows = []
    for name, published in PUBLISHED.items():
        here = f"{100 * found[name]['score']['value']:.2f}" if name in found else "no weights"
        rows.append([name, here, *published])
    return "Per cent of the 10,000 test images.\n\n" + _table(headers, rows)


def _accuracy(record: Mapping[str, Any]) -> str:
    text = score(record["score"])
    if with_flip := record["score"].get("with_flip"):
        text += f"; {score(with_flip)}"
    return text


def _seeds(record: Mapping[str, Any]) -> str:
    seeds = record.get("over_seeds")
    if not seeds or seeds["deviation"] is None:
        return f"seed {record['recipe']['seed']}"
    return f"{100 * seeds['mean']:.2f} ± {100 * seeds['deviation']:.2f} % over {seeds['seeds']}"


def _training(record: Mapping[str, Any]) -> list[str]:
    """Epochs, time, and what on."""
    devices, versions = record.get("accelerators") or [], record["versions"]
    number = record.get("devices", 1)
    cores = f", {record['cores']} core{'s' if record['cores'] > 1 else ''}" if "cores" in record else ""
    device = devices[0] if devices else f"{record['processor']}{cores}"
    backend = versions["keras_backend"]
    return [
        str(record["recipe"]["epochs"]),
        _time(record["train_s"]),
        f"{f'{number} × ' if number > 1 else ''}{device}; {backend} {versions[backend]}",
    ]


def _time(seconds: float) -> str:
    for unit, scale in (("h", 3600), ("min", 60)):
        if seconds >= 2 * scale:
            return f"{numbers.significant(seconds / scale, 2)} {unit}"
    return f"{seconds:.0f} s"


def _commands(entries: Sequence[Entry[ModelSpec]], found: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What makes the weights."""
    lines = [
        _command(entry.spec, found[entry.spec.name]["provenance"]) for entry in entries if entry.spec.name in found
    ]
    if lines:
        yield "Made by\n\n" + "\n".join(f"    {line}" for line in lines)


def _command(spec: ModelSpec, record: Mapping[str, Any]) -> str:
    recipe, dataset = record["recipe"], record["dataset"]["name"]
    words = ["zoo train", spec.name, "--dataset", dataset]
    default = spec.recipe_for(dataset)
    if default is None or default.name != recipe.get("name", default.name):
        words += ["--recipe", recipe.get("name", "default")]
    for key, value in record.get("changes", {}).items():
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        words += ["--set", f"{key}={text}"]
    if (backend := record["versions"]["keras_backend"]) != "tensorflow":
        words += ["--keras-backend", backend]
    if strategy := record.get("strategy"):
        words += ["--strategy", strategy]
    if "with_flip" in record["score"]:
        words.append("--flip-test")
    if seeds := record.get("over_seeds"):
        words += ["--seeds", str(seeds["seeds"])]
    return " ".join(words)


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


FINDINGS = """
# Findings

<!-- Written by docs/generate.py from zoo/findings/codes.toml; `make docs` writes it anew. -->

What the zoo finds wrong with a plugin, by code. `zoo plugins --why NAME` names the line; `zoo list` mentions errors.
An *error* costs what it concerns: a plugin that can't be imported brings nothing, a hook that fails brings nothing, a
name that two declare is used from neither. A *warning* costs nothing: every plugin is read in a process of its own.

`zoo plugin check` finds these and more, from `prints` on, and what it tests. There, warnings of reading a plugin
are errors too: authors should mend what users need not notice.
"""


def findings() -> str:
    """`docs/findings.md`: every code, what it means, and how to mend it."""
    parts = [FINDINGS.strip()]
    for name, code in codes().items():
        parts += [f"## {name}", f"*{code.level}.* {code.what}", f"To mend it: {code.mend}"]
    return "\n\n".join(parts) + "\n"


PAGES = {
    "cli.md": cli,
    "findings.md": findings,
    "hooks.md": hook_reference.page,
    "result-schema.md": result_reference.page,
    "scores.md": scores,
}


if __name__ == "__main__":
    for page, write in PAGES.items():
        file = (HERE / page).resolve()
        file.write_text(write())
        print(file.relative_to(HERE.parent))
