"""The networks as data: one row each. Addresses and digests of weights are those in Keras' own source."""

from dataclasses import dataclass

# Mean and standard deviation, in units of [0, 1]: how keras.applications normalises images, in a network or before.
FROM_MINUS_ONE_TO_ONE = ((0.5,), (0.5,))
OF_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

GOOGLE = "https://storage.googleapis.com"
CLASSES = (f"{GOOGLE}/download.tensorflow.org/data/imagenet_class_index.json", "c2c37ea517e94d9795004a39431a14cb")


@dataclass(frozen=True)
class Network:
    """One network of keras.applications.

    :param function: its name there.
    :param parameters: at 32×32×3 and 10 classes.
    :param own_parameters: at 224×224×3 and 1,000 classes.
    :param weights: of ImageNet: where they are on the server, in Keras' older HDF5.
    :param md5: of that file, where Keras knows it.
    :param normalisation: mean and standard deviation that its images are normalised by.
    :param leave_out: layers of that file that the zoo leaves out.
    """

    function: str
    summary: str
    paper: str
    parameters: int
    own_parameters: int
    weights: str
    md5: str | None = None
    normalisation: tuple[tuple[float, ...], tuple[float, ...]] = FROM_MINUS_ONE_TO_ONE
    leave_out: tuple[str, ...] = ()


NETWORKS = {
    "mobilenet": Network(
        function="MobileNet",
        summary="depthwise separable convolutions, Howard et al. 2017",
        paper="A. Howard et al., MobileNets, arXiv:1704.04861",
        parameters=3_239_114,
        own_parameters=4_253_864,
        weights="tensorflow/keras-applications/mobilenet/mobilenet_1_0_224_tf.h5",
    ),
    "mobilenet_v2": Network(
        function="MobileNetV2",
        summary="inverted residuals, Sandler et al. 2018",
        paper="M. Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, arXiv:1801.04381",
        parameters=2_270_794,
        own_parameters=3_538_984,
        weights="tensorflow/keras-applications/mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5",
    ),
    "mobilenet_v3_small": Network(
        function="MobileNetV3Small",
        summary="squeeze-and-excitation, hard swish; the small one, Howard et al. 2019",
        paper="A. Howard et al., Searching for MobileNetV3, arXiv:1905.02244",
        parameters=1_540_218,
        own_parameters=2_554_968,
        weights="tensorflow/keras-applications/mobilenet_v3/weights_mobilenet_v3_small_224_1.0_float.h5",
        md5="8768d4c2e7dee89b9d02b2d03d65d862",
    ),
    "mobilenet_v3_large": Network(
        function="MobileNetV3Large",
        summary="squeeze-and-excitation, hard swish; the large one, Howard et al. 2019",
        paper="A. Howard et al., Searching for MobileNetV3, arXiv:1905.02244",
        parameters=4_239_242,
        own_parameters=5_507_432,
        weights="tensorflow/keras-applications/mobilenet_v3/weights_mobilenet_v3_large_224_1.0_float.h5",
        md5="59e551e166be033d707958cf9e29a6a7",
    ),
    "efficientnet_b0": Network(
        function="EfficientNetB0",
        summary="the base of a family that is scaled, Tan & Le 2019",
        paper="M. Tan, Q. Le, EfficientNet: Rethinking Model Scaling, arXiv:1905.11946",
        parameters=4_062_374,
        own_parameters=5_330_564,
        weights="keras-applications/efficientnetb0.h5",
        md5="902e53a9f72be733fc0bcb005b3ebbac",
        normalisation=OF_IMAGENET,
        leave_out=("normalization*",),
    ),
    "efficientnet_v2_b0": Network(
        function="EfficientNetV2B0",
        summary="fused convolutions in the first stages, Tan & Le 2021",
        paper="M. Tan, Q. Le, EfficientNetV2: Smaller Models and Faster Training, arXiv:2104.00298",
        parameters=5_932_122,
        own_parameters=7_200_312,
        weights="tensorflow/keras-applications/efficientnet_v2/efficientnetv2-b0.h5",
        md5="21ecbf6da12460d5c40bb2f29ceb2188",
        normalisation=OF_IMAGENET,
    ),
    "densenet121": Network(
        function="DenseNet121",
        summary="every layer sees all before it, Huang et al. 2016",
        paper="G. Huang et al., Densely Connected Convolutional Networks, arXiv:1608.06993",
        parameters=7_047_754,
        own_parameters=8_062_504,
        weights="tensorflow/keras-applications/densenet/densenet121_weights_tf_dim_ordering_tf_kernels.h5",
        md5="9d60b8095a5708f2dcce2bca79d332c7",
        normalisation=OF_IMAGENET,
    ),
}
