"""Which weights are taken: a file that is named, else those trained here, else the plugin's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zoo.errors import UsageError
from zoo.modeling.choice import choose_weights, described, now_used
from zoo.paths import trained_weights
from zoo.specs import FetchSpec, ModelSpec, RemoteFile, WeightsSpec

SHIPPED = WeightsSpec(dataset="digits", file="zoo_toy:digits.safetensors", sha256="a" * 64)


FETCHED = FetchSpec(
    dataset="imagenet2012", file=RemoteFile(url="https://example.org/a.h5"), also_for=("imagenet_v2", "digits")
)


def spec(*weights: WeightsSpec) -> ModelSpec:
    return ModelSpec(
        name="toy",
        summary="A toy.",
        build="zoo_toy:build",
        input_shape=(32, 32, 3),
        classes=10,
        parameters=1,
        weights=weights,
        fetch=(FETCHED,),
    )


@pytest.fixture(autouse=True)
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where weights that were trained here lie; they don't yet."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    path = trained_weights("toy", "digits")
    path.parent.mkdir(parents=True)
    return path


def source(given: str | None, *weights: WeightsSpec) -> str | None:
    chosen = choose_weights(spec(*weights), "digits", given)
    return chosen and chosen["source"]


def test_weights_trained_here_win_over_the_plugins(trained: Path) -> None:
    assert source(None) is None
    assert source(None, SHIPPED) == "plugin"
    trained.touch()
    assert source(None, SHIPPED) == "trained here"
    assert choose_weights(spec(SHIPPED), "digits") == {"source": "trained here", "path": str(trained), "sha256": None}


def test_fetched_weights_serve_other_datasets_of_their_classes_that_have_none(trained: Path) -> None:
    other = "imagenet_v2/matched-frequency"
    assert choose_weights(spec(), other) is None
    fetched = trained_weights("toy", "imagenet2012")
    fetched.touch()
    for dataset in ("imagenet2012", "imagenet_v2", other):
        assert choose_weights(spec(), dataset) == {"source": "trained here", "path": str(fetched), "sha256": None}
    assert choose_weights(spec(), "imagenet_a") is None
    assert source("plugin", SHIPPED) == source(None, SHIPPED) == "plugin"
    trained.touch()
    assert choose_weights(spec(SHIPPED), "digits") == {"source": "trained here", "path": str(trained), "sha256": None}


def test_either_can_be_named(trained: Path) -> None:
    trained.touch()
    assert source("plugin", SHIPPED) == "plugin"
    assert source("trained", SHIPPED) == "trained here"
    assert source(str(trained), SHIPPED) == "file"


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("trained", "no weights of toy for digits were trained here; 'zoo train toy --dataset digits' makes them"),
        ("plugin", "the plugin of toy brings no weights for digits; leave out --weights plugin"),
        ("nothing.safetensors", "the weights file nothing.safetensors is not there"),
    ],
)
def test_what_is_named_and_not_there_is_said(given: str, line: str) -> None:
    with pytest.raises(UsageError, match=line):
        source(given)


@pytest.mark.parametrize(
    ("provenance", "text"),
    [
        (
            {"trained_at": "2026-11-28T10:00:00Z", "score": {"value": 0.883}},
            "trained here on 2026-11-28, 88.3 %, 0123",
        ),
        ({"trained_at": "\x1b[2J", "score": None}, "trained here, 0123"),
        ({"score": {"value": 0.5}}, "trained here, 50.0 %, 0123"),
        ({"imported": {"file": "x"}, "score": None}, "imported here, 0123"),
        (None, "trained here, 0123"),
        ("nonsense", "trained here, 0123"),
    ],
)
def test_a_table_says_when_weights_were_trained_and_what_they_scored(provenance: Any, text: str) -> None:
    assert described({"source": "trained here", "sha256": "0123", "provenance": provenance}) == text


def test_the_plugins_are_named_as_such() -> None:
    assert described({"source": "plugin", "sha256": "0123456789"}) == "plugin, 01234567"


def test_training_says_who_takes_its_weights(trained: Path) -> None:
    assert now_used(spec(), "digits", str(trained)) == "'zoo bench toy' now takes these weights"
    assert now_used(spec(SHIPPED), "digits", str(trained)) == (
        "'zoo bench toy' now takes these weights instead of the plugin's, which --weights plugin takes"
    )
    other = now_used(spec(SHIPPED), "dots", "/tmp/my weights")
    assert other == "'zoo bench toy --dataset dots --weights '/tmp/my weights'' takes these weights"


def test_a_table_tells_fetched_weights_from_those_trained_here() -> None:
    record = {"source": "trained here", "sha256": "0123456789", "provenance": {"fetched": {"url": "https://a/b"}}}
    assert described(record) == "fetched, 01234567"
