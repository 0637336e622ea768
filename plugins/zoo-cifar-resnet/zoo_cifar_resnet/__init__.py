"""The plugin: what it declares is plain data, and importing it imports no framework."""

import dataclasses

import zoo
from zoo_cifar_resnet.variants import VARIANTS

HE_2015 = "K. He et al., Deep Residual Learning for Image Recognition, arXiv:1512.03385, section 4.2"
MLPERF_TINY = "C. Banbury et al., MLPerf Tiny Benchmark, arXiv:2106.07597, section 4.1.3"

# With seed 0, of 600 test images: resnet8 99.17 % (98.06–99.64) after 55 s, resnet20 99.33 % (98.30–99.74) after 2.2
# minutes.
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

# zoo train resnet20 --dataset cifar10 --set precision=mixed_bfloat16: 90.40 % (89.81–90.96) of 10,000 test images
# with seed 0, after 81 minutes on one core of a Xeon with AMX; plain20 88.85 % (88.22–89.45) after 45 minutes on two.
CIFAR10 = zoo.Recipe(
    dataset="cifar10",
    summary="an evening on two cores",
    epochs=30,
    batch_size=128,
    optimizer="sgd",
    learning_rate=0.2,
    warmup_epochs=2,
    weight_decay=5e-4,
    weight_decay_form="l2",
    ema_momentum=0.998,
    shift_pixels=4,
    flip=True,
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2470, 0.2435, 0.2616),
)

# For a GPU; not run yet. He et al. train for 164 epochs in steps of the learning rate, with a decay of 1e-4.
CIFAR10_LONG = dataclasses.replace(
    CIFAR10, name="long", summary="about as long as He et al. train", epochs=180, learning_rate=0.1, warmup_epochs=5
)

# So small a network underfits: it takes more epochs and less decay. In the same way 88.27 % (87.62–88.89) after 66
# minutes on two cores.
RESNET8_CIFAR10 = dataclasses.replace(CIFAR10, epochs=60, weight_decay=2e-4)

ANY = dataclasses.replace(
    CIFAR10, dataset="*", summary="a start for other datasets", flip=False, shift_pixels=2, mean=(0.5,), std=(0.25,)
)

SHA256 = {
    "resnet8": {
        "digits": "49ca8d994563372da077e438c905779b7b83e63248a16c4e1d131059a4a2ef5c",
        "cifar10": "6e90bbd210d979635728f4fd8ed8a6f333c450ccf1f251a52c7613f033a5ca61",
    },
    "resnet20": {
        "digits": "336a40f1c5f6f33eb704079b867b078a22a8f172aae70a9b4ecab435c8d3bb2f",
        "cifar10": "e776a7caa5774d4ff47de273bffa34cf1539580d3ede1382f0cca4cb1d15f1d9",
    },
    "plain20": {"cifar10": "4c72aba48c56c81700abd03add0f65dc229240b44d64e4f9bf1379e332acfdd4"},
}


def weights(name: str) -> tuple[zoo.WeightsSpec, ...]:
    """The weights that this distribution ships for a model."""
    return tuple(
        zoo.WeightsSpec(dataset=dataset, file=f"zoo_cifar_resnet:weights/{name}-{dataset}.safetensors", sha256=sha256)
        for dataset, sha256 in SHA256.get(name, {}).items()
    )


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
            recipes=(DIGITS, RESNET8_CIFAR10 if name == "resnet8" else CIFAR10, CIFAR10_LONG, ANY),
            paper=MLPERF_TINY if name == "resnet8" else HE_2015,
            licence="Apache-2.0",
        )
        for name, variant in VARIANTS.items()
    ]
