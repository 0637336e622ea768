"""A gallery of bad plugins: what each does, and the code of the finding that tells its author.

Those of `GALLERY` show when they are read; those of `BUILT` only when their model is built, by `zoo plugin check`.
"""

from __future__ import annotations

from pathlib import Path

HOOK = "import zoo\n@zoo.hookimpl\ndef zoo_models():\n    "
SPEC = "zoo.ModelSpec(name={!r}, summary='x', build='a.b:c', input_shape=(8, 8, 1), classes=2, parameters=1)"
DATASET = (
    "zoo.DatasetSpec(name={!r}, summary='x', builder='a.b:C', version='1.0.0', classes=2, image_shape=(8, 8, 1), "
    "splits={{'train': 1, 'test': 1}})"
)
RUNTIME = "zoo.RuntimeSpec(name={!r}, summary='x', runtime='a.b:C', keras_backend='jax')"


def declaring(name: str, before: str = "") -> str:
    """The source of a plugin that does something, then declares a model of that name."""
    return f"{before}\n{HOOK}return [{SPEC.format(name)}]\n"


def model(changes: str) -> str:
    """The source of a plugin whose spec has other fields."""
    fields = "name='fine', summary='x', build='a.b:c', input_shape=(8, 8, 1), classes=2, parameters=1"
    return f"{HOOK}return [zoo.ModelSpec(**(dict({fields}) | dict({changes})))]\n"


NOISE = """
import ctypes, os, subprocess, sys
def make_noise(where):
    print(f"\\x1b[31mnoise of print {where}")
    sys.__stdout__.write(f"noise of Python {where}\\n")
    sys.stdout.flush()
    os.write(1, f"noise of the system {where}\\n".encode())
    ctypes.CDLL(None).printf(f"noise of C {where}\\n".encode())
    subprocess.run(["echo", "noise of a child", where])
make_noise("on import")
"""

# name of the entry point: (code of the finding, source of the module)
GALLERY = {
    "lacks-a-module": ("import-error", "import no_such_module"),
    "raises-on-import": ("import-error", "raise RuntimeError('\\x1b[31mnot today\\x1b]0;title\\x07')"),
    "not-python": ("syntax-error", "def zoo_models(:"),
    "exits": ("exits", "raise SystemExit(0)"),
    "exits-in-a-hook": ("exits", HOOK + "raise SystemExit('bye')"),
    "exits-at-once": ("dies", "import os; os._exit(0)"),
    "crashes": ("dies", "import ctypes; ctypes.string_at(0)"),
    "kills-the-reader": ("dies", "import os, signal, time; os.kill(os.getppid(), signal.SIGKILL); time.sleep(1000)"),
    "loops": ("too-slow", "while True: pass"),
    "prints-forever": ("too-slow", "while True: print('x' * 10_000)"),
    "sleeps-in-a-hook": ("too-slow", HOOK + "__import__('time').sleep(1000)"),
    "leads-nowhere": ("bad-entry-point", "x = 1"),
    "imports-a-framework": ("heavy-import", declaring("heavy", "import keras")),
    "no-hook": ("no-hook", "def zoo_models(): return []"),
    "misspelt-hook": ("unknown-hook", "import zoo\n@zoo.hookimpl\ndef zoo_model(): return []"),
    "wants-an-argument": ("hook-arguments", "import zoo\n@zoo.hookimpl\ndef zoo_models(colour): return []"),
    "raises-in-a-hook": ("hook-raises", HOOK + "1 / 0"),
    "returns-none": ("wrong-type", HOOK + "return None"),
    "returns-names": ("wrong-type", HOOK + "return ['x']"),
    "negative-size": ("invalid-spec", model("input_shape=(8, -8, 1)")),
    "arguments-that-are-code": ("invalid-spec", model("arguments={'f': print}")),
    "climbs": ("invalid-name", HOOK + f"return [{SPEC.format('../../x')}]"),
    "is-a-script": ("invalid-name", HOOK + f"return [{SPEC.format('<script>')}]"),
    "escape-codes-in-its-name": ("invalid-name", HOOK + f"return [{SPEC.format(chr(27) + '[31mred')}]"),
    "escape-codes": ("unprintable-text", model("summary='\\x1b]0;title\\x07'")),
    "ten-megabytes": ("too-large", model("summary='x' * 10_000_000")),
    "a-million-arguments": ("too-large", model("arguments={'x': 'y' * 11_000_000}")),
    "claims-a-models-name": ("duplicate-name", declaring("plain_cnn")),
    "claims-digits": ("reserved-name", HOOK.replace("models", "datasets") + f"return [{DATASET.format('digits')}]"),
    "claims-tensorflow": (
        "reserved-name",
        HOOK.replace("models", "runtimes") + f"return [{RUNTIME.format('tensorflow')}]",
    ),
    "wraps-a-hook": (
        "hook-wrapper",
        "import zoo\n@zoo.hookimpl(wrapper=True)\ndef zoo_models():\n    return (yield)",
    ),
    "brings-weights-for-nobody": (
        "unknown-model",
        declaring("weighty")
        + "@zoo.hookimpl\ndef zoo_weights():\n"
        + "    return [zoo.WeightsSpec(model='nobody', dataset='digits', file='a:b.safetensors', sha256='0' * 64)]\n",
    ),
    "from-the-future": ("needs-another-zoo", "from zoo import what_is_to_come"),
    "from-the-past": ("needs-another-zoo", "import zoo\n@zoo.hookimpl\ndef zoo_nets(): return []"),
    "prints": ("prints", NOISE + HOOK + "make_noise('in a hook')\n    return [" + SPEC.format("printer") + "]"),
    "leaves-a-thread": (
        "leaves-threads",
        declaring("threaded", "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()"),
    ),
    "leaves-a-process": (
        "leaves-processes",
        declaring("processed", "import subprocess\nsubprocess.Popen(['sleep', '1000'], start_new_session=True)"),
    ),
    "sets-the-backend": (
        "changes-environment",
        declaring("environmental", "import os\nos.environ['KERAS_BACKEND'] = 'torch'"),
    ),
    "moves-away": ("changes-directory", declaring("mover", "import os\nos.chdir('/')")),
    "adds-to-the-path": ("changes-path", declaring("pathfinder", "import sys\nsys.path.insert(0, '/nowhere')")),
    "replaces-print": ("patches", declaring("printless", "import builtins\nbuiltins.print = lambda *_, **__: None")),
    "patches-keras": (
        "patches",
        declaring("patcher", "import keras\nkeras.Model.fit = lambda self, *_, **__: 'fitted'"),
    ),
    "patches-the-zoo": (
        "patches",
        declaring("rewriter", "import zoo.specs\nzoo.specs.check_name = lambda name: name"),
    ),
}
SLOW = ("loops", "prints-forever", "sleeps-in-a-hook")
REQUIRES = {"from-the-future": "zoobench>=2", "from-the-past": "Zoobench ~= 0.0.9"}
HEAVY = ("imports-a-framework", "patches-keras")


def install(folder: Path, name: str, source: str, reference: str | None = None) -> None:
    """Lay out a distribution `bad-NAME` with one module and one entry point."""
    module = f"bad_{name.replace('-', '_')}"
    (folder / f"{module}.py").write_text(source)
    info = folder / f"{module}-0.3.dist-info"
    info.mkdir()
    required = f"Requires-Dist: {REQUIRES[name]}\n" if name in REQUIRES else ""
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: bad-{name}\nVersion: 0.3\n{required}")
    (info / "entry_points.txt").write_text(f"[zoo]\n{name} = {reference or module}\n")


def install_all(folder: Path) -> None:
    """Lay out all of them, in a folder for PYTHONPATH."""
    for name, (_, source) in GALLERY.items():
        install(folder, name, source, "bad_leads_nowhere:missing" if name == "leads-nowhere" else None)
