"""The plugin: what it declares is plain data, and importing it imports no framework."""

import zoo
from zoo_keras_applications.networks import CLASSES, GOOGLE, NETWORKS, Network

SMALL = 32
OWN_SIZE, OWN_CLASSES = 224, 1000  # of ImageNet, which all of them were made for


def recipe(network: Network) -> zoo.Recipe:
    """How to start on any dataset; none of it is tuned."""
    mean, std = network.normalisation
    return zoo.Recipe(
        dataset="*",
        summary="a start for any dataset, not tuned",
        epochs=60,
        batch_size=64,
        optimizer="adamw",
        learning_rate=2e-3,
        warmup_epochs=5,
        weight_decay=0.02,
        shift_pixels=2,
        mean=mean,
        std=std,
    )


def imagenet(network: Network) -> zoo.FetchSpec:
    """The weights that Keras publishes, with the mean and the deviation that they were trained with."""
    mean, std = network.normalisation
    address, md5 = CLASSES
    return zoo.FetchSpec(
        dataset="imagenet2012",
        file=zoo.RemoteFile(url=f"{GOOGLE}/{network.weights}", md5=network.md5),
        class_index=zoo.RemoteFile(url=address, md5=md5),
        mean=mean,
        std=std,
        also_for=("imagenet_v2", "imagenet2012_corrupted"),
        leave_out=network.leave_out,
    )


def model(name: str, network: Network, *, size: int, classes: int, parameters: int) -> zoo.ModelSpec:
    """A network at one size."""
    name = f"{name}_{size}"
    return zoo.ModelSpec(
        name=name,
        summary=network.summary,
        build="zoo_keras_applications.model:application",
        arguments={"name": name, "function": network.function},
        input_shape=(size, size, 3),
        classes=classes,
        parameters=parameters,
        fetch=(imagenet(network),) if size == OWN_SIZE else (),
        recipes=(recipe(network),),
        paper=network.paper,
        licence="Apache-2.0",
    )


@zoo.hookimpl
def zoo_models() -> list[zoo.ModelSpec]:
    """All networks for small images, then all at their own size."""
    small = [model(name, n, size=SMALL, classes=10, parameters=n.parameters) for name, n in NETWORKS.items()]
    own = [
        model(name, n, size=OWN_SIZE, classes=OWN_CLASSES, parameters=n.own_parameters) for name, n in NETWORKS.items()
    ]
    return small + own
