"""The family as data: one row a model, one builder for all of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Variant:
    """One network of the family.

    :param blocks: residual blocks in each of the three stages: depth = 6 × blocks + 2.
    :param shortcut: "pad" (He et al. option A, no parameters), "conv" (1×1 convolution where the shape changes), or
        None (a plain network).
    :param bias: whether convolutions have biases.
    :param parameters: at 32×32×3 and 10 classes, with the batch-norm statistics.
    """

    blocks: int
    shortcut: str | None
    bias: bool
    parameters: int
    summary: str


VARIANTS = {
    "resnet8": Variant(1, "conv", True, 78_666, "the MLPerf Tiny image classification network"),
    "resnet20": Variant(3, "pad", False, 271_098, "20 layers, He et al. 2015, section 4.2"),
    "resnet32": Variant(5, "pad", False, 466_426, "32 layers, He et al. 2015, section 4.2"),
    "resnet44": Variant(7, "pad", False, 661_754, "44 layers, He et al. 2015, section 4.2"),
    "resnet56": Variant(9, "pad", False, 857_082, "56 layers, He et al. 2015, section 4.2"),
    "resnet110": Variant(18, "pad", False, 1_736_058, "110 layers, He et al. 2015, section 4.2"),
    "plain20": Variant(3, None, False, 271_098, "resnet20 without its skip connections"),
    "plain56": Variant(9, None, False, 857_082, "resnet56 without its skip connections"),
}
