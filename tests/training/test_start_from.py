"""`zoo train --from`: what is known before a framework starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import Zoo

from zoo.errors import UsageError, WeightsError
from zoo.training.api import make_job


def test_the_run_is_another_for_another_parent(tmp_path: Path) -> None:
    plain = make_job("toy_resnet", "digits")
    begun = make_job("toy_resnet", "digits", start_from="cifar10", freeze=1)
    assert begun.start is not None
    assert (begun.start.model, begun.start.dataset) == ("toy_resnet", "cifar10")
    assert begun.identity()["start"] == {"sha256": begun.start.sha256}
    assert "start" not in plain.identity()
    assert plain.default_folder() != begun.default_folder()
    moved = tmp_path / "moved.safetensors"
    moved.write_bytes(Path(begun.start.path).read_bytes())
    assert make_job("toy_resnet", "digits", start_from=str(moved), freeze=1).identity() == begun.identity()


def test_a_file_that_holds_no_weights(tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"nonsense")
    with pytest.raises(WeightsError, match="is not a whole safetensors file"):
        make_job("toy_resnet", "digits", start_from=str(tmp_path / "x.safetensors"))


def test_freezing_on_several_devices() -> None:
    with pytest.raises(UsageError, match="layers can be frozen on one device only"):
        make_job("toy_resnet", "digits", start_from="cifar10", freeze=1, strategy="data-parallel", keras_backend="jax")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--from", "nope"], "nope is no file, and no dataset for which toy_resnet has weights; shipped are: "),
        (["--from", "../x/y"], "../x/y is no file, and no dataset"),
        (["--freeze", "1"], "give weights to start from with --from"),
        (["--from", "cifar10", "--freeze", "1000"], "--freeze takes at most the "),
        (["--from", "cifar10", "--freeze", "-1"], "-1 is not in the range x>=0"),
    ],
)
def test_a_mistake_is_one_line(in_process: Zoo, arguments: list[str], line: str) -> None:
    done = in_process("train", "toy_resnet", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert line in done.stderr
    assert done.stderr.count("\n") == 1
