"""A map of names: what is wrong with it is one line that says what was meant; a draft matches what can be matched."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from zoo.errors import UsageError
from zoo.weights.layout import Shape, Variable
from zoo.weights.name_map import Target, check, draft, parse

TENSORS = ("conv1.weight", "bn1.weight", "bn1.num_batches_tracked", "fc.weight")
VARIABLES = ("stem/kernel", "stem_bn/gamma", "logits/kernel")
WHOLE = {"conv1.weight": "stem/kernel", "bn1.weight": "stem_bn/gamma", "fc.weight": "logits/kernel"}


def parsed(value: Any) -> Any:
    """A map as its file has it."""
    return parse(json.dumps(value).encode())


def test_a_map_says_a_variable_or_nothing_or_axes() -> None:
    found = parsed({"a": "x/kernel", "b": None, "c": {"to": "y/kernel", "axes": [1, 0]}})
    assert found == {"a": Target("x/kernel"), "b": None, "c": Target("y/kernel", (1, 0))}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{", "can't be used: its content is not JSON"),
        ("[]", "can't be used: its content is not a JSON object"),
        ('{"a": "x", "a": "y"}', "can't be used: its content has a twice"),
        ('{"a": ""}', "leaves a open; name its variable, or say null to leave it out"),
        ('{"a": 1}', "must say of a a variable's path"),
        ('{"a": {"to": "x"}}', "must say of a a variable's path"),
        ('{"a": {"to": "x", "axes": [1, 0], "flip": 1}}', "must say of a a variable's path"),
        ('{"a": {"to": "x", "axes": [true, false]}}', "must say of a a variable's path"),
        ('{"a": {"to": "x", "axes": [1, 1]}}', "says of a the axes [1, 1]; each of 0 to n−1 must occur once"),
        ('{"a": {"to": "x", "axes": [0, -1]}}', "says of a the axes [0, -1]; each of 0 to n−1 must occur once"),
        ('{"a\\n": 1}', "must say of a? a variable's path"),
    ],
)
def test_what_is_no_map_is_one_line(text: str, line: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(text.encode())
    assert str(raised.value).startswith(line)
    assert "\n" not in str(raised.value)


def test_a_whole_map_is_right_and_pytorchs_counter_needs_no_word() -> None:
    check(parsed(WHOLE), TENSORS, VARIABLES)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"conv1.wieght": "stem/kernel"}, "names conv1.wieght, which isn't in the file; did you mean conv1.weight?"),
        (
            {"conv1.weight": "steam/kernel"},
            "sends conv1.weight to steam/kernel, which the model doesn't have; did you mean stem/kernel?",
        ),
        ({"conv1.weight": "?"}, "sends conv1.weight to ?, which the model doesn't have"),
        ({"fc.weight": "stem/kernel"}, "sends both conv1.weight and fc.weight to stem/kernel"),
        ({"fc.weight": None}, "has nothing for logits/kernel"),
        ({"fc.weight": None, "bn1.weight": None}, "has nothing for stem_bn/gamma and 1 more"),
    ],
)
def test_what_fits_neither_file_nor_model_is_named(change: dict[str, Any], line: str) -> None:
    with pytest.raises(UsageError) as raised:
        check(parsed(WHOLE | change), TENSORS, VARIABLES)
    assert str(raised.value) == line


def test_no_tensor_is_left_out_in_silence() -> None:
    with pytest.raises(UsageError, match=r"^says nothing of fc\.bias; null leaves a tensor out$"):
        check(parsed(WHOLE), (*TENSORS, "fc.bias"), VARIABLES)
    check(parsed(WHOLE | {"fc.bias": None}), (*TENSORS, "fc.bias"), VARIABLES)


def conv(layer: str, inputs: int, outputs: int) -> list[Variable]:
    """The variables of a convolution and its normalisation."""
    norm = [
        Variable(f"{layer}_bn/{name}", (outputs,), "BatchNormalization", epsilon=1e-3)
        for name in ("gamma", "beta", "moving_mean", "moving_variance")
    ]
    return [Variable(f"{layer}/kernel", (3, 3, inputs, outputs), "Conv2D"), *norm]


def torch_conv(number: str, inputs: int, outputs: int) -> dict[str, Shape]:
    """The same in PyTorch."""
    norm = {f"bn{number}.{name}": (outputs,) for name in ("weight", "bias", "running_mean", "running_var")}
    return {f"conv{number}.weight": (outputs, inputs, 3, 3), **norm, f"bn{number}.num_batches_tracked": ()}


def test_layers_alike_are_matched_by_order_with_numbers_by_value() -> None:
    variables = [v for n in range(12) for v in conv(f"block{n}", 4, 4)]
    tensors = [item for n in range(12) for item in torch_conv(str(n), 4, 4).items()]
    random.Random(0).shuffle(tensors)  # their order in a file says nothing
    found = draft(dict(tensors), variables)
    assert found.names["conv10.weight"] == "block10/kernel"
    assert found.names["conv2.weight"] == "block2/kernel"
    assert found.names["bn11.running_var"] == "block11_bn/moving_variance"
    assert (found.guessed, found.lacking) == (12 * 5, ())


def test_layers_of_one_kind_and_shape_alone_are_no_guess() -> None:
    found = draft({**torch_conv("9", 3, 4), **torch_conv("1", 4, 8)}, [*conv("stem", 3, 4), *conv("block", 4, 8)])
    assert found.names["conv9.weight"] == "stem/kernel"
    assert found.names["bn1.bias"] == "block_bn/beta"
    assert (found.guessed, found.lacking) == (0, ())


def test_a_bias_goes_with_its_weight() -> None:
    """Were each tensor matched by itself, the biases of two layers that differ in their inputs would be exchanged."""
    variables = [
        Variable("first/kernel", (5, 3), "Dense"),
        Variable("first/bias", (3,), "Dense"),
        Variable("second/kernel", (4, 3), "Dense"),
        Variable("second/bias", (3,), "Dense"),
    ]
    tensors: dict[str, Shape] = {"a.weight": (3, 4), "a.bias": (3,), "b.weight": (3, 5), "b.bias": (3,)}
    found = draft(tensors, variables)
    assert found.names["a.bias"] == "second/bias"
    assert found.names["b.bias"] == "first/bias"


def test_what_has_no_match_stays_open() -> None:
    variables = [Variable("logits/kernel", (4, 10), "Dense"), Variable("own/kernel", (4, 4), "Mine")]
    found = draft({"fc.weight": (100, 4), "scale": (4,)}, variables)
    assert found.names == {"fc.weight": "", "scale": ""}
    assert found.lacking == ("logits/kernel", "own/kernel")
    with pytest.raises(UsageError, match=r"leaves fc\.weight open"):
        parsed(dict(found.names))


@pytest.mark.parametrize("name", ["x" + "9" * 5000, "½³.weight", "٣.weight", ".", "..", "\0.5"])
def test_odd_names_are_names(name: str) -> None:
    assert draft({name: (2,), "layer2.bias": (2,)}, []).names[name] == ""
