"""Download a file from a server. Runs in a worker: looking up a host's name can hang, and no time limit reaches it."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from zoo.errors import UsageError, WeightsError
from zoo.paths import reason
from zoo.specs import RemoteFile
from zoo.text import describe, printable

Report = Callable[..., None]

TELL_S = 0.5
PART_BYTES = 2**16


def download(job: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Write a remote file to `job["output"]` and check its digest.

    Twice a second it reports `progress`, as `zoo.data.patience` wants it.

    :param job: `file`, a `RemoteFile`; `output`; and `most_bytes`, the size at which it is given up.
    :return: `sha256` and `bytes` of the file.
    :raises WeightsError: if the server can't be reached or sends something else, to stand after the file's name.
    :raises UsageError: if it can't be written.
    """
    file = RemoteFile.from_json(job["file"])
    progress = _Progress(file.url)
    with progress.told_to(report), _opened(file.url) as answer:
        declared = answer.headers.get("Content-Length")
        progress.total = int(declared) if declared and declared.isdecimal() else None
        digests = [hashlib.sha256(), hashlib.md5(usedforsecurity=False)]
        with _writing(Path(job["output"])) as output:
            for part in _parts(answer, progress.host):
                progress.bytes += len(part)
                if max(progress.bytes, progress.total or 0) > job["most_bytes"]:
                    raise WeightsError(f"is larger than {job['most_bytes']:,} bytes, the most it could take")
                output.write(part)
                for digest in digests:
                    digest.update(part)
    if progress.total is not None and progress.bytes != progress.total:
        raise WeightsError(f"broke off after {progress.bytes:,} of {progress.total:,} bytes; fetch it again")
    sha256, md5 = (digest.hexdigest() for digest in digests)
    for name, found, wanted in (("sha256", sha256, file.sha256), ("md5", md5, file.md5)):
        if wanted not in (None, found):
            raise WeightsError(
                f"is not the file that the plugin declares: its {name} is {found[:12]}…, and should be {wanted[:12]}…"
            )
    return {"sha256": sha256, "bytes": progress.bytes}


class _Progress:
    """How far it is, told from a thread."""

    def __init__(self, url: str) -> None:
        self.host = urllib.parse.urlsplit(url).hostname or ""
        self.bytes = 0
        self.total: int | None = None

    @contextlib.contextmanager
    def told_to(self, report: Report) -> Iterator[None]:
        ended = threading.Event()

        def tell() -> None:
            while not ended.wait(TELL_S):
                report(
                    "progress",
                    doing="downloading",
                    done=None,
                    total=None,
                    bytes=self.bytes,
                    bytes_total=self.total,
                    cpu_s=0.0,  # bytes are its only sign of life
                    host=self.host,
                    trouble=None,
                )

        thread = threading.Thread(target=tell, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a server to others, but never from TLS to a connection without."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if urllib.parse.urlsplit(newurl).scheme != "https":
            fp.close()
            raise WeightsError(f"is said to be at {printable(newurl[:80])}, and only https is followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opened(url: str) -> contextlib.AbstractContextManager[http.client.HTTPResponse]:
    opener = urllib.request.build_opener(_Redirects)
    host = urllib.parse.urlsplit(url).hostname
    try:
        answer: http.client.HTTPResponse = opener.open(url)  # the caller ends it when nothing arrives
    except urllib.error.HTTPError as error:
        error.close()
        raise WeightsError(f"is not there: {host} answers {error.code} {printable(str(error.reason)[:80])}") from None
    except urllib.error.URLError as error:
        cause = reason(error.reason) if isinstance(error.reason, OSError) else str(error.reason)
        raise WeightsError(f"can't be reached: {host}: {printable(cause)}; is there a network?") from None
    except (OSError, http.client.HTTPException) as error:
        raise WeightsError(f"can't be reached: {host}: {describe(error)}") from None
    return answer


def _parts(answer: http.client.HTTPResponse, host: str) -> Iterator[bytes]:
    while True:
        try:
            part = answer.read(PART_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise WeightsError(f"broke off: {host}: {describe(error)}; fetch it again") from None
        if not part:
            return
        yield part


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[IO[bytes]]:
    try:
        with path.open("wb") as file:
            yield file
    except OSError as error:
        raise UsageError(f"can't write to {path.parent}: {reason(error)}") from None
