"""A run's folder: what it holds, whom it lets in, and what makes two runs the same."""

from __future__ import annotations

import dataclasses
import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from zoo.data.catalog import Dataset
from zoo.data.fit import Fit
from zoo.errors import DataError, UsageError
from zoo.specs import ModelSpec, Recipe
from zoo.training import run as run_module
from zoo.training.code import Code, code_of
from zoo.training.job import Job, check, differences
from zoo.training.run import Run

JOB = Job(
    model=ModelSpec(
        name="toy", summary="a toy", build="pkg.model:toy", input_shape=(8, 8, 1), classes=10, parameters=7
    ),
    dataset=Dataset(
        name="digits",
        version="1.0.0",
        data_dir="/data",
        folder="/data/digits/1.0.0",
        builder=None,
        classes=10,
        image_shape=(8, 8, 1),
        splits={"train": 3, "test": 2},
    ),
    recipe=Recipe(dataset="digits", epochs=30, loss="acme:brier"),
    code={"acme:brier": Code(distribution="acme", version="1.0", sha256="0" * 16)},
)


def changed(**recipe: object) -> Job:
    return dataclasses.replace(JOB, recipe=dataclasses.replace(JOB.recipe, **recipe))


def test_a_job_survives_json() -> None:
    assert Job.from_json(json.loads(json.dumps(JOB.to_json(), allow_nan=False))) == JOB


@pytest.mark.parametrize(
    "other",
    [
        dataclasses.replace(JOB, folder="/elsewhere", resume=True, flip_test=True),
        dataclasses.replace(JOB, dataset=dataclasses.replace(JOB.dataset, data_dir="/mnt", folder="/mnt/digits/1.0.0")),
        dataclasses.replace(JOB, model=dataclasses.replace(JOB.model, summary="another line")),
        changed(summary="for everyday use"),
    ],
)
def test_a_run_is_the_same_wherever_it_is_kept_and_however_it_is_scored(other: Job) -> None:
    assert other.identity() == JOB.identity()
    assert other.default_folder() == JOB.default_folder()


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (changed(epochs=3), "recipe.epochs is 30 there and 3 here"),
        (changed(seed=1), "recipe.seed is 0 there and 1 here"),
        (dataclasses.replace(JOB, tune=True), "tune is false there and true here"),
        (dataclasses.replace(JOB, keras_backend="jax"), 'keras_backend is "tensorflow" there and "jax" here'),
        (
            dataclasses.replace(JOB, dataset=dataclasses.replace(JOB.dataset, version="2.0.0")),
            'dataset.version is "1.0.0" there and "2.0.0" here',
        ),
    ],
)
def test_what_decides_the_weights_makes_another_run(other: Job, difference: str, tmp_path: Path) -> None:
    assert list(differences(JOB.identity(), other.identity())) == [difference]
    assert other.default_folder() != JOB.default_folder()

    folder = Run(tmp_path)
    folder.begin(JOB)
    folder.check(JOB)
    with pytest.raises(UsageError) as error:
        folder.check(other)
    assert str(error.value) == f"{tmp_path} holds another run: {difference}; name another folder"


def other_code(**changes: str) -> Job:
    return dataclasses.replace(JOB, code={"acme:brier": dataclasses.replace(JOB.code["acme:brier"], **changes)})


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"version": "1.1"}, 'code.acme:brier.version is "1.0" there and "1.1" here'),
        ({"sha256": "1" * 16}, f'code.acme:brier.sha256 is "{"0" * 16}" there and "{"1" * 16}" here'),
    ],
)
def test_a_run_does_not_go_on_with_other_code(changes: dict[str, str], difference: str, tmp_path: Path) -> None:
    other, folder = other_code(**changes), Run(tmp_path)
    assert other.default_folder() == JOB.default_folder()
    folder.begin(JOB)
    folder.add_epoch({"epoch": 1})
    for resume in (True, False):
        with pytest.raises(UsageError, match=re.escape(f"{tmp_path} holds another run: {difference}; name another")):
            folder.check(dataclasses.replace(other, resume=resume))
    folder.result.write_text("{}")
    folder.check(other)  # it is finished, and makes way
    with pytest.raises(UsageError, match="holds another run: code"):
        folder.check(dataclasses.replace(other, resume=True))
    with pytest.raises(UsageError, match=r"holds another run: code.* \(and 1 more\)"):
        folder.check(dataclasses.replace(other, recipe=dataclasses.replace(JOB.recipe, epochs=31)))


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that can't be imported, in no distribution."""
    (tmp_path / "acme_code").mkdir()
    (tmp_path / "acme_code" / "__init__.py").write_text("raise SystemExit(7)\n")
    (tmp_path / "acme_code" / "losses.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path / "acme_code"


@pytest.mark.parametrize("file", ["__init__.py", "losses.py", "more.py"])
def test_code_is_known_by_the_files_of_its_package(acme: Path, file: str) -> None:
    recipe = dataclasses.replace(JOB.recipe, loss="acme_code.losses:brier")
    (before,) = code_of(recipe, JOB.dataset).values()
    assert (before.distribution, before.version) == (None, None)
    assert code_of(recipe, JOB.dataset) == {"acme_code.losses:brier": before}
    (acme / file).write_text("# other")
    (after,) = code_of(recipe, JOB.dataset).values()
    assert after.sha256 != before.sha256


def test_code_is_known_by_its_distribution_and_that_of_a_dataset_counts(acme: Path) -> None:
    recipe = dataclasses.replace(JOB.recipe, loss="pluggy._hooks:x", metrics=("zoo_toy_resnet.model:y",))
    dataset = dataclasses.replace(JOB.dataset, arrays="acme_code:load")
    found = code_of(recipe, dataset)
    names = {reference: code.distribution for reference, code in found.items()}
    assert names == {"acme_code:load": None, "pluggy._hooks:x": "pluggy", "zoo_toy_resnet.model:y": "zoo-toy-resnet"}
    assert found["pluggy._hooks:x"].version == version("pluggy")
    own = dataclasses.replace(JOB.dataset, arrays="zoo.data.digits:arrays")
    assert code_of(Recipe(dataset="digits", epochs=1), own) == {}


def test_code_that_is_not_there_is_a_line() -> None:
    recipe = dataclasses.replace(JOB.recipe, loss="nowhere.losses:brier")
    with pytest.raises(
        UsageError, match=r"^the recipe's loss, nowhere.losses:brier, is not there: install what has it"
    ):
        code_of(recipe, JOB.dataset)


def test_the_name_of_a_folder_dataset_makes_no_folders(tmp_path: Path) -> None:
    job = dataclasses.replace(JOB, dataset=dataclasses.replace(JOB.dataset, name="folder:/home/me/../Cats & dogs"))
    assert job.default_folder().parent == JOB.default_folder().parent
    assert job.default_folder().name.startswith("toy-folder_home_me_.._cats_dogs-seed0-")


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("…")
    with pytest.raises(UsageError, match="holds other files"):
        Run(tmp_path).check(JOB)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="can't write to"):
        Run(tmp_path / "file").check(JOB)


def test_the_history_grows_and_goes_back_to_the_checkpoint(tmp_path: Path) -> None:
    folder = Run(tmp_path)
    folder.begin(JOB)
    assert folder.epochs() == []
    for epoch in (1, 2, 3):
        folder.add_epoch({"epoch": epoch, "loss": 0.5})
    folder.keep_epochs(2)
    assert [line["epoch"] for line in folder.epochs()] == [1, 2]
    folder.keep_epochs(2)
    folder.add_epoch({"epoch": 3, "loss": 0.4})
    assert [line["loss"] for line in folder.epochs()] == [0.5, 0.5, 0.4]


def test_to_begin_is_to_begin_anew(tmp_path: Path) -> None:
    folder = Run(tmp_path)
    folder.begin(JOB)
    folder.add_epoch({"epoch": 1})
    for path in (folder.checkpoint, folder.weights, folder.curves):
        path.write_text("old")
    folder.result.write_text("{}")
    assert folder.finished() == {}
    folder.begin(JOB)
    assert folder.finished() is None
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "LOCK_WAIT_S", 0.2)
    refused = pytest.raises(UsageError, match="another 'zoo train' is at work in")
    with Run(tmp_path).locked(), refused, Run(tmp_path).locked():
        raise AssertionError
    with Run(tmp_path).locked():
        pass


@pytest.mark.parametrize(("stored", "taken"), [(1, 1), (3, 3), (1, 3), (3, 1), (4, 4)])
def test_grey_and_colour_are_brought_to_each_other(stored: int, taken: int) -> None:
    model = dataclasses.replace(JOB.model, input_shape=(8, 8, taken))
    check(model, dataclasses.replace(JOB.dataset, image_shape=(28, 28, stored)), JOB.recipe)


@pytest.mark.parametrize(("stored", "taken"), [(4, 3), (3, 4), (2, 1), (None, 3)])
def test_other_channels_are_refused(stored: int | None, taken: int) -> None:
    model = dataclasses.replace(JOB.model, input_shape=(8, 8, taken))
    with pytest.raises(DataError, match=rf"don't fit toy, which takes {taken}"):
        check(model, dataclasses.replace(JOB.dataset, image_shape=(28, 28, stored)), JOB.recipe)


@pytest.mark.parametrize(
    ("changes", "tune", "line"),
    [
        ({"splits": {"train": 3}}, False, "digits has no images in a split 'test'; it has train"),
        ({"splits": {"test": 3}}, False, "digits has no images in a split 'train'; it has test"),
        ({"splits": {"test": 3}}, True, "digits has no images in a split 'train'; it has test"),
        ({"classes": 1}, False, "digits has one class, and there is nothing to tell apart"),
    ],
)
def test_what_is_missing_is_known_before_the_first_epoch(changes: dict[str, Any], tune: bool, line: str) -> None:
    with pytest.raises(UsageError, match=line):
        check(JOB.model, dataclasses.replace(JOB.dataset, **changes), JOB.recipe, tune=tune)


def test_tuning_takes_no_test_split() -> None:
    check(JOB.model, dataclasses.replace(JOB.dataset, splits={"train": 3}), JOB.recipe, tune=True)


def test_how_images_come_to_size_is_part_of_what_decides_the_weights() -> None:
    assert changed(resize="pad").identity() != JOB.identity()
    dataset = dataclasses.replace(JOB.dataset, image_shape=(None, None, 3))
    fitted = dataset.fitted((8, 9, 1), "pad")
    assert fitted.image_shape == (8, 9, 3)
    assert fitted.fit == Fit(resize="pad", height=8, width=9)
    assert Dataset.from_json(json.loads(json.dumps(fitted.to_json()))) == fitted
    assert JOB.dataset.fitted((4, 4, 1), "pad") == JOB.dataset  # of one size already
