"""Every number of the models table, under all three Keras backends, also after other models were built.

The deeper ones, which repeat the blocks of resnet20, are built under TensorFlow alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import WITH_KERAS_ALONE, printed

pytestmark = pytest.mark.real

BACKENDS = ("tensorflow", "jax", "torch")

TOY_RESNET = [
    ("img", (32, 32, 3), 0),
    ("conv2d", (30, 30, 32), 896),
    ("conv2d_1", (28, 28, 64), 18_496),
    ("max_pooling2d", (9, 9, 64), 0),
    ("conv2d_2", (9, 9, 64), 36_928),
    ("conv2d_3", (9, 9, 64), 36_928),
    ("add", (9, 9, 64), 0),
    ("conv2d_4", (9, 9, 64), 36_928),
    ("conv2d_5", (9, 9, 64), 36_928),
    ("add_1", (9, 9, 64), 0),
    ("conv2d_6", (7, 7, 64), 36_928),
    ("global_average_pooling2d", (64,), 0),
    ("dense", (256,), 16_640),
    ("dropout", (256,), 0),
    ("dense_1", (10,), 2_570),
]

# He et al. 2015: trainable parameters, and millions of MACs of convolutions and dense layers.
CIFAR_RESNETS = {
    "resnet20": (269_722, 40.55),
    "resnet32": (464_154, 68.86),
    "resnet44": (658_586, 97.17),
    "resnet56": (853_018, 125.49),
    "resnet110": (1_727_962, 252.89),
    "plain20": (269_722, 40.55),
    "plain56": (853_018, 125.49),
}


# Of the largest logit. docs/measuring.md has what is found on whole test splits.
LOGITS_TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def images() -> np.ndarray[Any, Any]:
    """Noise, and real handwritten digits, each pixel as a square of 4×4."""
    from sklearn.datasets import load_digits

    noise = np.random.default_rng(0).random((16, 32, 32, 3), dtype=np.float32)
    digits = np.kron(load_digits().images[:16] / 16, np.ones((1, 4, 4)))
    return np.concatenate([noise, np.repeat(digits[..., np.newaxis], 3, axis=-1).astype(np.float32)])


@pytest.fixture(scope="module")
def built(images: np.ndarray[Any, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each backend made of every model."""
    file = tmp_path_factory.mktemp("images") / "images.npy"
    np.save(file, images)
    script = Path(__file__).with_name("keras_backends.py")
    made = {}
    for backend in BACKENDS:
        made[backend] = printed(backend, *WITH_KERAS_ALONE, script, file)
        assert made[backend]["backend"] == backend
    return {backend: record["models"] for backend, record in made.items()}


@pytest.mark.parametrize("backend", BACKENDS)
def test_toy_resnet_is_the_layer_table_to_the_digit(built: dict[str, Any], backend: str) -> None:
    toy = built[backend]["toy_resnet"]
    assert [(name, tuple(shape), n) for name, _, shape, n, _ in toy["layers"]] == TOY_RESNET
    assert toy["parameters"] == toy["trainable_parameters"] == 223_242
    assert toy["macs"] == 28_997_504


@pytest.mark.parametrize("backend", BACKENDS)
def test_toy_resnet_has_relu_on_every_convolution_and_on_dense(built: dict[str, Any], backend: str) -> None:
    activations = built[backend]["toy_resnet"]["activations"]
    assert activations.pop("dense_1") == "linear"
    assert set(activations.values()) == {"relu"}
    assert len(activations) == 8


@pytest.mark.parametrize("backend", BACKENDS)
def test_plain_cnn_is_toy_resnet_less_the_additions(built: dict[str, Any], backend: str) -> None:
    toy, plain = built[backend]["toy_resnet"], built[backend]["plain_cnn"]
    assert plain["layers"] == [layer for layer in toy["layers"] if layer[1] != "Add"]
    assert plain["parameters"] == 223_242
    assert plain["macs"] == 28_997_504


@pytest.mark.parametrize(
    ("backend", "name"),
    [("tensorflow", name) for name in CIFAR_RESNETS]
    + [(backend, name) for backend in ("jax", "torch") for name in ("resnet20", "plain20")],
)
def test_cifar_resnets_have_the_parameters_and_macs_of_the_paper(
    built: dict[str, Any], backend: str, name: str
) -> None:
    trainable, millions = CIFAR_RESNETS[name]
    model = built[backend][name]
    assert model["trainable_parameters"] == trainable
    assert round(model["macs"] / 1e6, 2) == millions


@pytest.mark.parametrize("backend", BACKENDS)
def test_resnet8_is_mlperf_tinys(built: dict[str, Any], backend: str) -> None:
    model = built[backend]["resnet8"]
    assert model["parameters"] == 78_666
    shortcuts = [layer for layer in model["layers"] if layer[0].endswith("_shortcut")]
    assert [(kind, tuple(shape), n) for _, kind, shape, n, _ in shortcuts] == [
        ("Conv2D", (16, 16, 32), 16 * 32 + 32),
        ("Conv2D", (8, 8, 64), 32 * 64 + 64),
    ]


@pytest.mark.parametrize("name", ["plain20", "plain56", "plain_cnn"])
def test_plain_networks_have_no_skip_connections(built: dict[str, Any], name: str) -> None:
    types = {layer[1] for layer in built["tensorflow"][name]["layers"]}
    assert not types & {"Add", "SubsampleAndPad"}


def test_the_three_backends_build_the_same_models(built: dict[str, Any]) -> None:
    structures = [{name: {**model, "logits": None} for name, model in models.items()} for models in built.values()]
    assert structures[1] == structures[2] == {name: structures[0][name] for name in structures[1]}
    assert len(structures[1]) >= 5


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_shipped_weights_give_the_same_logits_on_every_backend(built: dict[str, Any], backend: str) -> None:
    import zoo

    shipped = [(spec.name, weights.dataset) for spec in zoo.models() for weights in spec.weights]
    assert len(shipped) >= 4
    for name, dataset in shipped:
        expected, found = (np.array(built[on][name]["logits"][dataset]) for on in ("tensorflow", backend))
        assert found.std() > 0.1
        np.testing.assert_allclose(
            found, expected, rtol=0, atol=LOGITS_TOLERANCE * np.abs(expected).max(), err_msg=f"{name} for {dataset}"
        )


def test_what_is_declared_is_what_is_built(built: dict[str, Any]) -> None:
    import zoo

    declared = {spec.name: spec.parameters for spec in zoo.models()}
    found = {name: model["parameters"] for name, model in built["tensorflow"].items()}
    assert found == {name: declared[name] for name in found}
    assert len(found) >= 10
