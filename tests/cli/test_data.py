"""`zoo data`: real TFDS, real downloads from a server on this machine that is well, silent, slow, or breaks off."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image
from support import Zoo

pytestmark = pytest.mark.real

BUILDER = Path(__file__).parents[1] / "data" / "local_images.py"


class Server(BaseHTTPRequestHandler):
    """Answers as its path says."""

    content = b""
    ended = threading.Event()

    def do_GET(self) -> None:
        """`/well`, `/silent`, `/slow`, `/breaks` or, for anything else, 404."""
        if self.path == "/silent":
            self.ended.wait()
            return
        self.send_response(200 if self.path in ("/well", "/slow", "/breaks") else 404)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        half = len(self.content) // 2
        with contextlib.suppress(ConnectionError):  # they may have had enough
            if self.path == "/slow":
                for i in range(half):
                    self.wfile.write(self.content[i : i + 1])
                    if self.ended.wait(0.1):
                        return
            self.wfile.write(self.content[: half if self.path == "/breaks" else None])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH with the plugin installed."""
    folder = tmp_path_factory.mktemp("plugin")
    shutil.copy(BUILDER, folder)
    info = folder / "local_images-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: local-images\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[zoo]\nlocal = local_images\n")
    return folder


@pytest.fixture(scope="module")
def server(plugin: Path) -> Iterator[str]:
    """The server's address."""
    printed = subprocess.run(
        [sys.executable, "-c", "import sys, local_images; sys.stdout.buffer.write(local_images.content())"],
        env={**os.environ, "PYTHONPATH": str(plugin)},
        stdout=subprocess.PIPE,
        check=True,
    )
    Server.content = printed.stdout
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as listening:
        listening.daemon_threads = True
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_address[1]}"
        Server.ended.set()
        listening.shutdown()


FromPath = Callable[[str], dict[str, str]]


@pytest.fixture(scope="module")
def from_path(plugin: Path, server: str) -> FromPath:
    """Variables under which the dataset is downloaded from a path of the server."""
    return lambda path: {"PYTHONPATH": str(plugin), "LOCAL_IMAGES_URL": server + path, "NO_PROXY": "127.0.0.1"}


def test_what_is_fetched_is_whole_and_can_be_read(zoo: Zoo, from_path: FromPath, tmp_path: Path) -> None:
    folder, variables = ("--data-dir", str(tmp_path / "data")), from_path("/well")
    listed = zoo("data", "list", **variables)
    assert "to be downloaded: zoo data fetch local_images" in listed.stdout

    done = zoo("data", "fetch", "local_images", *folder, "--json", **variables)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["fresh"]
    assert record["splits"] == {"train": 30, "test": 12}
    assert record["class_names"] == ["red", "green", "blue"]
    assert sorted(os.listdir(tmp_path / "data")) == ["local_images"]

    again = zoo("data", "fetch", "local_images", *folder, **from_path("/silent"))
    assert again.returncode == 0
    assert again.stderr == "zoo: local_images was there already\n"

    found = zoo("data", "verify", "local_images", *folder, "--json", **variables)
    assert found.returncode == 3
    assert found.stderr == f"zoo: 'train' of local_images is not what local-images declares: sha256 {'0' * 64}\n"
    train = json.loads(found.stdout)["splits"]["train"]
    assert train["images_by_class"] == [10, 10, 10]
    assert 0.45 < train["mean"][0] < 0.55


NO_NETWORK = "http://127.0.0.1:9"  # a proxy that isn't there
FAILURES = {
    "/silent": (("local_images", "--idle", "2"), "127.0.0.1 has sent nothing, or next to nothing, for 2 s"),
    "/slow": (("local_images", "--timeout", "10"), "not done after 10 s (downloading, 0 MiB downloaded); nothing was"),
    "/breaks": (("local_images",), "127.0.0.1 broke off in the middle; try again"),
    "/nothing": (("local_images",), "HTTP code: 404"),
    NO_NETWORK: (("mnist", "--idle", "2"), "storage.googleapis.com can't be reached (connection refused), tried for 2"),
}


@pytest.fixture(scope="module")
def failures(
    zoo: Zoo, from_path: FromPath, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[subprocess.CompletedProcess[str], float, Path]]:
    """What each of them printed, after how long, and the folder it was to make a data directory in."""

    def fetch(path: str) -> tuple[subprocess.CompletedProcess[str], float, Path]:
        folder, start = tmp_path_factory.mktemp("failure"), time.monotonic()
        variables = {"https_proxy": NO_NETWORK} if path == NO_NETWORK else from_path(path)
        done = zoo("data", "fetch", *FAILURES[path][0], "--data-dir", str(folder / "data"), **variables)
        return done, time.monotonic() - start, folder

    with ThreadPoolExecutor() as pool:
        return dict(zip(FAILURES, pool.map(fetch, FAILURES), strict=True))


@pytest.mark.parametrize("path", FAILURES)
def test_a_server_that_fails_is_one_line_in_time_and_leaves_nothing(failures: dict[str, Any], path: str) -> None:
    done, seconds, folder = failures[path]
    (name, *_), reason = FAILURES[path]
    assert done.returncode == 3
    assert done.stderr.startswith(f"zoo: can't fetch {name}: ")
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1
    assert seconds < 30  # what --idle is by default
    assert os.listdir(folder) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_fetch_that_is_interrupted_or_killed(
    zoo: Zoo, home: Path, from_path: FromPath, tmp_path: Path, number: signal.Signals
) -> None:
    data = tmp_path / "data"
    command = [Path(sys.executable).parent / "zoo", "data", "fetch", "local_images", "--data-dir", str(data)]
    fetching = subprocess.Popen(
        command, env={**os.environ, **from_path("/slow"), "ZOO_HOME": str(home)}, stderr=subprocess.PIPE, text=True
    )
    wait_until(lambda: any(data.rglob("slow")))  # the half-downloaded file
    workers = psutil.Process(fetching.pid).children(recursive=True)
    assert workers
    fetching.send_signal(number)
    _, printed = fetching.communicate(timeout=10)
    assert not psutil.wait_procs(workers, timeout=10)[1]
    if number == signal.SIGINT:
        assert (fetching.returncode, printed.strip()) == (130, "zoo: interrupted")
        assert os.listdir(tmp_path) == []
    else:
        done = zoo("data", "fetch", "local_images", "--data-dir", str(data), **from_path("/breaks"))
        assert done.returncode == 3
        assert [*tmp_path.rglob("*")] == [data]  # what the killed one has left was swept


def test_a_file_put_there_by_hand_is_checked_and_not_downloaded(zoo: Zoo, plugin: Path, tmp_path: Path) -> None:
    shutil.copytree(plugin, tmp_path / "plugin")
    url = f"{NO_NETWORK}/images.npz"
    (tmp_path / "plugin" / "checksums.tsv").write_text(f"{url}\t3\t{'0' * 64}\timages.npz\n")
    by_hand = tmp_path / "data" / "downloads" / "manual"
    by_hand.mkdir(parents=True)
    (by_hand / "images.npz").write_text("and")
    variables = {"PYTHONPATH": str(tmp_path / "plugin"), "LOCAL_IMAGES_URL": url}
    done = zoo("data", "fetch", "local_images", "--data-dir", str(tmp_path / "data"), **variables)
    assert done.returncode == 3
    reason = f"the file in {by_hand} is not what TFDS expects (size or sha256 differ)"
    assert done.stderr == f"zoo: can't fetch local_images: {reason}\n"
    assert [*by_hand.iterdir()] == [by_hand / "images.npz"]
    assert os.listdir(tmp_path / "data") == ["downloads"]


def wait_until(reached: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (("fetch", "cifr10"), 2, "unknown dataset 'cifr10'; did you mean 'cifar10'?"),
        (("fetch", "quite-another"), 2, "neither TFDS nor a plugin has a dataset 'quite-another'"),
        (("fetch", "emnist/nothing"), 2, "emnist has no configuration 'nothing'; it has byclass, bymerge, balanced, "),
        (("fetch", "imagenet2012"), 2, "imagenet2012 has to be downloaded by hand, into "),
        (("fetch", "a/b/c"), 2, "unknown dataset 'a/b/c'"),
        (("fetch", "folder:/"), 2, "an image folder is used as it is"),
        (("fetch", "mnist", "--data-dir", "/dev/null"), 2, "can't write to /dev/null: file exists"),
        (("fetch", "digits", "--idle", "0"), 2, "Invalid value for '--idle'"),
        (("verify", "digts"), 2, "unknown dataset 'digts'; did you mean 'digits'?"),
        (("show", "folder:/nowhere"), 2, "the image folder '/nowhere' is not there"),
        (("show", "digits", "--images", "grid.jpg"), 2, "grid.jpg must be the name of a PNG file"),
        (("show", "digits", "--images", "g.png", "--split", "val"), 2, "digits has no split 'val'; it has train, test"),
        (("list", "--data-dir", "/nowhere"), 2, "the data directory /nowhere is not there"),
    ],
)
def test_a_mistake_is_one_line(
    in_process: Zoo, tmp_path: Path, arguments: tuple[str, ...], code: int, line: str
) -> None:
    done = in_process("data", *arguments, ZOO_DATA_DIR=str(tmp_path / "data"))
    assert done.returncode == code
    assert done.stderr.startswith(f"zoo: {line}")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert os.listdir(tmp_path) == []


def test_what_is_prepared_is_listed_and_what_is_damaged_is_mentioned(in_process: Zoo, tmp_path: Path) -> None:
    for name in ("sound", "broken"):
        (tmp_path / name / "1.0.0").mkdir(parents=True)
        (tmp_path / name / "1.0.0" / "dataset_info.json").write_text("{}")
    (tmp_path / "sound" / "1.0.0" / "features.json").write_text("{}")
    done = in_process("data", "--data-dir", str(tmp_path), "--json")
    assert done.returncode == 0
    assert {one["name"] for one in json.loads(done.stdout)} - {"shapes"} == {"digits"}  # shapes is of a plugin
    damaged, others = done.stderr.splitlines()
    assert damaged.startswith(f"zoo: can't read {tmp_path}/broken/1.0.0/features.json: no such file")
    assert others == "zoo: prepared too, and not of images with labels: sound"


def test_cifar10_is_what_the_literature_says(zoo: Zoo, cifar10_folder: Path) -> None:
    done = zoo("data", "verify", "cifar10", "--data-dir", str(cifar10_folder))
    assert done.returncode == 0, done.stderr
    (train,) = (line for line in done.stdout.splitlines() if line.startswith("train "))
    assert "50,000         5,000" in train
    assert "0.49139968, 0.48215841, 0.44653091" in train
    assert "0.24703223, 0.24348513, 0.26158784" in train


def test_a_folder_of_images_is_verified_and_drawn_by_its_path(zoo: Zoo, tmp_path: Path) -> None:
    for split, count in (("train", 8), ("val", 4)):
        for name, colour in (("ant", (200, 30, 40)), ("bee", (20, 180, 60))):
            (tmp_path / "pets" / split / name).mkdir(parents=True)
            for i in range(count):
                Image.new("RGB", (16, 16), colour).save(tmp_path / "pets" / split / name / f"{i}.png")
    dataset = f"folder:{tmp_path / 'pets'}"
    done = zoo("data", "verify", dataset, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["name"].startswith("folder:pets-")  # a record names no path
    assert str(tmp_path) not in found["name"]
    assert found["image_shape"] == [16, 16, 3]
    assert found["splits"]["test"]["images_by_class"] == [4, 4]
    assert found["splits"]["train"]["mean"] == [220 / 510, 210 / 510, 100 / 510]

    done = zoo("data", "show", dataset, "--split", "test", "--images", str(tmp_path / "grid.png"))
    assert done.returncode == 0, done.stderr
    assert "classes  2: ant, bee" in done.stdout
    with Image.open(tmp_path / "grid.png") as sheet:
        colours = {colour: n for n, colour in sheet.getcolors(2**24)}
    assert colours[200, 30, 40] == colours[20, 180, 60] == 4 * 64 * 64
