"""Which dataset a name means, from the two files that TFDS leaves beside the data."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pytest

from zoo.data.catalog import Dataset, class_names, default_folders, find, prepared
from zoo.errors import DataError, UsageError
from zoo.installed import Plugin
from zoo.registry import Entry
from zoo.specs import DatasetSpec

DIGITS = DatasetSpec(
    name="digits",
    summary="digits",
    builder="pkg.data:Digits",
    version="1.0.0",
    classes=10,
    image_shape=(8, 8, 1),
    splits={"train": 1197, "test": 600},
)
KNOWN = {"digits": Entry(DIGITS, Plugin("builtin", "zoobench", "1.0", "zoo.builtin"))}
IMAGE = {"image": {"shape": {"dimensions": ["32", "32", "3"]}}}
LABEL = {"classLabel": {"numClasses": "10"}}
SPLITS = [
    {"name": "train", "shardLengths": ["7", "5"]},
    {"name": "test", "shardLengths": ["4"]},
]


def prepare(
    folder: Path,
    name: str = "toys",
    version: str = "3.0.2",
    *,
    image: Any = IMAGE,
    label: Any = LABEL,
    splits: Any = SPLITS,
) -> Path:
    """The two files of a prepared dataset, by hand."""
    place = folder / name / version
    place.mkdir(parents=True)
    (place / "dataset_info.json").write_text(json.dumps({"name": name, "splits": splits}))
    fields = {key: value for key, value in {"image": image, "label": label}.items() if value is not None}
    (place / "features.json").write_text(json.dumps({"featuresDict": {"features": fields}}))
    return place


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that is prepared on this machine is found."""
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "zoo"))
    monkeypatch.delenv("ZOO_DATA_DIR", raising=False)


def test_a_prepared_dataset_is_found_and_read(tmp_path: Path) -> None:
    place = prepare(tmp_path)
    assert find("toys", KNOWN, tmp_path) == Dataset(
        name="toys",
        version="3.0.2",
        data_dir=str(tmp_path),
        folder=str(place),
        builder=None,
        classes=10,
        image_shape=(32, 32, 3),
        splits={"train": 12, "test": 4},
    )


def test_a_configuration_of_a_dataset_is_found(tmp_path: Path) -> None:
    place = prepare(tmp_path, "toys/small")
    found = find("toys/small", KNOWN, str(tmp_path))
    assert (found.name, found.folder) == ("toys/small", str(place))


def test_a_dataset_survives_json(tmp_path: Path) -> None:
    prepare(tmp_path)
    found = find("toys", KNOWN, tmp_path)
    assert Dataset.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_sizes_that_are_not_fixed_are_none(tmp_path: Path) -> None:
    prepare(tmp_path, image={"image": {"shape": {"dimensions": ["-1", "-1", "3"]}}})
    assert find("toys", KNOWN, tmp_path).image_shape == (None, None, 3)


def test_of_several_versions_the_newest_is_taken_by_number(tmp_path: Path) -> None:
    for version in ("3.0.2", "9.0.0", "10.0.0", "10.0.0.incompleteA1B2"):
        prepare(tmp_path, version=version)
    (tmp_path / "toys" / "11.0.0").mkdir()
    (tmp_path / "toys" / "12.0").mkdir()
    assert find("toys", KNOWN, tmp_path).version == "10.0.0"


@pytest.mark.parametrize("leave", ["nothing", "an empty folder", "an empty version", "an interrupted one", "a file"])
def test_what_has_not_been_prepared_is_not_there(tmp_path: Path, leave: str) -> None:
    folder = tmp_path / "toys"
    if leave == "an empty folder":
        folder.mkdir()
    elif leave == "an empty version":
        (folder / "1.0.0").mkdir(parents=True)
    elif leave == "an interrupted one":
        prepare(tmp_path, version="1.0.0.incompleteA1B2")
    elif leave == "a file":
        folder.write_text("")
    with pytest.raises(UsageError, match="no dataset 'toys' has been prepared in") as error:
        find("toys", KNOWN, tmp_path)
    assert str(tmp_path) in str(error.value)
    assert "--data-dir" in str(error.value)
    assert error.value.exit_code == 2


def test_a_data_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", __file__):
        with pytest.raises(UsageError, match=r"the data directory .* is not there"):
            find("digits", KNOWN, path)


@pytest.mark.parametrize("variable", [True, False])
def test_an_embedded_dataset_is_prepared_in_the_zoos_own_folder_and_not_in_one_that_the_user_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: bool
) -> None:
    (tmp_path / "named").mkdir()
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    if variable:
        monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path / "named"))
    found = find("digits", KNOWN, None if variable else tmp_path / "named")
    assert found.builder == "pkg.data:Digits"
    assert found.data_dir == str(tmp_path / "home" / "data")
    assert found.folder == str(tmp_path / "home" / "data" / "digits" / "1.0.0")
    assert (found.classes, found.image_shape, found.splits) == (10, (8, 8, 1), DIGITS.splits)
    assert os.listdir(tmp_path) == ["named"]


def test_an_embedded_dataset_is_found_in_the_zoos_own_folder_whatever_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "named").mkdir()
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    prepare(tmp_path / "home" / "data", "digits", "1.0.0")
    prepare(tmp_path / "home" / "data", "toys", "1.0.0")
    assert find("digits", KNOWN, tmp_path / "named").is_prepared
    with pytest.raises(UsageError, match=r"no dataset 'toys' has been prepared in .*named;"):
        find("toys", KNOWN, tmp_path / "named")


def test_a_dataset_of_a_plugin_is_read_where_it_has_been_prepared(tmp_path: Path) -> None:
    prepare(tmp_path, "digits", "1.0.0")
    found = find("digits", KNOWN, tmp_path)
    assert found.builder == "pkg.data:Digits"
    assert found.splits == {"train": 12, "test": 4}


def test_the_zoos_own_folder_comes_before_that_of_tfds(tmp_path: Path) -> None:
    own, tfds = default_folders()
    assert own.is_relative_to(tmp_path / "zoo")
    assert tfds == tmp_path / "user" / "tensorflow_datasets"
    prepare(tfds)
    assert find("toys", KNOWN).data_dir == str(tfds)
    prepare(own)
    assert find("toys", KNOWN).data_dir == str(own)


def test_a_variable_names_the_only_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(tmp_path / "zoo" / "data", "elsewhere")
    prepare(tmp_path / "here")
    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path / "here"))
    assert find("toys", KNOWN).data_dir == str(tmp_path / "here")
    with pytest.raises(UsageError, match="no dataset 'elsewhere'"):
        find("elsewhere", KNOWN)


def test_a_variable_may_begin_with_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_DATA_DIR", "~/data")
    assert default_folders() == [tmp_path / "user" / "data"]


def test_an_argument_comes_before_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(tmp_path / "a")
    prepare(tmp_path / "b")
    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path / "a"))
    assert find("toys", KNOWN, tmp_path / "b").data_dir == str(tmp_path / "b")


@pytest.mark.parametrize(
    "name",
    ["../x", "..", "/etc/passwd", "a/../b", "a//b", "a/", "/a", "", ".", "A", "a b", "a\x1b[31m", "a\n", "x" * 65],
)
def test_a_name_that_cannot_be_one_is_unknown_and_nothing_is_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"^unknown dataset '") as error:
        find(name, KNOWN, tmp_path)
    assert str(error.value).isprintable()


def test_a_name_with_more_than_one_configuration_is_unknown(tmp_path: Path) -> None:
    prepare(tmp_path, "a/b/c")
    with pytest.raises(UsageError, match=r"^unknown dataset 'a/b/c'"):
        find("a/b/c", KNOWN, tmp_path)


def test_a_name_that_has_been_prepared_in_configurations_brings_these(tmp_path: Path) -> None:
    prepare(tmp_path, "toys/small")
    prepare(tmp_path, "toys/large")
    with pytest.raises(UsageError, match=r"toys has configurations, and here are prepared: toys/large, toys/small$"):
        find("toys", KNOWN, tmp_path)


def test_data_of_another_version_than_the_plugin_declares_are_not_taken_for_its(tmp_path: Path) -> None:
    for version in ("0.9.0", "2.0.0"):
        prepare(tmp_path, "digits", version)
    found = find("digits", KNOWN, tmp_path)
    assert (found.version, found.is_prepared, found.splits) == ("1.0.0", False, DIGITS.splits)
    prepare(tmp_path, "digits", "1.0.0")
    assert find("digits", KNOWN, tmp_path).is_prepared


def test_a_dataset_that_has_to_be_downloaded_is_not_prepared_by_being_used(tmp_path: Path) -> None:
    spec = dataclasses.replace(DIGITS, name="far", download=True)
    known = {"far": Entry(spec, KNOWN["digits"].plugin)}
    with pytest.raises(UsageError, match=r"far has to be downloaded first: 'zoo data fetch far' does it"):
        find("far", known, tmp_path)
    prepare(tmp_path, "far", "1.0.0")
    assert find("far", known, tmp_path).is_prepared


def test_the_names_of_classes_are_read_where_they_are_whole(tmp_path: Path) -> None:
    place = prepare(tmp_path)
    names = [f"class {i}" for i in range(10)]
    assert class_names(find("toys", KNOWN, tmp_path)) is None
    for content, expected in (("\n".join(names), names), ("\n".join(names[:4]), None), ("\udcff" * 10, None)):
        (place / "label.labels.txt").write_bytes(content.encode(errors="surrogateescape"))
        assert class_names(find("toys", KNOWN, tmp_path)) == expected


@pytest.mark.parametrize(("name", "meant"), [("digit", "digits"), ("Digits", "digits"), ("toy", "toys")])
def test_a_misspelt_name_brings_a_suggestion(tmp_path: Path, name: str, meant: str) -> None:
    prepare(tmp_path)
    with pytest.raises(UsageError, match=f"unknown dataset '{name}'; did you mean '{meant}'"):
        find(name, KNOWN, tmp_path)


@pytest.mark.parametrize("file", ["dataset_info.json", "features.json"])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "is damaged"),
        (b"", "is damaged"),
        (b"\xff\xfe\x00", "is damaged"),
        (b"[]", "is damaged"),
        (b'"text"', "is damaged"),
        (b"[" * 100_000, "is damaged"),
        (b"{}", "is not an image classification dataset"),
    ],
)
def test_a_damaged_file_is_one_line_that_names_it(tmp_path: Path, file: str, content: bytes, reason: str) -> None:
    place = prepare(tmp_path)
    (place / file).write_bytes(content)
    with pytest.raises(DataError, match=reason) as error:
        find("toys", KNOWN, tmp_path)
    assert str(place) in str(error.value)
    assert "\n" not in str(error.value)
    assert error.value.exit_code == 3


def test_a_missing_file_is_one_line_that_names_it(tmp_path: Path) -> None:
    place = prepare(tmp_path)
    (place / "features.json").unlink()
    with pytest.raises(DataError, match=r"can't read .*features.json: no such file") as error:
        find("toys", KNOWN, tmp_path)
    assert str(place) in str(error.value)


@pytest.mark.parametrize(
    "damage",
    [
        {"image": None},
        {"label": None},
        {"image": {"text": {}}},
        {"image": {"image": {"shape": {}}}},
        {"image": {"image": {"shape": {"dimensions": ["a", "b", "c"]}}}},
        {"image": {"image": {"shape": {"dimensions": []}}}},
        {"image": {"image": {"shape": {"dimensions": ["32", "32"]}}}},
        {"image": []},
        {"label": {"text": {}}},
        {"label": {"classLabel": {}}},
        {"label": {"classLabel": {"numClasses": "ten"}}},
        {"label": {"classLabel": {"numClasses": "0"}}},
        {"label": {"classLabel": {"numClasses": float("inf")}}},
        {"splits": None},
        {"splits": 7},
        {"splits": {"train": 3}},
        {"splits": [{"name": "train"}]},
        {"splits": [{"shardLengths": ["1"]}]},
        {"splits": [{"name": "train", "shardLengths": ["many"]}]},
    ],
)
def test_what_is_no_image_classification_dataset_is_refused(tmp_path: Path, damage: dict[str, Any]) -> None:
    prepare(tmp_path, **damage)
    with pytest.raises(DataError, match="is not an image classification dataset"):
        find("toys", KNOWN, tmp_path)


def test_all_that_is_prepared_is_listed_from_the_first_folder_that_has_it(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    prepare(first, "both")
    prepare(second, "both")
    prepare(second, "only")
    (second / "empty").mkdir()
    (second / "file").write_text("")
    assert prepared([first, second, tmp_path / "nowhere"]) == {"both": first, "only": second}


def test_what_cannot_be_a_dataset_is_passed_over(tmp_path: Path) -> None:
    for name in ("downloads/extracted", ".hidden", "Not A Name", "toys/.config", "a.zoo-preparing-x"):
        prepare(tmp_path, name)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    prepare(tmp_path, "real")
    assert set(prepared([tmp_path, tmp_path / "real" / "1.0.0" / "dataset_info.json"])) == {"real", "a.zoo-preparing-x"}


def test_configurations_are_listed_too(tmp_path: Path) -> None:
    prepare(tmp_path, "toys/small")
    prepare(tmp_path, "toys/large")
    assert set(prepared([tmp_path])) == {"toys/small", "toys/large"}
