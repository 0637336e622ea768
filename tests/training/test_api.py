"""What `zoo train` is asked for."""

from __future__ import annotations

import dataclasses

import pytest

from zoo import registry
from zoo.errors import UsageError
from zoo.training.api import make_job


def test_a_dataset_without_a_recipe_is_one_line() -> None:
    known = registry.load()
    entry = known.models["toy_resnet"]
    spec = dataclasses.replace(entry.spec, recipes=tuple(r for r in entry.spec.recipes if r.dataset == "cifar10"))
    without = dataclasses.replace(known, models={"toy_resnet": dataclasses.replace(entry, spec=spec)})
    with pytest.raises(UsageError, match=r"^toy_resnet has no recipe for digits; it has recipes for: cifar10$"):
        make_job("toy_resnet", "digits", registry=without)
