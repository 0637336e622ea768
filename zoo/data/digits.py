"""The embedded default dataset, as arrays: scikit-learn's handwritten digits.

1,797 real digits, 8×8 grey, in a fixed stratified split of 1,197 and 600. E. Alpaydin, C. Kaynak: Optical Recognition
of Handwritten Digits. UCI Machine Learning Repository, 1998. https://doi.org/10.24432/C50P49 (the copy in scikit-learn
is the test part of the original).
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import DataError
from zoo.references import find

if TYPE_CHECKING:
    import numpy as np

INK_LEVELS = 16  # scikit-learn's pixels count inked dots, 0 to 16

# A bit for each image, set where it is a test image. This is what `train_test_split(range(1797), test_size=600,
# stratify=labels, random_state=0)` gave; to import scikit-learn takes longer than to score a small model.
TEST = """
SCAEyLUmMMAJFmEh10JFDFoADBEipAAoBiweCBEIlgoAkBkyBDD8oJLDluRCKErasEQXJMlCyOJKITCAYATYIUDroCAAWI3FgBBCDqCQAAVK6AHwEAAy
jswJAFo2hACDuAU8o6aeTgIkAA/L1CgFpJndAhJAYeVAgSxgTpw3a6WSF0FUyEBIQqCkmApQALZLhWHuiROIzxJsgsAiBQaPQiEJ8gLBQb2IE8gJGQEB
lI4hAoQQqPUgMyg5IMlEyMhoiiECkyKSAwkypkAtpoYhCKpggZjIoBQShhJKEoU8tB0g
"""


def arrays(split: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The images, uint8 (count, 8, 8, 1), and labels of `"train"` or `"test"`, shuffled as TFDS shuffles a split."""
    import numpy as np

    table = np.loadtxt(_file(), delimiter=",")
    images = np.round(table[:, :-1] * (255 / INK_LEVELS)).astype(np.uint8).reshape(-1, 8, 8, 1)
    labels = table[:, -1].astype(np.int64)
    is_test = np.unpackbits(np.frombuffer(base64.b64decode(TEST), np.uint8))[: len(labels)]
    order = sorted(np.flatnonzero(is_test == (split == "test")), key=lambda index: _hash(split, index))
    return images[order], labels[order]


def _file() -> Path:
    """The table in scikit-learn: a line for each image, its pixels and its label."""
    package = find("sklearn.datasets.data")
    if package is None or package.origin is None:
        raise DataError("scikit-learn, which has the images, is not installed")
    return Path(package.origin).with_name("digits.csv.gz")


def _hash(split: str, index: Any) -> bytes:
    return hashlib.md5(f"{split}{index}".encode(), usedforsecurity=False).digest()
