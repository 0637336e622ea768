"""The plugin: what it declares is plain data, and importing it imports no framework."""

import zoo
from zoo_cifar_resnet.variants import VARIANTS

HE_2015 = "K. He et al., Deep Residual Learning for Image Recognition, arXiv:1512.03385, section 4.2"
MLPERF_TINY = "C. Banbury et al., MLPerf Tiny Benchmark, arXiv:2106.07597, section 4.1.3"

DIGITS = zoo.Recipe(
    dataset="digits",
    epochs=30,
    batch_size=32,
    optimizer="adamw",
    learning_rate=4e-3,
    warmup_epochs=1,
    weight_decay=0.02,
    shift_pixels=3,
)

DIGITS_SHA256 = {
    "resnet8": "c273f038705cf279274016dde989a0dc160270a251bcd307005e4005d6d15559",
    "resnet20": "51afa5e5a41e03c28e5aae089deb55285d706b904e49e5d7c0e131d6d5b9ae7e",
}


def weights(name: str) -> tuple[zoo.WeightsSpec, ...]:
    """The weights that this distribution ships for a model."""
    if name not in DIGITS_SHA256:
        return ()
    file = f"zoo_cifar_resnet:weights/{name}-digits.safetensors"
    return (zoo.WeightsSpec(dataset="digits", file=file, sha256=DIGITS_SHA256[name]),)


@zoo.hookimpl
def zoo_models() -> list[zoo.ModelSpec]:
    return [
        zoo.ModelSpec(
            name=name,
            summary=variant.summary,
            build="zoo_cifar_resnet.model:cifar_resnet",
            arguments={
                "name": name,
                "blocks": variant.blocks,
                "shortcut": variant.shortcut,
                "bias": variant.bias,
            },
            input_shape=(32, 32, 3),
            classes=10,
            parameters=variant.parameters,
            weights=weights(name),
            recipes=(DIGITS,),
            paper=MLPERF_TINY if name == "resnet8" else HE_2015,
            licence="Apache-2.0",
        )
        for name, variant in VARIANTS.items()
    ]
