"""References of earlier runs: what a runtime is held to needs no framework the second time.

Each is one file: a digest of the rest, then an archive of the arrays, the weights and the states of all files that they
depend on. One that is damaged, or of which any such file has changed since, is as good as none.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import zipfile
from pathlib import Path

from zoo import index
from zoo.benchmarking.files_read import hold
from zoo.errors import UsageError
from zoo.files import write_atomic

FILES = ("images.npy", "logits.npy", "source.json", "weights.safetensors", "calibration.npy")
STATES = "states.json"  # of the files on which the others depend; where that isn't certain, it isn't there
LIMIT_BYTES = 2**30  # of all together
DIGEST_BYTES = hashlib.sha256().digest_size


class KeptReferences:
    """A folder of references by their keys.

    :param folder: by default in the zoo's cache; it can be deleted at any time.
    :param limit_bytes: of all files; those that were not used for the longest time are removed.
    """

    def __init__(self, folder: Path | None = None, limit_bytes: int = LIMIT_BYTES) -> None:
        self.folder = folder or Path(index.cache_folder()) / "references"
        self.limit_bytes = limit_bytes

    def restore(self, key: str, folder: Path) -> bool:
        """Write a reference's files to a folder.

        :param key: of what it depends on besides files.
        :return: whether there is one that still holds; else nothing was written.
        """
        file = self.folder / key
        try:
            sealed = file.read_bytes()
            content = sealed[DIGEST_BYTES:]
            if hashlib.sha256(content).digest() != sealed[:DIGEST_BYTES]:
                return False
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                if not hold(json.loads(archive.read(STATES))):
                    return False
                for name in set(FILES) & set(archive.namelist()):
                    (folder / name).write_bytes(archive.read(name))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return False
        with contextlib.suppress(OSError):
            os.utime(file)  # it was used now
        return True

    def keep(self, key: str, folder: Path) -> None:
        """Keep the files of a reference that was just made, unless it isn't certain what they depend on.

        A reference that takes more than a quarter of the room isn't kept: it would drive out all others.
        """
        with contextlib.suppress(OSError, UsageError):
            names = [name for name in (*FILES, STATES) if (folder / name).is_file()]
            size = sum((folder / name).stat().st_size for name in names)
            if STATES not in names or size > self.limit_bytes // 4:
                return
            content = io.BytesIO()
            with zipfile.ZipFile(content, "w") as archive:
                for name in names:
                    archive.write(folder / name, name)
            write_atomic(self.folder / key, hashlib.sha256(content.getvalue()).digest() + content.getvalue())
            self._make_room()

    def _make_room(self) -> None:
        files = sorted(self.folder.iterdir(), key=lambda file: file.stat().st_mtime, reverse=True)
        total = 0
        for file in files:
            total += file.stat().st_size
            if total > self.limit_bytes:
                file.unlink(missing_ok=True)
