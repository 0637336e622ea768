"""The page beside an exported model."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from zoo.exporting.readme import lines, readme

SNIPPET = """\
import library

logits = library.run("model.file", images)
"""
RECORD: dict[str, Any] = {
    "model": "toy_resnet",
    "dataset": "cifar10",
    "runtime": "library",
    "precision": "float32",
    "batch_size": 4,
    "input_shape": [32, 24, 3],
    "mean": [0.4914, 0.4822, 0.4465],
    "std": [0.247, 0.2435, 0.2616],
    "classes": ["airplane", "automobile"],
    "parity": {"images": 256, "max_difference": 1.5e-6, "mean_difference": 3e-7, "equal_top1": 1.0},
    "requires": ["the-library"],
    "versions": {"the-library": "1.2.3"},
}


def test_the_program_is_ten_lines_of_python_that_normalise_as_the_training_did() -> None:
    program = lines(RECORD, SNIPPET)
    ast.parse(program)
    assert len([line for line in program.splitlines() if line]) <= 10
    assert '(example["images"] / 255 - [0.4914, 0.4822, 0.4465]) / [0.247, 0.2435, 0.2616]' in program


def test_one_number_serves_all_channels() -> None:
    program = lines({**RECORD, "mean": [0.0], "std": [1.0]}, SNIPPET)
    assert '((example["images"] / 255 - 0.0) / 1.0).astype(np.float32)' in program


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "pip install numpy the-library==1.2.3"),
        ({}, "0 airplane, 1 automobile"),
        ({"classes": 10}, "a row of logits for each: 10 classes"),
        ({"classes": [str(i) for i in range(100)]}, "100 classes, named in `parity.json`"),
        ({}, "The model takes 4 images at a time, float32 (4, 32, 24, 3)"),
        ({"batch_size": 1}, "The model takes 1 image at a time"),
        ({}, "An image is 32 × 24, RGB"),
        ({"input_shape": [8, 8, 1]}, "An image is 8 × 8, grey"),
        ({}, "at most 1.5e-06, on average 3e-07"),
    ],
)
def test_the_page_says_what_a_user_needs(changes: dict[str, Any], text: str) -> None:
    assert text in readme({**RECORD, **changes}, SNIPPET)
