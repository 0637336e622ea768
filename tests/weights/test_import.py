"""Weights of Keras and PyTorch come in and give the logits that they gave there; or they don't come in."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from support import WITH_KERAS_ALONE, Zoo, install, printed

from zoo.modeling import weights

pytestmark = pytest.mark.real

HERE = Path(__file__).parent
DATASETS = {"kinds": "digits", "twins": "digits", "resnet20": "cifar10"}
EPSILON = ("--epsilon", "1e-5")
CLOSE = 1e-5


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables under which the models of `elsewhere.py` are installed."""
    folder = install(tmp_path_factory.mktemp("site"), HERE / "elsewhere.py")
    return {"PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]), "KERAS_BACKEND": "jax"}


@pytest.fixture(scope="module")
def torchs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What PyTorch writes."""
    folder = tmp_path_factory.mktemp("torch")
    subprocess.run([sys.executable, HERE / "torch_script.py", folder], check=True)
    return folder


@pytest.fixture(scope="module")
def keras(tmp_path_factory: pytest.TempPathFactory, site: Mapping[str, str]) -> Path:
    """What Keras writes."""
    folder = tmp_path_factory.mktemp("keras")
    scripted(site, "write", folder)
    return folder


def scripted(site: Mapping[str, str], *arguments: str | Path) -> dict[str, Any]:
    """What `keras_script.py` prints, on a backend that computes without compiling."""
    command = (*WITH_KERAS_ALONE, HERE / "keras_script.py", *arguments)
    return printed("torch", *command, **{**site, "KERAS_BACKEND": "torch"})


def distances(folder: Path, home: Path, site: Mapping[str, str], *models: str) -> dict[str, float]:
    """How far the logits of imported weights are from those that lie in a folder, at most."""
    files = [home / "weights" / model / f"{DATASETS[model]}.safetensors" for model in models]
    found = scripted(site, "compare", folder, *files)
    assert found.keys() == set(models)
    for model in models:
        assert np.load(folder / f"{model}_logits.npy").std() > 1000 * CLOSE  # else all would be close
    return found


def test_what_keras_saved_gives_equal_logits(zoo: Zoo, keras: Path, site: Mapping[str, str], tmp_path: Path) -> None:
    for model, ending, kind in (("kinds", "weights.h5", "hdf5"), ("resnet20", "keras", "keras")):
        file = keras / f"{model}.{ending}"
        options = ("--dataset", DATASETS[model], "--json")
        done = zoo("weights", "import", str(file), model, *options, ZOO_HOME=str(tmp_path), **site)
        assert done.returncode == 0, done.stderr
        record = json.loads(done.stdout)["provenance"]
        assert record == weights.provenance(tmp_path / "weights" / model / f"{DATASETS[model]}.safetensors")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        assert record["imported"] == {"file": file.name, "sha256": digest, "format": kind}
        assert record["score"] is None
    assert distances(keras, tmp_path, site, "kinds", "resnet20") == {"kinds": 0.0, "resnet20": 0.0}


def test_what_pytorch_saved_gives_the_same_logits_by_a_drafted_map(
    zoo: Zoo, torchs: Path, site: Mapping[str, str], tmp_path: Path
) -> None:
    for model, guessed in (("kinds", 0), ("resnet20", 92)):
        file, made = str(torchs / f"{model}.safetensors"), tmp_path / f"{model}.json"
        options = ("--dataset", DATASETS[model])
        done = zoo("weights", "map", file, model, "-o", str(made), *options, "--json", **site)
        assert done.returncode == 0, done.stderr
        drafted = json.loads(done.stdout)
        assert (drafted["guessed"], drafted["lacking"]) == (guessed, [])
        assert drafted["names"] == json.loads(made.read_text())

        done = zoo(
            *("weights", "import", file, model, *options, "--map", str(made), *EPSILON, "--json"),
            **{"ZOO_HOME": str(tmp_path), **site},
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["provenance"]["imported"] == {
            "file": f"{model}.safetensors",
            "sha256": hashlib.sha256(Path(file).read_bytes()).hexdigest(),
            "format": "safetensors",
            "map_sha256": hashlib.sha256(made.read_bytes()).hexdigest(),
            "epsilon": 1e-5,
        }
    assert max(distances(torchs, tmp_path, site, "kinds", "resnet20").values()) <= CLOSE


def test_others_layer_names_and_random_states_do_not_matter(
    zoo: Zoo, keras: Path, site: Mapping[str, str], tmp_path: Path
) -> None:
    done = zoo(
        "weights", "import", str(keras / "twins.keras"), "twins", "--dataset", "digits", ZOO_HOME=str(tmp_path), **site
    )
    assert done.returncode == 0, done.stderr
    assert distances(keras, tmp_path, site, "twins") == {"twins": 0.0}


REFUSED = {
    "swapped.weights.h5": "has its layers in another order than twins: layers/dense/vars is second, not first",
    "longer.weights.h5": "doesn't fit twins: the model lacks layers/dense_3/vars/0 (2 in all)",
    "resnet20.keras": "doesn't fit twins: the file lacks second/kernel (layers/dense_1/vars/0; 4 in all)",
    "wide.weights.h5": "doesn't fit twins: logits/kernel has shape (3, 7) where (3, 10) is needed",
    "double.weights.h5": "doesn't fit twins: first/kernel has type float64, not float32",
    "infinite.weights.h5": "logits/bias holds values that are not finite",
    "lambda.keras": "has a Lambda layer, which is code that the zoo doesn't run",
    "older_swapped.h5": "has its layers in another order than twins: layer 1 is second, not first",
    "older_longer.h5": "doesn't fit twins: the file has 4 layers with weights, the model 3",
    "older_lambda.h5": "has a Lambda layer, which is code that the zoo doesn't run",
    "truncated.keras": "is not a whole archive of Keras'",
}


def test_what_keras_saved_of_another_model_is_one_line(keras: Path, site: Mapping[str, str], tmp_path: Path) -> None:
    said = tried(tmp_path, site, [{"path": str(keras / file)} for file in REFUSED])
    for (kind, line), wanted in zip(said, REFUSED.values(), strict=True):
        assert (kind, wanted in line, line.count("\n")) == ("WeightsError", True, 0), line


def test_keras_older_format_comes_in(keras: Path, site: Mapping[str, str], tmp_path: Path) -> None:
    assert tried(tmp_path, site, [{"path": str(keras / "older.h5")}]) == [None]
    found = load_file(tmp_path / "0.safetensors")
    with h5py.File(keras / "older.h5") as file:
        for name in WHOLE.values():
            assert np.array_equal(found.pop(name), file[f"model_weights/{name.split('/')[0]}/{name}"])
    assert found == {}


def tried(folder: Path, site: Mapping[str, str], jobs: Sequence[Mapping[str, Any]]) -> list[Any]:
    """What became of conversions, all in one process."""
    jobs = [{**job, "output": str(folder / f"{number}.safetensors")} for number, job in enumerate(jobs)]
    (folder / "jobs.json").write_text(json.dumps(jobs))
    said = scripted(site, "convert", folder / "jobs.json")["said"]
    assert isinstance(said, list)
    return said


def test_a_file_that_does_not_fit_leaves_nothing(
    zoo: Zoo, keras: Path, site: Mapping[str, str], tmp_path: Path
) -> None:
    file = str(keras / "wide.weights.h5")
    done = zoo("weights", "import", file, "twins", "--dataset", "digits", ZOO_HOME=str(tmp_path), **site)
    assert done.returncode == 3
    assert done.stderr == f"zoo: wide.weights.h5 {REFUSED['wide.weights.h5']}\n"
    assert not (tmp_path / "weights").exists()


WHOLE = {
    **{f"{layer}.weight": f"{layer}/kernel" for layer in ("first", "second", "logits")},
    **{f"{layer}.bias": f"{layer}/bias" for layer in ("first", "second", "logits")},
}
SHAPES = {
    name: (10 if "logits" in name else 3, 3) if "weight" in name else (10 if "logits" in name else 3,) for name in WHOLE
}


def mapped(folder: Path, tensors: Mapping[str, Any], names: object) -> tuple[str, str]:
    """The two files of an import."""
    save_file({name: np.ascontiguousarray(array) for name, array in tensors.items()}, folder / "x.safetensors")
    (folder / "x.json").write_text(json.dumps(names))
    return str(folder / "x.safetensors"), str(folder / "x.json")


USAGE, WEIGHTS = "UsageError", "WeightsError"
UNFIT: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({}, {"frist.bias": "first/bias"}, USAGE, "names frist.bias, which isn't in the file; did you mean first.bias?"),
    ({}, {"first.bias": "frist/bias"}, USAGE, "which the model doesn't have; did you mean first/bias?"),
    ({}, {"first.bias": None}, USAGE, "has nothing for first/bias"),
    ({"more": np.zeros(3, np.float32)}, {}, USAGE, "says nothing of more; null leaves a tensor out"),
    (
        {"first.weight": np.zeros((4, 3), np.float32)},
        {},
        WEIGHTS,
        "first.weight has shape (4, 3) in the file where first/kernel needs (3, 3)",
    ),
    ({"first.bias": np.zeros(3, np.float64)}, {}, WEIGHTS, "first.bias has type float64, not float32"),
    ({"first.bias": np.zeros(3, np.int64)}, {}, WEIGHTS, "first.bias has type int64, not float32"),
    ({"first.bias": np.full(3, np.nan, np.float32)}, {}, WEIGHTS, "first/bias holds values that are not finite"),
    ({}, {"first.bias": {"to": "first/bias", "axes": [0, 1]}}, WEIGHTS, "has 2 axes in the map where first/bias has 1"),
    (
        {},
        {"logits.weight": {"to": "logits/kernel", "axes": [0, 1]}},
        WEIGHTS,
        "logits.weight has shape (10, 3) in the file where logits/kernel needs (3, 10)",
    ),
]


def test_a_map_that_does_not_fit_is_one_line(site: Mapping[str, str], tmp_path: Path) -> None:
    arrays = {name: np.zeros(shape, np.float32) for name, shape in SHAPES.items()}
    jobs = []
    for number, (tensors, names, _, _) in enumerate(UNFIT):
        (folder := tmp_path / str(number)).mkdir()
        file, made = mapped(folder, {**arrays, **tensors}, {**WHOLE, **names})
        jobs.append({"path": file, "map": Path(made).read_text(), "map_file": "x.json"})
    for (kind, line), (_, _, wanted, words) in zip(tried(tmp_path, site, jobs), UNFIT, strict=True):
        assert (kind, words in line, line.count("\n")) == (wanted, True, 0), line


def test_axes_in_a_map_win_over_those_of_the_layer(zoo: Zoo, site: Mapping[str, str], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}
    file, made = mapped(tmp_path, arrays, {**WHOLE, "second.weight": {"to": "second/kernel", "axes": [0, 1]}})
    done = zoo(
        *("weights", "import", file, "twins", "--dataset", "digits", "--map", made),
        **{"ZOO_HOME": str(tmp_path), **site},
    )
    assert done.returncode == 0, done.stderr
    found = load_file(tmp_path / "weights" / "twins" / "digits.safetensors")
    assert np.array_equal(found["first/kernel"], arrays["first.weight"].T)
    assert np.array_equal(found["second/kernel"], arrays["second.weight"])


def test_an_epsilon_that_may_differ_must_be_said(
    zoo: Zoo, torchs: Path, site: Mapping[str, str], tmp_path: Path
) -> None:
    names = {name: None for name in load_file(torchs / "kinds.safetensors") if "num_batches" not in name}
    drafted = zoo("weights", "map", str(torchs / "kinds.safetensors"), "kinds", "-o", str(tmp_path / "m.json"), **site)
    assert (
        drafted.stdout
        == f"{tmp_path / 'm.json'}: {len(names)} tensors\n0 matched by order alone, 0 without a variable\n"
    )
    file = str(torchs / "kinds.safetensors")
    done = zoo(
        *("weights", "import", file, "kinds", "--dataset", "digits", "--map", str(tmp_path / "m.json")),
        **{"ZOO_HOME": str(tmp_path), **site},
    )
    assert done.returncode == 2
    assert "kinds normalises batches with an epsilon of 0.001, and PyTorch by default with 1e-05" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_draft_says_what_it_did_not_find(zoo: Zoo, site: Mapping[str, str], tmp_path: Path) -> None:
    file, _ = mapped(tmp_path, {"fc.weight": np.zeros((10, 3), np.float32)}, {})
    done = zoo("weights", "map", file, "twins", "-o", str(tmp_path / "m.json"), **site)
    assert done.returncode == 0
    assert json.loads((tmp_path / "m.json").read_text()) == {"fc.weight": ""}
    assert done.stdout == f"{tmp_path / 'm.json'}: 1 tensors\n0 matched by order alone, 1 without a variable\n"
    assert (
        "no tensor was found for 6 variables of twins, such as first/kernel, first/bias, second/kernel" in done.stderr
    )


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that are none, and maps that are none."""
    folder = tmp_path_factory.mktemp("odd")
    os.mkfifo(folder / "pipe.keras")
    (folder / "folder.keras").mkdir()
    (folder / "loop.keras").symlink_to("loop.keras")
    (folder / "x.pt").write_bytes(b"\x80\x02c")
    (folder / "x.weights.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    save_file({"fc.weight": np.zeros((3, 3), np.float32)}, folder / "x.safetensors")
    save_file({"fc/kernel": np.zeros((3, 3), np.float32)}, folder / "slash.safetensors")
    (folder / "x.json").write_text("{}")
    (folder / "bad.json").write_text("{")
    with (folder / "large.json").open("wb") as file:
        file.truncate(2**40)
    return folder


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["import", "{}/pipe.keras", "resnet20"], 3, "pipe.keras is not a file"),
        (["import", "{}/folder.keras", "resnet20"], 3, "folder.keras is not a file"),
        (["import", "{}/loop.keras", "resnet20"], 3, "too many levels of symbolic links"),
        (["import", "{}/" + "x" * 300, "resnet20"], 2, "is not there"),
        (["import", "{}/x.pt", "resnet20"], 3, "is a pickle, and loading one runs code"),
        (["import", "{}/x.weights.h5", "resnet20"], 2, "name the dataset with --dataset"),
        (["import", "{}/x.weights.h5", "resnet20", "--map", "{}/x.json"], 2, "--map is for safetensors"),
        (["import", "{}/x.safetensors", "resnet20"], 2, "has names of another kind than Keras' (fc.weight)"),
        (["import", "{}/x.safetensors", "resnet20", "--map", "{}/no.json"], 2, "'zoo weights map' begins one"),
        (["import", "{}/x.safetensors", "resnet20", "--map", "{}/bad.json"], 2, "its content is not JSON"),
        (["import", "{}/x.safetensors", "resnet20", "--map", "{}/pipe.keras"], 3, "is not a file"),
        (["import", "{}/x.safetensors", "resnet20", "--map", "{}/large.json"], 3, "larger than 16,777,216 bytes"),
        (["import", "{}/slash.safetensors", "resnet20", "--epsilon", "1e-5"], 2, "give their --map too"),
        (["import", "{}/x.safetensors", "resnet20", "--map", "{}/x.json", "--epsilon", "0"], 2, "--epsilon"),
        (["map", "{}/x.weights.h5", "resnet20", "-o", "m.json"], 2, "needs no map"),
        (["map", "{}/x.safetensors", "resnet20", "-o", "{}/x.json"], 2, "--force replaces it"),
        (["map", "{}/x.safetensors", "resnet20", "-o", "m.json", "--dataset", "digts"], 2, "did you mean 'digits'?"),
        (["map", "{}/x.pt", "resnet20", "-o", "m.json"], 3, "is a pickle"),
        (["map", "{}/x.safetensors", "resnet20x", "-o", "m.json"], 2, "did you mean 'resnet20'?"),
    ],
)
def test_a_mistake_is_one_line(in_process: Zoo, odd: Path, arguments: list[str], code: int, line: str) -> None:
    done = in_process("weights", *(argument.format(odd) for argument in arguments))
    assert (done.returncode, line in done.stderr, done.stderr.count("\n")) == (code, True, 1), done.stderr
    assert done.stdout == ""


def test_a_map_is_not_for_a_file_that_knows(in_process: Zoo, odd: Path, tmp_path: Path) -> None:
    record = {"model": "resnet20", "dataset": {"name": "cifar10"}}
    weights.save_arrays({"a/b": np.zeros(3, np.float32)}, tmp_path / "own.safetensors", record)
    done = in_process("weights", "import", str(tmp_path / "own.safetensors"), "resnet20", "--map", str(odd / "x.json"))
    assert done.returncode == 2
    assert done.stderr.endswith("has the names of the zoo already; leave out --map\n")
