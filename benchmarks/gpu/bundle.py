"""Make a bundle: all that the zoo takes on a machine without a network, in parts that are easy to carry. `make bundle`.

The target's own TensorFlow, JAX and PyTorch are used. The same inputs give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import have
import pack
from install import MANIFEST, SCHEMA
from resolve import FRAMEWORKS, PipError, Places, build, newest, resolve
from wheels import Target, Wheel

import zoo
from zoo.data import api
from zoo.errors import ZooError

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OPTIONAL = ("zoo-litert", "zoo-openvino")  # plugins whose runtimes are several hundred megabytes
PART = "bundle.{:03}"
PART_MIB = 48
MIB = 2**20
SPARE = 1.1  # of what is installed: compiled Python files
EXIT_USAGE, EXIT_FAILED = 2, 3


class Parts:
    """A stream that is written to files of a size, with the digest of each."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder, self.size = folder, size
        self.made: list[dict[str, Any]] = []
        self._begin()

    def _begin(self) -> None:
        self.name = PART.format(len(self.made))
        self.file = (self.folder / self.name).open("wb")
        self.digest, self.count = hashlib.sha256(), 0

    def _end(self) -> None:
        self.file.close()
        self.made.append({"file": self.name, "bytes": self.count, "sha256": self.digest.hexdigest()})

    def write(self, content: bytes) -> int:
        """As a file's."""
        rest = memoryview(content)
        while rest:
            if self.count == self.size:
                self._end()
                self._begin()
            piece = rest[: self.size - self.count]
            self.file.write(piece)
            self.digest.update(piece)
            self.count += len(piece)
            rest = rest[len(piece) :]
        return len(content)

    def close(self) -> None:
        """End the last part."""
        self._end()


def write_parts(files: Mapping[str, Path], folder: Path, size: int) -> list[dict[str, Any]]:
    """Write files as one archive, cut into parts. Nothing of their times and owners is kept.

    :param files: by name in the archive.
    :param size: of a part, in bytes.
    :return: each part's file, bytes and sha256.
    """
    parts = Parts(folder, size)
    with tarfile.open(fileobj=parts, mode="w|", format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]  # it only writes
        for name, path in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = path.stat().st_size, 0o644
            with path.open("rb") as file:
                archive.addfile(entry, file)
    parts.close()
    return parts.made


def make(
    out: Path,
    target: Target,
    packages: Mapping[str, str],
    *,
    frameworks: Sequence[str] = (),
    runtimes: bool = False,
    dataset: tuple[str, Path] | None = None,
    part_bytes: int = PART_MIB * MIB,
) -> dict[str, Any]:
    """Make a bundle in a folder, whole or not at all. One that holds the same is left as it is.

    :param packages: what the target has: versions by canonical name.
    :param frameworks: to bring along.
    :param runtimes: whether to bring OpenVINO and LiteRT.
    :param dataset: its name and the data directory that it is prepared in.
    :return: the manifest.
    :raises PipError, ValueError, ZooError, OSError: if it can't be made.
    """
    _check_place(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as folder:
        work, made = Path(folder) / "work", Path(folder) / "made"
        work.mkdir()
        made.mkdir()
        places = Places(ROOT / "constraints.txt", out.parent / "wheels", work)
        say("building the zoo's own wheels")
        ours = build([ROOT, *_plugins(runtimes)], places.constraints, work)
        say(f"finding what Python {target.python} lacks, given {len(packages)} packages of the target")
        found = resolve(ours, frameworks, target, packages, places)
        pip = newest("pip", target, places)
        for note in found.notes:
            say(f"! {note}")
        files = {f"wheels/{wheel.path.name}": wheel.path for wheel in found.wheels}
        files |= {f"pip/{pip.path.name}": pip.path, "pack.py": HERE / "pack.py"}
        files |= {path.relative_to(ROOT).as_posix(): path for path in (ROOT / "benchmarks").rglob("*.py")}
        facts = None
        if dataset is not None:
            facts = _pack(*dataset, work / "data")
            files |= {path.relative_to(work).as_posix(): path for path in (work / "data").rglob("*") if path.is_file()}
        manifest = {
            "schema": SCHEMA,
            "zoo": zoo.__version__,
            "python": target.python,
            "machine": target.machine,
            "glibc": target.glibc,
            "parts": write_parts(files, made, part_bytes),
            "wheels": [_described(wheel) for wheel in found.wheels],
            "pip": _described(pip),
            "present": found.present,
            "replaced": found.replaced,
            "dataset": facts,
            "installed_bytes": int(SPARE * sum(wheel.unpacked_bytes() for wheel in found.wheels))
            + sum(path.stat().st_size for path in files.values()),
        }
        shutil.copyfile(HERE / "install.py", made / "install.py")
        (made / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
        _publish(made, out)
    return manifest


def _plugins(runtimes: bool) -> list[Path]:
    found = sorted(path.parent for path in (ROOT / "plugins").glob("*/pyproject.toml"))
    return [path for path in found if runtimes or path.name not in OPTIONAL]


def _described(wheel: Wheel) -> dict[str, Any]:
    size = wheel.path.stat().st_size
    return {
        "name": wheel.name,
        "version": wheel.version,
        "file": wheel.path.name,
        "bytes": size,
        "sha256": wheel.sha256,
    }


def _pack(name: str, data_dir: Path, into: Path) -> dict[str, Any]:
    """Pack a dataset. What the manifest says of it comes from its own files, read by the zoo."""
    say(f"reading {name}")
    facts = api.verify(name, data_dir=data_dir)
    if facts["arrays"] is not None:
        raise ValueError(f"{name} comes with its plugin, which the bundle has; leave out --dataset and --data-dir")
    folder = Path(facts["folder"])
    say(f"packing {name}")
    place = into / name / facts["version"]
    pack.pack(folder, place)
    return {
        "name": name,
        "version": facts["version"],
        "sha256": {split: about["sha256"] for split, about in facts["splits"].items()},
        "images": {split: about["images"] for split, about in facts["splits"].items()},
        "packed_bytes": _size(place),
        "prepared_bytes": int(SPARE * _size(folder)),
    }


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _check_place(out: Path) -> None:
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / MANIFEST).is_file())):
        raise ValueError(f"{out} is there already and is no bundle; name another folder")


def _publish(made: Path, out: Path) -> None:
    """Put the new folder in the place of the old one, unless they hold the same."""
    if out.is_dir() and _same(made, out):
        say(f"{out} holds the same already")
        return
    for path in made.iterdir():
        if (old := out / path.name).is_file() and _digest(old) == _digest(path):
            path.unlink()
            os.link(old, path)  # what is right already stays the same file
    aside = made.parent / "before"
    if out.exists():
        out.rename(aside)
    made.rename(out)


def _same(a: Path, b: Path) -> bool:
    names = {path.name for path in a.iterdir()}
    return names == {path.name for path in b.iterdir()} and all(_digest(a / n) == _digest(b / n) for n in names)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def say(line: str) -> None:
    """What is being done."""
    print(f"bundle: {line}", file=sys.stderr, flush=True)


def _summary(out: Path, manifest: Mapping[str, Any], packages: Iterable[str]) -> Iterable[str]:
    parts, wheels = manifest["parts"], manifest["wheels"]
    yield f"{out}: {len(parts)} parts, {sum(part['bytes'] for part in parts) / 1e6:,.1f} MB"
    yield f"  {len(wheels)} wheels, {sum(wheel['bytes'] for wheel in wheels) / 1e6:,.1f} MB"
    if (dataset := manifest["dataset"]) is not None:
        yield f"  {dataset['name']}, {dataset['packed_bytes'] / 1e6:,.1f} MB"
    yield f"  counts on the target's {', '.join(manifest['present']) or 'Python alone'}"
    brought = {wheel["name"] for wheel in wheels}
    if not {*packages, *brought} & set(FRAMEWORKS):
        yield f"! neither the target nor the bundle has one of {', '.join(FRAMEWORKS)}; --with jax brings JAX"
    yield f"next: copy {out} to the target, and there: python{manifest['python']} {out.name}/install.py --into FOLDER"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Make a bundle of the zoo for a machine without a network.")
    parser.add_argument("--out", type=Path, required=True, help="the folder to make")
    parser.add_argument("--python", default="3.12", help="the target's Python (3.12)")
    parser.add_argument("--glibc", default="2.28", help="the oldest glibc that will do (2.28)")
    parser.add_argument(
        "--have", type=Path, help="what the target has: a file with what pip list or pip freeze prints there"
    )
    parser.add_argument(
        "--with", dest="frameworks", action="append", default=[], choices=FRAMEWORKS, help="bring this too"
    )
    parser.add_argument("--runtimes", action="store_true", help="bring OpenVINO and LiteRT too")
    parser.add_argument("--dataset", help="a dataset to bring, such as cifar10")
    parser.add_argument("--data-dir", type=Path, help="where TFDS has prepared it")
    parser.add_argument("--part-mib", type=int, default=PART_MIB, help=f"the size of a part in MiB ({PART_MIB})")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if not re.fullmatch(r"3\.\d+", options.python) or not re.fullmatch(r"2\.\d+", options.glibc):
        parser.error("--python is such as 3.12, and --glibc such as 2.28")
    if (options.dataset is None) != (options.data_dir is None):
        parser.error("--dataset and --data-dir go together")
    if options.part_mib < 1:
        parser.error("--part-mib is at least 1")
    try:
        packages = have.parse(options.have.read_text()) if options.have else {}
    except (OSError, ValueError) as error:
        print(f"bundle: can't read {options.have}: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
        return EXIT_USAGE
    try:
        manifest = make(
            options.out.absolute(),
            Target(options.python, options.glibc),
            packages,
            frameworks=sorted(set(options.frameworks)),
            runtimes=options.runtimes,
            dataset=(options.dataset, options.data_dir) if options.dataset else None,
            part_bytes=options.part_mib * MIB,
        )
    except ZooError as error:
        print(f"bundle: {error}", file=sys.stderr)
        return error.exit_code
    except (PipError, ValueError, OSError) as error:
        print(f"bundle: {error}; no bundle was made", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("bundle: interrupted; no bundle was made", file=sys.stderr)
        return 130
    print("\n".join(_summary(options.out, manifest, packages)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
