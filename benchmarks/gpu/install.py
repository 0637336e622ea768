#!/usr/bin/env python3
"""Install a bundle on this machine: `python3 install.py --bundle FOLDER --into FOLDER`. Standard library alone.

Run it with the Python whose JAX, PyTorch or TensorFlow the zoo is to use. It needs no network. Either everything is
installed and checked, or nothing is left. Exit code 0: installed, or already there. 2: this machine or these files are
not what the bundle needs. 3: the installation failed.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.metadata
import io
import json
import os
import platform
import re
import shlex
import shutil
import signal
import site
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

SCHEMA = "zoo.bundle/1"
MANIFEST = "manifest.json"
STATE = "zoo-bundle.json"  # in a finished installation: which manifest it came from
BEGUN = ".zoo-bundle-begun"  # in one that was begun
WORK = ".zoo-bundle"  # what was unpacked, in the installation while it lasts
FRAMEWORKS = ("tensorflow", "jax", "torch")  # runtimes of these names
CHUNK = 2**20
EXIT_USAGE, EXIT_FAILED = 2, 3


class RefusedError(Exception):
    """What is asked for can't be begun; the message says why, and what to do."""


class FailedError(Exception):
    """What was begun did not come to its end."""


class Joined(io.RawIOBase):
    """Files, read as one."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.waiting = list(paths)
        self.file: BinaryIO | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            if self.file is None:
                if not self.waiting:
                    return 0
                self.file = self.waiting.pop(0).open("rb")
            count = self.file.readinto(buffer)  # type: ignore[attr-defined]  # typing.BinaryIO lacks it
            if count:
                return int(count)
            self.file.close()
            self.file = None

    def close(self) -> None:
        if self.file is not None:
            self.file.close()
        super().close()


def read_manifest(folder: Path) -> tuple[dict[str, Any], str]:
    """The manifest of a bundle, and its digest.

    :raises RefusedError: if there is none, or it is none.
    """
    path = folder / MANIFEST
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RefusedError(f"can't read {path}: {_reason(error)}; name the bundle's folder with --bundle") from None
    try:
        manifest = json.loads(content)
        known = manifest["schema"] == SCHEMA
    except (ValueError, KeyError, TypeError):
        raise RefusedError(f"{path} is damaged; copy it again") from None
    if not known:
        raise RefusedError(f"{path} is a '{manifest['schema']}', and this installer takes a '{SCHEMA}'; use its own")
    return manifest, hashlib.sha256(content).hexdigest()


def check_machine(manifest: Mapping[str, Any], here: Mapping[str, str]) -> None:
    """Whether the bundle is one for this Python on this machine.

    :param here: what `this_machine` tells.
    :raises RefusedError: if it isn't.
    """
    if here["implementation"] != "CPython" or here["python"] != manifest["python"]:
        raise RefusedError(
            f"the bundle is for CPython {manifest['python']}, and this is {here['implementation']} {here['python']}; "
            f"run install.py with python{manifest['python']}, or make a bundle for this one"
        )
    if (here["system"], here["machine"]) != ("Linux", manifest["machine"]):
        raise RefusedError(
            f"the bundle is for Linux on {manifest['machine']}, and this is {here['system']} on {here['machine']}"
        )
    if _numbers(here["glibc"]) < _numbers(manifest["glibc"]):
        raise RefusedError(
            f"the bundle takes glibc {manifest['glibc']} or newer, and here is {here['glibc'] or 'none'}; "
            f"make a bundle with bundle.py --glibc"
        )


def this_machine() -> dict[str, str]:
    """What a bundle has to fit."""
    return {
        "implementation": platform.python_implementation(),
        "python": "{}.{}".format(*sys.version_info[:2]),
        "system": platform.system(),
        "machine": platform.machine(),
        "glibc": _glibc(),
    }


def check_present(present: Mapping[str, str], version: Callable[[str], str | None]) -> list[str]:
    """Whether the packages that the bundle counts on are here.

    :param present: their versions, by name.
    :param version: of a package here, or None.
    :return: lines about those that are here in another version; whether it will do, pip finds out.
    :raises RefusedError: if some are missing.
    """
    found = {name: version(name) for name in present}
    if missing := [f"{name} {present[name]}" for name, here in found.items() if here is None]:
        raise RefusedError(
            f"the bundle counts on {', '.join(missing)}, which {sys.executable} does not have; "
            f"run install.py with the Python whose packages were listed, or make a bundle with a new HAVE"
        )
    return [
        f"! {name} is {here} here, and the bundle was made for {present[name]}"
        for name, here in found.items()
        if here != present[name]
    ]


def check_parts(folder: Path, parts: Sequence[Mapping[str, Any]]) -> None:
    """Whether every part is there and whole.

    :raises RefusedError: if one isn't.
    """
    for part in parts:
        path = folder / part["file"]
        if not path.is_file():
            raise RefusedError(f"{part['file']} is missing in {folder}: the bundle has {len(parts)} parts; copy it too")
        if (size := path.stat().st_size) != part["bytes"]:
            raise RefusedError(f"{part['file']} has {size:,} bytes and should have {part['bytes']:,}; copy it again")
    for part in parts:
        digest = hashlib.sha256()
        with (folder / part["file"]).open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
        if digest.hexdigest() != part["sha256"]:
            raise RefusedError(_damaged(part))


def check_space(needed: Mapping[Path, int], free: Callable[[Path], int]) -> None:
    """Whether the disks have room.

    :param needed: bytes by folder, which need not exist yet.
    :param free: bytes that are free where a folder that exists lies.
    :raises RefusedError: if there is too little.
    """
    by_disk: dict[int, tuple[Path, int]] = {}
    for folder, size in needed.items():
        place = _nearest(folder)
        device = place.stat().st_dev
        by_disk[device] = (place, by_disk.get(device, (place, 0))[1] + size)
    for place, size in by_disk.values():
        if (left := free(place)) < size:
            raise RefusedError(
                f"it takes {size / 1e6:,.0f} MB on the disk of {place}, and {left / 1e6:,.0f} MB are free"
            )


def unpack(bundle: Path, parts: Sequence[Mapping[str, Any]], into: Path) -> None:
    """Write what the parts hold into a folder.

    :raises RefusedError: if they hold anything but plain files.
    """
    paths = [bundle / part["file"] for part in parts]
    with io.BufferedReader(Joined(paths), CHUNK) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            place = into / member.name
            if not member.isfile() or ".." in place.parts or into not in place.parents:
                raise RefusedError(f"the bundle holds {member.name!r}, which is no plain file in it")
            place.parent.mkdir(parents=True, exist_ok=True)
            source = archive.extractfile(member)
            assert source is not None  # a file has content
            with place.open("wb") as file:
                shutil.copyfileobj(source, file, CHUNK)


def target_folders() -> list[str]:
    """Where this Python has its packages, if it lies in a virtual environment: a new one would not see those."""
    return site.getsitepackages() if sys.prefix != sys.base_prefix else []


def sees_system() -> bool:
    """Whether this Python sees the packages of the system's Python."""
    if sys.prefix == sys.base_prefix:
        return True
    try:
        lines = (Path(sys.prefix) / "pyvenv.cfg").read_text().lower().splitlines()
    except OSError:
        return False
    return "true" in [
        value.strip() for key, _, value in (line.partition("=") for line in lines) if "system-site" in key
    ]


def make_environment(into: Path, folders: Sequence[str], system: bool) -> Path:
    """A virtual environment that sees the packages of this Python, after those that it has itself.

    :param folders: further folders of packages that it is to see.
    :param system: whether it sees those of the system's Python.
    :return: its Python.
    """
    venv.EnvBuilder(system_site_packages=system, symlinks=True, with_pip=False).create(into)
    python = into / "bin" / "python"
    own = Path(_run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip())
    lines = [f"import site; site.addsitedir({folder!r})" for folder in folders]
    if lines:  # such a line is run when Python starts; a bare path would not bring what *.pth files there name
        (own / "zoo_target.pth").write_text("\n".join(lines) + "\n")
    return python


def install(bundle: Path, into: Path, data_dir: Path, manifest: Mapping[str, Any], digest: str) -> None:
    """Everything after the checks; at an error nothing is left.

    :raises RefusedError: if a part or a dataset that is there already isn't what it should be.
    :raises FailedError: if pip or the zoo does not do what is asked of them.
    """
    dataset = manifest["dataset"]
    made = _new_folders(into)
    shutil.rmtree(into, ignore_errors=True)  # one that was begun
    try:
        into.mkdir(parents=True)
        (into / BEGUN).touch()
        work = into / WORK
        with stage("unpack the bundle"):
            unpack(bundle, manifest["parts"], work)
        with stage("make an environment"):
            python = make_environment(into, target_folders(), sees_system())
        with stage(f"install {len(manifest['wheels'])} packages"):
            _pip(python, work)
        with stage("zoo list"):
            models = len(json.loads(_run([into / "bin" / "zoo", "list", "--json"])))
        print(f"  {models} models", flush=True)
        if dataset is not None:
            _dataset(python, work, data_dir, dataset)
        (work / "benchmarks").rename(into / "benchmarks")
        shutil.rmtree(work)
        (into / STATE).write_text(json.dumps({"manifest": digest, "data_dir": str(data_dir)}) + "\n")
        (into / BEGUN).unlink()
    except BaseException:
        shutil.rmtree(into, ignore_errors=True)
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


def _pip(python: Path, work: Path) -> None:
    """Install the wheels by the pip that the bundle brings: the target's may be old, or missing. Then let it see
    whether they have what they need in what is here.

    The wheels are installed even where the target has the same: its zoo may be another of the same version.
    """
    (pip,) = (work / "pip").glob("pip-*.whl")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    environment = {**clean, "PIP_CONFIG_FILE": os.devnull}
    start: list[str | Path] = [
        python,
        pip / "pip",
        "--isolated",
        "install",
        "--no-index",
        "--no-cache-dir",
        "--no-input",
        "--quiet",
    ]
    start += ["--disable-pip-version-check", "--root-user-action", "ignore"]
    wheels = sorted((work / "wheels").glob("*.whl"))
    _run([*start, "--no-deps", "--ignore-installed", *wheels], environment)
    _run([*start, "--dry-run", *wheels], environment)


def _dataset(python: Path, work: Path, data_dir: Path, dataset: Mapping[str, Any]) -> None:
    """Put the dataset back where TFDS keeps it, once it has been read and its digest is the manifest's."""
    name, path = dataset["name"], Path(dataset["name"]) / dataset["version"]
    zoo = python.parent / "zoo"
    if (data_dir / path).exists():
        with stage(f"check the {name} that is there"):
            same = _digests(zoo, name, data_dir) == dataset["sha256"]
        if not same:
            raise RefusedError(f"{data_dir / path} is there already and holds something else; name another --data-dir")
        return
    made = _new_folders(data_dir)
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=data_dir, prefix=".zoo-bundle-") as folder:
            with stage(f"put {name} back"):
                _run([python, work / "pack.py", "unpack", work / "data" / path, Path(folder) / path])
            with stage(f"zoo data verify {name}"):
                found = _digests(zoo, name, Path(folder))
            if found != dataset["sha256"]:
                raise FailedError(f"{name} was put back, and its digests are {found} instead of {dataset['sha256']}")
            (data_dir / path).parent.mkdir(parents=True, exist_ok=True)
            os.rename(Path(folder) / path, data_dir / path)
    except BaseException:
        for place in made:
            with contextlib.suppress(OSError):
                place.rmdir()
        raise


def _digests(zoo: Path, name: str, data_dir: Path) -> dict[str, str]:
    found = json.loads(_run([zoo, "data", "verify", name, "--data-dir", data_dir, "--json"]))
    return {split: facts["sha256"] for split, facts in found["splits"].items()}


@contextlib.contextmanager
def stage(what: str) -> Iterator[None]:
    """Print how long something took."""
    begun = time.monotonic()
    yield
    print(f"{what:<36} {time.monotonic() - begun:6.1f} s", flush=True)


def _run(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        said = [line for line in lines if line.startswith("ERROR")] or lines[-1:] or [f"exit code {done.returncode}"]
        raise FailedError(f"{Path(command[0]).name} {Path(command[1]).name}: {' '.join(said)}")
    return done.stdout


def _damaged(part: Mapping[str, Any]) -> str:
    return f"{part['file']} is damaged: its sha256 is not the manifest's; copy it again"


def _glibc() -> str:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")[2]
    except (AttributeError, OSError, ValueError):
        return ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


def _nearest(folder: Path) -> Path:
    """The folder, or the innermost around it that exists."""
    return next(place for place in (folder, *folder.parents) if place.exists())


def _new_folders(folder: Path) -> list[Path]:
    """Those that have yet to be made so that the folder can be, the innermost first."""
    return [place for place in (folder, *folder.parents) if not place.exists()]


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _finished(into: Path) -> dict[str, Any] | None:
    """What a finished installation says of itself."""
    try:
        state = json.loads((into / STATE).read_bytes())
    except (OSError, ValueError):
        return None
    return state if isinstance(state, dict) else None


def _check_place(into: Path) -> None:
    if not into.exists() and not into.is_symlink():
        return
    if _finished(into):
        raise RefusedError(f"another bundle is installed in {into}; remove it, or name another folder with --into")
    if not into.is_dir() or (any(into.iterdir()) and not (into / BEGUN).exists()):
        raise RefusedError(
            f"{into} is there already and was not made by this installer; name another folder with --into"
        )


def run(bundle: Path, into: Path, data_dir: Path | None) -> None:
    """Check everything, then install.

    :raises RefusedError: before anything is written.
    :raises FailedError: after everything that was written is gone.
    """
    manifest, digest = read_manifest(bundle)
    state = _finished(into)
    if state is not None and state.get("manifest") == digest:
        place = Path(state["data_dir"])
        if data_dir not in (None, place):
            raise RefusedError(
                f"the bundle is installed in {into} with its data in {place}; remove {into} to change that"
            )
        print(f"the bundle is installed in {into} already; nothing to do")
    else:
        place = data_dir or into / "data"
        check_machine(manifest, this_machine())
        notes = check_present(manifest["present"], _version)
        _check_place(into)
        needed = {into: manifest["installed_bytes"]}
        if manifest["dataset"] is not None:
            needed[place] = manifest["dataset"]["prepared_bytes"]
        check_space(needed, lambda folder: shutil.disk_usage(folder).free)
        with stage(f"check {len(manifest['parts'])} parts"):
            check_parts(bundle, manifest["parts"])
        for note in notes:
            print(note, flush=True)
        install(bundle, into, place, manifest, digest)
    _say_next(into, place, manifest["dataset"])


def _say_next(into: Path, data_dir: Path, dataset: Mapping[str, Any] | None) -> None:
    look = f"import importlib.util as u; print(*filter(u.find_spec, {FRAMEWORKS}))"
    found = _run([into / "bin" / "python", "-c", look]).split()
    if not found:
        print(f"! {sys.executable} has none of {', '.join(FRAMEWORKS)}: the zoo can list models here, and run none")
        print(f"next: {into / 'bin' / 'zoo'} list")
        return
    command = [str(into / "bin" / "zoo"), "bench", "toy_resnet", "--runtime", found[0]]
    if dataset is not None:
        command += ["--dataset", dataset["name"], "--data-dir", str(data_dir)]
    print("next:", " ".join(map(shlex.quote, command)))


def _interrupted(*_: object) -> None:
    """Ctrl-C's way out serves the other signals too: what was begun is removed."""
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Install a bundle of the zoo on a machine without a network.")
    parser.add_argument("--bundle", type=Path, default=Path(__file__).parent, help="its folder (that of this file)")
    parser.add_argument("--into", type=Path, required=True, help="where to make the environment")
    parser.add_argument("--data-dir", type=Path, help="where to put the dataset (INTO/data)")
    options = parser.parse_args(arguments)
    data_dir = options.data_dir and options.data_dir.expanduser().absolute()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupted)
    try:
        run(options.bundle.expanduser().absolute(), options.into.expanduser().absolute(), data_dir)
    except RefusedError as error:
        print(f"install.py: {error}", file=sys.stderr)
        return EXIT_USAGE
    except (FailedError, OSError, tarfile.TarError) as error:
        print(f"install.py: {error}; nothing was installed", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("install.py: interrupted; nothing was installed", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
