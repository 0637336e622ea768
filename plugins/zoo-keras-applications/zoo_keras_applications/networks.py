"""The networks as data: one row each."""

from dataclasses import dataclass

# Mean and standard deviation, in units of [0, 1]: how keras.applications normalises images, in a network or before.
FROM_MINUS_ONE_TO_ONE = ((0.5,), (0.5,))
OF_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@dataclass(frozen=True)
class Network:
    """One network of keras.applications.

    :param function: its name there.
    :param parameters: at 32×32×3 and 10 classes.
    :param own_parameters: at 224×224×3 and 1,000 classes.
    :param normalisation: mean and standard deviation that its images are normalised by.
    """

    function: str
    summary: str
    paper: str
    parameters: int
    own_parameters: int
    normalisation: tuple[tuple[float, ...], tuple[float, ...]] = FROM_MINUS_ONE_TO_ONE


NETWORKS = {
    "mobilenet": Network(
        function="MobileNet",
        summary="depthwise separable convolutions, Howard et al. 2017",
        paper="A. Howard et al., MobileNets, arXiv:1704.04861",
        parameters=3_239_114,
        own_parameters=4_253_864,
    ),
    "mobilenet_v2": Network(
        function="MobileNetV2",
        summary="inverted residuals, Sandler et al. 2018",
        paper="M. Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, arXiv:1801.04381",
        parameters=2_270_794,
        own_parameters=3_538_984,
    ),
    "mobilenet_v3_small": Network(
        function="MobileNetV3Small",
        summary="squeeze-and-excitation, hard swish; the small one, Howard et al. 2019",
        paper="A. Howard et al., Searching for MobileNetV3, arXiv:1905.02244",
        parameters=1_540_218,
        own_parameters=2_554_968,
    ),
    "mobilenet_v3_large": Network(
        function="MobileNetV3Large",
        summary="squeeze-and-excitation, hard swish; the large one, Howard et al. 2019",
        paper="A. Howard et al., Searching for MobileNetV3, arXiv:1905.02244",
        parameters=4_239_242,
        own_parameters=5_507_432,
    ),
    "efficientnet_b0": Network(
        function="EfficientNetB0",
        summary="the base of a family that is scaled, Tan & Le 2019",
        paper="M. Tan, Q. Le, EfficientNet: Rethinking Model Scaling, arXiv:1905.11946",
        parameters=4_062_374,
        own_parameters=5_330_564,
        normalisation=OF_IMAGENET,
    ),
    "efficientnet_v2_b0": Network(
        function="EfficientNetV2B0",
        summary="fused convolutions in the first stages, Tan & Le 2021",
        paper="M. Tan, Q. Le, EfficientNetV2: Smaller Models and Faster Training, arXiv:2104.00298",
        parameters=5_932_122,
        own_parameters=7_200_312,
        normalisation=OF_IMAGENET,
    ),
    "densenet121": Network(
        function="DenseNet121",
        summary="every layer sees all before it, Huang et al. 2016",
        paper="G. Huang et al., Densely Connected Convolutional Networks, arXiv:1608.06993",
        parameters=7_047_754,
        own_parameters=8_062_504,
        normalisation=OF_IMAGENET,
    ),
}
