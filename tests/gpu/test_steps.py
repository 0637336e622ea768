"""The queue is data: what it names exists, and a rehearsal asks nothing of a GPU."""

from __future__ import annotations

import click
import pytest
import steps
from steps import QUEUE, Step

from zoo import registry
from zoo.cli import group
from zoo.cli.bench import command as bench
from zoo.cli.train import command as train


def test_every_step_has_its_name() -> None:
    names = [step.name for step in QUEUE]
    assert len(set(names)) == len(names)


def test_a_benchmark_comes_first_and_is_short() -> None:
    assert QUEUE[0].kind == "results"
    assert QUEUE[0].seconds <= 30


@pytest.mark.parametrize("step", [*QUEUE, *map(steps.toy, QUEUE)], ids=lambda step: step.name)
def test_commands_are_understood(step: Step) -> None:
    word, *rest = step.command
    if word != "zoo" or rest[0] == "peak":
        return
    command = {"bench": bench, "train": train}[rest[0]]
    parent = click.Context(group, **group.context_settings)  # help is asked for as it is on the command line
    with command.make_context(rest[0], rest[1:], parent=parent) as context:
        named = context.params.get("name") or context.params["patterns"]
    known = registry.load().models
    assert {named} if isinstance(named, str) else set(named) <= set(known)


@pytest.mark.parametrize("step", QUEUE, ids=lambda step: step.name)
def test_recipes_that_are_named_are_there(step: Step) -> None:
    if step.kind != "weights":
        return
    words = step.command
    spec = registry.load().model(words[2]).spec
    assert spec.recipe_for("cifar10", words[words.index("--recipe") + 1]) is not None


@pytest.mark.parametrize("step", [*map(steps.toy, QUEUE)], ids=lambda step: step.name)
def test_a_rehearsal_asks_nothing_of_a_gpu(step: Step) -> None:
    assert not {"gpu", "cifar10", "torch-cuda-graph", "bfloat16"} & set(",".join(step.command).split(","))
    assert step.name in {one.name for one in QUEUE}


def test_the_short_queue_has_a_step_of_each_kind() -> None:
    found = steps.short(QUEUE)
    assert {step.kind for step in found} == {step.kind for step in QUEUE}
    assert {step.command[0] for step in found} == {step.command[0] for step in QUEUE}
