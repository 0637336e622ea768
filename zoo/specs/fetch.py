"""Trained weights that lie on a server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoo.plain import Plain
from zoo.specs.checks import (
    SHA256,
    as_tuple,
    check,
    check_dataset_name,
    check_match,
    check_text,
    is_finite,
    is_number,
)

# Without a password, and over TLS: only what this machine serves itself may come without.
URL = re.compile(r"(https://[a-z0-9.-]+|http://(127\.0\.0\.1|localhost))(:\d{1,5})?/[!-~]*", re.IGNORECASE)
MD5 = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteFile(Plain):
    """A file on a server, and how to tell that it arrived as it was.

    Attributes:
        url: `https://…`. For tests it may be `http://127.0.0.1:PORT/…`.
        sha256: digest of the file. Give it if you can: without a digest, the server is trusted, and a warning says so.
        md5: another digest of it, where its publisher tells only this one.
    """

    url: str
    sha256: str | None = None
    md5: str | None = None

    def __post_init__(self) -> None:
        check_match(URL, self.url, "url", '"https://host/path"')
        check_text(self.url, "url")
        if self.sha256 is not None:
            check_match(SHA256, self.sha256, "sha256", "64 hexadecimal digits")
        if self.md5 is not None:
            check_match(MD5, self.md5, "md5", "32 hexadecimal digits")


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchSpec(Plain):
    """Trained weights that `zoo weights fetch` downloads. They don't come with the plugin.

    Attributes:
        dataset: the dataset they were trained on.
        file: what Keras saves (`.keras`, `.weights.h5`, or the older `.h5`), or safetensors such as `zoo train` writes.
        mean, std: how images were normalised, per channel in units of [0, 1]; one value serves all channels. A file of
            `zoo train` says so itself, and these are not used.
        class_index: JSON that names the classes, in the form of Keras' `imagenet_class_index.json`: from the number of
            a class to its WordNet id and its title. The ids become the names of the classes.
        also_for: other datasets with the same classes; a name without a configuration stands for all of them. There
            `zoo bench` takes these weights too, if it has no others.
        leave_out: layers of an older `.h5` file that the model lacks, by names or shell globs.
    """

    dataset: str
    file: RemoteFile
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    class_index: RemoteFile | None = None
    also_for: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_dataset_name(self.dataset)
        object.__setattr__(self, "file", _remote(self.file, "file"))
        if self.class_index is not None:
            object.__setattr__(self, "class_index", _remote(self.class_index, "class_index"))
        for name in ("mean", "std"):
            object.__setattr__(self, name, as_tuple(getattr(self, name), name))
        check(all(is_finite(m) for m in self.mean), "mean must be finite numbers")
        check(all(is_number(s) and s > 0 for s in self.std), "std must be positive numbers")
        for name in ("also_for", "leave_out"):
            values = getattr(self, name)
            check(isinstance(values, (tuple, list)), f"{name} must be a tuple")
            object.__setattr__(self, name, tuple(values))
        for dataset in self.also_for:
            check_dataset_name(dataset)
        for layer in self.leave_out:
            check_text(layer, "leave_out")

    def serves(self, dataset: str) -> bool:
        """Whether the weights are for that dataset, or for others with its classes."""
        return dataset == self.dataset or not {dataset, dataset.partition("/")[0]}.isdisjoint(self.also_for)


def _remote(value: Any, name: str) -> RemoteFile:
    file = RemoteFile.from_json(value) if isinstance(value, Mapping) else value
    check(isinstance(file, RemoteFile), f"{name} must be a RemoteFile")
    assert isinstance(file, RemoteFile)  # noqa: S101 - as checked
    return file
