"""Which weights there are: read from files that may say anything, by a command that never fails for it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

import zoo
from zoo.modeling.weights import METADATA_KEY, save_arrays
from zoo.paths import trained_weights
from zoo.report.weights import score, table
from zoo.weights.inventory import score_of, weights

QUICK = settings(max_examples=100, deadline=None, database=None, derandomize=True)

SCORE = {"value": 0.9125, "low": 0.9068, "high": 0.9179, "images": 10_000, "split": "test"}
RECORD = {"model": "plain56", "dataset": {"name": "digits"}, "recipe": {"epochs": 3}, "score": SCORE}


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    return tmp_path


def write(record: dict[str, Any], model: str = "plain56", dataset: str = "digits") -> str:
    """Put weights where trained ones lie; returns their digest."""
    return save_arrays({"a": np.zeros(3, np.float32)}, trained_weights(model, dataset), record)


def test_those_of_plugins_and_those_trained_here(own_home: Path) -> None:
    shipped = weights()
    assert {record["source"] for record in shipped} == {"plugin"}
    assert all(record["score"]["images"] == {"digits": 600, "cifar10": 10_000}[record["dataset"]] for record in shipped)
    assert all(record["epochs"] >= 30 for record in shipped)
    digest = write(RECORD)
    (found,) = weights("plain56")
    assert found["source"] == "here"
    assert found["used"]
    assert found["sha256"] == digest
    assert found["score"] == SCORE
    assert found["epochs"] == 3
    assert found["bytes"] == Path(found["path"]).stat().st_size
    assert len(weights()) == len(shipped) + 1


def test_patterns_and_datasets_select(own_home: Path) -> None:
    write(RECORD)
    write({**RECORD, "dataset": {"name": "emnist/letters"}}, dataset="emnist/letters")
    assert [record["dataset"] for record in weights("plain5*")] == ["digits", "emnist/letters"]
    assert [record["model"] for record in weights(dataset="emnist/letters")] == ["plain56"]
    assert weights("resnet110") == []
    with pytest.raises(zoo.ZooError, match="unknown model 'plain57'; did you mean 'plain56'"):
        weights("plain57")


def test_weights_trained_here_beside_those_of_the_plugin_win(own_home: Path) -> None:
    write({**RECORD, "model": "toy_resnet"}, model="toy_resnet")
    assert [(record["source"], record["used"]) for record in weights("toy_resnet", dataset="digits")] == [
        ("plugin", False),
        ("here", True),
    ]
    assert "; zoo bench takes those trained here" in table(weights("toy_resnet"), "simple")


@pytest.mark.parametrize("content", [b"", b"nonsense", save({}, {METADATA_KEY: "[]"})])
def test_a_file_that_is_none_is_listed_with_the_reason(own_home: Path, content: bytes) -> None:
    path = trained_weights("plain56", "digits")
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    (found,) = weights("plain56")
    assert found["error"].startswith(str(path))
    assert found["sha256"] == hashlib.sha256(content).hexdigest()
    assert found["error"] in table([found], "tsv")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
scores = st.fixed_dictionaries(
    {}, optional={key: anything | st.floats(0, 1) for key in (*SCORE, "test_time_augmentation", "with_flip")}
)
records = st.fixed_dictionaries(
    {},
    optional={
        "model": anything | st.just("plain56"),
        "dataset": anything | st.fixed_dictionaries({"name": st.just("digits") | anything}),
        "recipe": anything | st.fixed_dictionaries({"epochs": anything}),
        "score": anything | scores,
    },
)


@QUICK
@given(record=records)
def test_whatever_a_file_says_of_itself_is_listed(tmp_path_factory: pytest.TempPathFactory, record: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_HOME", str(tmp_path_factory.getbasetemp() / "anything"))
        write(record)
        (found,) = weights("plain56")
    json.dumps(found, allow_nan=False)
    printed = table([found], "tsv")
    assert printed.count("\n") == 1
    assert "plain56" in printed


@pytest.mark.parametrize("wrong", [{"value": 1.1}, {"low": "0.9"}, {"images": 0}, {"images": None}, {"high": None}])
def test_a_score_that_is_none_is_not_taken_for_one(wrong: dict[str, Any]) -> None:
    assert score_of({"score": SCORE}) == SCORE
    assert score_of({"score": {**SCORE, **wrong}}) is None


def test_a_score_is_printed_with_what_is_unusual_about_it() -> None:
    assert score(SCORE) == "91.25 % (90.68–91.79) of 10,000"
    tuned = {**SCORE, "split": "a tenth of train", "test_time_augmentation": "flip"}
    assert score(tuned) == "91.25 % (90.68–91.79) of 10,000, a tenth of train, flip"
