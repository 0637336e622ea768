"""What the zoo's own plugins bring, installed or not: whoever asks for it is told which to install."""

from __future__ import annotations

from collections.abc import Mapping

OFFERS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "model": {
        "zoo-cifar-resnet": (
            *("resnet8", "resnet20", "resnet32", "resnet44", "resnet56", "resnet110", "plain20", "plain56"),
        ),
        "zoo-keras-applications": (
            *("mobilenet_32", "mobilenet_v2_32", "mobilenet_v3_small_32", "mobilenet_v3_large_32"),
            *("mobilenet_224", "mobilenet_v2_224", "mobilenet_v3_small_224", "mobilenet_v3_large_224"),
            *("efficientnet_b0_32", "efficientnet_v2_b0_32", "efficientnet_b0_224", "efficientnet_v2_b0_224"),
            *("densenet121_32", "densenet121_224"),
        ),
        "zoo-plain-cnn": ("plain_cnn",),
        "zoo-toy-resnet": ("toy_resnet",),
    },
    "dataset": {"zoo-shapes": ("shapes",)},
    "runtime": {"zoo-litert": ("litert",), "zoo-onnxruntime": ("onnxruntime",), "zoo-openvino": ("openvino",)},
}


def brought_by(kind: str, name: str) -> str | None:
    """The distribution that brings what has this name, if it is one of the zoo's own.

    :param kind: `"model"`, `"dataset"` or `"runtime"`; there is nothing else.
    """
    return next((distribution for distribution, names in OFFERS.get(kind, {}).items() if name in names), None)
