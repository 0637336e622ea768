"""`zoo weights fetch` from a server on this machine: what comes, and what is left when something goes wrong."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from file_server import Server, sends, serving
from safetensors.numpy import load_file, save
from support import Zoo, install

from zoo.errors import WeightsError
from zoo.modeling import weights
from zoo.weights.fetch import parse_index

pytestmark = pytest.mark.real

KERNEL, BIAS = np.arange(6, dtype=np.float32).reshape(2, 3), np.array([1, 2, 3], np.float32)
CLASSES = {"0": ["n01", "tench"], "1": ["n02", "goldfish"], "2": ["n03", "shark"]}
RECORD = {"model": "tiny", "dataset": {"name": "made"}, "recipe": {"mean": [0.25], "std": [0.5]}, "score": None}
PLUGIN = """
import zoo

def at(file, **digests):
    return zoo.RemoteFile(url="{url}/" + file, **digests)

FETCH = {{
    "old": zoo.FetchSpec(
        dataset="old", file=at("old.h5", md5="{md5}"), class_index=at("classes.json", sha256="{index}"),
        mean=(0.5,), std=(0.5,), leave_out=("normal*",),
    ),
    "made": zoo.FetchSpec(dataset="made", file=at("made.safetensors")),
    "wrong": zoo.FetchSpec(dataset="wrong", file=at("old.h5", sha256="0" * 64)),
    "unfit": zoo.FetchSpec(dataset="unfit", file=at("unfit.h5")),
    "other": zoo.FetchSpec(dataset="other", file=at("made.safetensors")),
    "slow": zoo.FetchSpec(dataset="slow", file=at("slow.h5")),
    "pickle": zoo.FetchSpec(dataset="pickle", file=at("pickle.pt")),
    "index": zoo.FetchSpec(dataset="index", file=at("old.h5"), class_index=at("old.h5")),
}}

@zoo.hookimpl
def zoo_models():
    return [
        zoo.ModelSpec(
            name=name, summary="s", build="fetching:build", arguments={{"name": name}}, input_shape=(4, 4, 2),
            classes=3, parameters=9, fetch=fetch,
        )
        for name, fetch in (("tiny", tuple(FETCH.values())), ("none", ()))
    ]

def build(input_shape, classes, name):
    import keras
    from keras import layers

    image = keras.Input(input_shape, name="image")
    pooled = layers.GlobalAveragePooling2D(name="pool")(image)
    return keras.Model(image, layers.Dense(classes, name="logits")(pooled), name=name)
"""


def older(path: Path, bias: Any = BIAS) -> bytes:
    """A file of the model as Keras once wrote it, with a layer that the model lacks."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"image", b"normalization", b"predictions"]
        for layer, arrays in (
            ("image", {}),
            ("normalization", {"mean": np.zeros(2, np.float32), "count": np.array(0)}),
            ("predictions", {"kernel": KERNEL, "bias": bias}),
        ):
            group = file.create_group(layer)
            group.attrs["weight_names"] = [f"{layer}/{name}:0".encode() for name in arrays]
            for name, array in arrays.items():
                group[f"{layer}/{name}:0"] = array
    return path.read_bytes()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("served")
    with serving(folder) as running:
        older(folder / "old.h5")
        older(folder / "unfit.h5", np.zeros(4, np.float32))
        made = save({"logits/kernel": KERNEL, "logits/bias": BIAS}, {weights.METADATA_KEY: json.dumps(RECORD)})
        (folder / "made.safetensors").write_bytes(made)
        (folder / "classes.json").write_text(json.dumps(CLASSES))
        (folder / "pickle.pt").write_bytes(b"\x80\x02c")
        running.answers["slow.h5"] = running.hangs
        yield running


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, server: Server) -> dict[str, str]:
    """The variables under which the plugin is installed."""
    folder = tmp_path_factory.mktemp("site")
    digest = {name: (server.folder / name).read_bytes() for name in ("old.h5", "classes.json")}
    source = PLUGIN.format(
        url=server.url,
        md5=hashlib.md5(digest["old.h5"], usedforsecurity=False).hexdigest(),
        index=hashlib.sha256(digest["classes.json"]).hexdigest(),
    )
    (module := tmp_path_factory.mktemp("source") / "fetching.py").write_text(source)
    install(folder, module)
    return {"PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]), "KERAS_BACKEND": "torch"}


def test_an_older_file_of_keras_comes_in(zoo: Zoo, server: Server, site: dict[str, str], tmp_path: Path) -> None:
    options = {"ZOO_HOME": str(tmp_path), **site}
    done = zoo("weights", "fetch", "tiny", "--dataset", "old", "--json", **options)
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    path = tmp_path / "weights" / "tiny" / "old.safetensors"
    assert (said["path"], said["fresh"], said["declared"]) == (str(path), True, True)
    assert said["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    found = load_file(path)
    assert np.array_equal(found["logits/kernel"], KERNEL)
    assert np.array_equal(found["logits/bias"], BIAS)
    record = weights.provenance(path)
    assert record == said["provenance"]
    assert record["dataset"] == {
        "name": "old",
        "class_names": ["n01", "n02", "n03"],
        "class_titles": ["tench", "goldfish", "shark"],
    }
    assert record["recipe"] == {"mean": [0.5], "std": [0.5]}
    served = (server.folder / "old.h5").read_bytes()
    assert record["fetched"].pop("at").startswith("20")
    assert record["fetched"] == {
        "url": f"{server.url}/old.h5",
        "digest": hashlib.md5(served, usedforsecurity=False).hexdigest(),
        "sha256": hashlib.sha256(served).hexdigest(),
        "bytes": len(served),
        "format": "hdf5",
    }

    server.asked.clear()
    again = zoo("weights", "fetch", "tiny", "--dataset", "old", **options)
    assert (again.returncode, again.stderr) == (0, "zoo: these weights of tiny were there already\n")
    assert server.asked == []

    verified = zoo("weights", "verify", "tiny", "--json", **options)
    assert verified.returncode == 0, verified.stderr
    assert [record["error"] for record in json.loads(verified.stdout)] == [None]


def test_safetensors_keep_their_own_record_and_a_lack_of_digests_is_said(
    zoo: Zoo, server: Server, site: dict[str, str], tmp_path: Path
) -> None:
    done = zoo("weights", "fetch", "tiny", "--dataset", "made", ZOO_HOME=str(tmp_path), **site)
    digest = hashlib.sha256((server.folder / "made.safetensors").read_bytes()).hexdigest()
    assert (done.returncode, done.stderr) == (
        0,
        f"zoo: the plugin declares no digest of what was downloaded; it is what the server sent (sha256 {digest})\n",
    )
    path = tmp_path / "weights" / "tiny" / "made.safetensors"
    record = weights.provenance(path)
    fetched = record.pop("fetched")
    assert (fetched["format"], fetched["digest"], fetched["sha256"]) == ("safetensors", None, digest)
    assert record == RECORD
    assert np.array_equal(load_file(path)["logits/kernel"], KERNEL)


def fetched_in_vain(zoo: Zoo, site: dict[str, str], home: Path, *arguments: str) -> tuple[int, str]:
    """The exit code and the line; nothing is left of it, neither at the place nor among temporary files."""
    (temporary := home / "tmp").mkdir()
    done = zoo("weights", "fetch", *arguments, ZOO_HOME=str(home), TMPDIR=str(temporary), **site)
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    assert not (home / "weights").exists()
    assert [path for path in temporary.rglob("*") if path.is_file()] == []
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["tiny"], 2, "tiny has weights to fetch for old, made, wrong"),
        (["none"], 2, "the plugin of none names no weights to fetch; 'zoo weights import' takes a file"),
        (["tiny", "--dataset", "digits"], 2, "tiny has no weights to fetch for digits, but for old, made"),
        (["tinny"], 2, "did you mean 'tiny'?"),
        (["tiny", "--dataset", "wrong"], 3, "old.h5 is not the file that the plugin declares: its sha256 is"),
        (["tiny", "--dataset", "slow", "--idle", "1"], 3, "can't fetch slow.h5: 127.0.0.1 has sent nothing"),
        (["tiny", "--dataset", "slow", "--timeout", "1"], 3, "can't fetch slow.h5: not done after 1 s"),
        (["tiny", "--dataset", "pickle"], 3, "zoo: pickle.pt is a pickle, and loading one runs code"),
        (["tiny", "--dataset", "index"], 3, "zoo: old.h5 can't be used: its content is not JSON"),
        (["tiny", "--dataset", "other"], 3, "zoo: made.safetensors says that it is of tiny on made"),
    ],
)
def test_what_goes_wrong_is_one_line_and_leaves_nothing(
    in_process: Zoo, site: dict[str, str], tmp_path: Path, arguments: list[str], code: int, line: str
) -> None:
    returned, said = fetched_in_vain(in_process, site, tmp_path, *arguments)
    assert (returned, line in said) == (code, True), said


def test_a_file_that_does_not_fit_leaves_nothing(zoo: Zoo, site: dict[str, str], tmp_path: Path) -> None:
    returned, said = fetched_in_vain(zoo, site, tmp_path, "tiny", "--dataset", "unfit")
    assert (returned, said) == (
        3,
        "zoo: unfit.h5 doesn't fit tiny: the file has 2 layers with weights, the model 1\n",
    )


def test_weights_that_are_there_stay(in_process: Zoo, server: Server, site: dict[str, str], tmp_path: Path) -> None:
    place = tmp_path / "weights" / "tiny" / "old.safetensors"
    place.parent.mkdir(parents=True)
    place.write_bytes(save({"logits/bias": BIAS}, {weights.METADATA_KEY: json.dumps(RECORD)}))
    before = place.read_bytes()
    options = {"ZOO_HOME": str(tmp_path), **site}
    done = in_process("weights", "fetch", "tiny", "--dataset", "old", **options)
    assert (done.returncode, "--force replaces them" in done.stderr) == (2, True)
    server.answers["old.h5"] = sends(b"another file")
    done = in_process("weights", "fetch", "tiny", "--dataset", "old", "--force", **options)
    del server.answers["old.h5"]
    assert (done.returncode, "old.h5 is not the file" in done.stderr) == (3, True)
    assert place.read_bytes() == before
    assert list(place.parent.iterdir()) == [place]


def test_an_interrupted_download_leaves_nothing(server: Server, site: dict[str, str], tmp_path: Path) -> None:
    (temporary := tmp_path / "tmp").mkdir()
    server.asked.clear()
    running = subprocess.Popen(
        [sys.executable, "-m", "zoo", "weights", "fetch", "tiny", "--dataset", "slow"],
        env={**os.environ, **site, "ZOO_HOME": str(tmp_path), "TMPDIR": str(temporary)},
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 60
    while "slow.h5" not in server.asked and time.monotonic() < until:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert (running.returncode, said.strip()) == (130, "zoo: interrupted")
    assert not (tmp_path / "weights").exists()
    assert [path for path in temporary.rglob("*") if path.is_file()] == []


def test_the_names_of_classes_come_in_the_order_of_their_numbers() -> None:
    index = {"1": ["n02", "goldfish"], "0": ["n01", "tench"]}
    assert parse_index(json.dumps(index).encode(), 2, "i.json") == [("n01", "tench"), ("n02", "goldfish")]


@pytest.mark.parametrize(
    "index",
    [
        {"0": ["n01", "tench"]},
        {"0": ["n01", "tench"], "2": ["n02", "goldfish"]},
        {"0": ["n01", "tench"], "1": ["n01", "goldfish"]},
        {"0": ["n01", "tench"], "1": ["n02"]},
        {"0": ["n01", "tench"], "1": "n2"},
        {"0": ["n01", "a"], "1": ["n02", "b"], "2": ["n03", "c"]},
    ],
)
def test_an_index_of_other_classes_is_refused(index: object) -> None:
    with pytest.raises(WeightsError, match=r"^i\.json doesn't name 2 classes$"):
        parse_index(json.dumps(index).encode(), 2, "i.json")


def test_an_index_that_names_a_number_twice_is_refused() -> None:
    with pytest.raises(WeightsError, match=r"^i\.json can't be used: its content has 0 twice$"):
        parse_index(b'{"0": ["a", "b"], "0": ["c", "d"]}', 1, "i.json")
