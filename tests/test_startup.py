"""What a command that only lists costs: nothing heavy is imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("tensorflow", "keras", "jax", "torch", "numpy", "sklearn", "rich", "psutil")


LISTINGS = (
    ["list"],
    ["list", "toy*", "--json"],
    ["weights"],
    ["weights", "list", "toy*", "--json"],
    ["data"],
    ["runtimes", "--json"],
    ["data", "show", "digits"],
    ["--help"],
    ["plugins", "--json"],
    ["completion", "bash"],
    ["bench", "--help"],
    ["export", "--help"],
)


@pytest.mark.parametrize("arguments", LISTINGS)
def test_listing_imports_nothing_heavy(arguments: list[str]) -> None:
    script = (
        "import sys\n"
        "from zoo.cli import main\n"
        "try:\n"
        "    main(sys.argv[1:])\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        f"print([m for m in {HEAVY} if m in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("module", ["zoo", "zoo_toy_resnet", "zoo_plain_cnn", "zoo_cifar_resnet"])
def test_importing_the_zoo_or_a_plugin_imports_nothing_heavy(module: str) -> None:
    script = f"import sys, {module}; sys.exit(str([m for m in {HEAVY} if m in sys.modules] or ''))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr.strip() == ""


def test_the_public_names_are_sorted_and_there() -> None:
    import zoo

    assert zoo.__all__ == sorted(zoo.__all__)
    for name in zoo.__all__:
        assert getattr(zoo, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        zoo.nothing  # noqa: B018 - the look-up itself is what fails


def test_rooms_that_share_a_functions_name_can_be_called() -> None:
    import zoo
    import zoo.benchmarking
    import zoo.modeling
    import zoo.training

    assert [spec.name for spec in zoo.models("toy_resnet")] == ["toy_resnet"]
    with pytest.raises(zoo.ZooError, match="unknown model 'toy_resnt'; did you mean 'toy_resnet'"):
        zoo.bench("toy_resnt")
    with pytest.raises(zoo.ZooError, match="unknown model"):
        zoo.train("nothing_like_it")
