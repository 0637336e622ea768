"""Run by test_import.py: writes networks of PyTorch as safetensors, and their logits. `elsewhere.py` has their twins.

Where Keras pads "same" with a stride of two, it pads after the image alone; these networks do so too.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional


class Kinds(nn.Module):
    """The twin of `elsewhere.build_kinds`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, bias=False)
        self.norm = nn.BatchNorm2d(6)
        self.grouped = nn.Conv2d(6, 8, (1, 3), groups=2)
        self.depthwise = nn.Conv2d(8, 16, (3, 2), groups=8)
        self.separable_depthwise = nn.Conv2d(16, 16, 2, groups=16, bias=False)
        self.separable_pointwise = nn.Conv2d(16, 5, 1)
        self.transposed = nn.ConvTranspose2d(5, 7, (2, 3))
        self.flat_norm = nn.BatchNorm1d(112)
        self.logits = nn.Linear(112, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.norm(self.conv(x)))
        x = self.depthwise(self.grouped(x))
        x = self.separable_pointwise(self.separable_depthwise(x))
        return self.logits(self.flat_norm(self.transposed(x).flatten(1)))


class Block(nn.Module):
    """Two convolutions and a shortcut that subsamples and pads (He et al. 2015, option A)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.stride = 1 if inputs == outputs else 2
        self.conv1 = nn.Conv2d(inputs, outputs, 3, self.stride, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        padded = functional.pad(x, (0, 1, 0, 1) if self.stride == 2 else (1, 1, 1, 1))
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(padded)))))
        if self.stride == 2:
            new = y.shape[1] - x.shape[1]
            x = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, new // 2, new - new // 2))
        return functional.relu(y + x)


class ResNet20(nn.Module):
    """The twin of `resnet20`, with the names that such networks mostly have in PyTorch."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(*(Block(16, 16) for _ in range(3)))
        self.layer2 = nn.Sequential(Block(16, 32), *(Block(32, 32) for _ in range(2)))
        self.layer3 = nn.Sequential(Block(32, 64), *(Block(64, 64) for _ in range(2)))
        self.linear = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.layer3(self.layer2(self.layer1(functional.relu(self.bn1(self.conv1(x))))))
        return self.linear(x.mean((2, 3)))


@torch.no_grad()
def main(folder: Path) -> None:
    """Each with statistics that are not those of a network that has seen nothing."""
    for network, size in ((Kinds(), 8), (ResNet20(), 32)):
        torch.manual_seed(0)
        for module in network.modules():
            if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
                for tensor in (module.weight, module.running_var):
                    tensor.uniform_(0.5, 1.5)
                for tensor in (module.bias, module.running_mean):
                    tensor.normal_(0, 0.1)
        images = torch.rand(4, size, size, 3)
        name = type(network).__name__.lower()
        state = network.state_dict()
        save_file(state, folder / f"{name}.safetensors")
        np.save(folder / f"{name}_images.npy", images.numpy())
        np.save(folder / f"{name}_logits.npy", network.eval()(images.permute(0, 3, 1, 2)).numpy())
        torch.save(state, folder / f"{name}.pt")
        torch.save(state, folder / f"{name}_old.pt", _use_new_zipfile_serialization=False)


main(Path(sys.argv[1]))
