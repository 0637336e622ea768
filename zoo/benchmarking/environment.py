"""The machine and the software that a Result was measured on, without anything that names its owner."""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from zoo import installed
from zoo.benchmarking import nvidia
from zoo.cgroups import Groups
from zoo.cores import usable_cores
from zoo.files import first_line, lines
from zoo.record.environment import Accelerator, Environment, OperatingSystem, Processor

# What decides whether two Results are comparable: hardware and versions that matter, nothing that jitters.
FINGERPRINTED = ("processor", "accelerators", "os", "python", "packages", "container")
WITH_ACCELERATORS = "cuda_packages"  # matters only where there is one
MEMORY_S = 60.0  # over which the system's first average fades (exponentially; kernel/sched/loadavg.c)
IF_ANY = "variables"  # so that the fingerprint is the same as before where none is set

# Variables of the environment by which a user changes what computes, and how fast. A worker inherits them, so they
# belong to the environment of a Result. Only `--threads` sets some of them aside.
# How many threads a library starts: without --threads these are honoured, and the runtime reports the number.
THREADS = (
    "OMP_NUM_THREADS",
    "OMP_THREAD_LIMIT",
    "OMP_DYNAMIC",
    "MKL_NUM_THREADS",
    "MKL_DOMAIN_NUM_THREADS",
    "MKL_DYNAMIC",
    "OPENBLAS_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "NPROC",  # XLA's pool
)
# Where threads run, which instructions and types libraries choose, which compiler passes run, what allocates memory.
OTHERS = re.compile(
    r"(OMP|KMP|GOMP|MKL|OPENBLAS|BLIS|ONEDNN|DNNL|XNNPACK|TORCHINDUCTOR|PYTORCH|CUBLAS|CUDNN|MALLOC)_.+"
    r"|XLA_.+|TF_XLA_FLAGS|TF_ENABLE_.+|TF_DISABLE_.+|TF_CUDNN_.+|TF_FORCE_.+|TF_GPU_.+"
    r"|JAX_(ENABLE_X64|DEFAULT_MATMUL_PRECISION|DISABLE_JIT|CPU_.+|NUM_.+)"
    r"|TORCH_(ALLOW_TF32_CUBLAS_OVERRIDE|BLAS_.+|CUDNN_.+|COMPILE_DISABLE)|TORCHDYNAMO_DISABLE"
    r"|NVIDIA_TF32_OVERRIDE|CUDA_(LAUNCH_BLOCKING|VISIBLE_DEVICES|DEVICE_MAX_CONNECTIONS|MODULE_LOADING)"
    r"|LD_PRELOAD|DYLD_INSERT_LIBRARIES|GLIBC_TUNABLES"
)
PLAIN = re.compile(r"[\w.,:;=+%(){}\[\] -]{0,200}")  # holds no path, and so names nobody


def collect() -> Environment:
    """The environment of this process, with the versions of everything that is installed and without a fingerprint.

    `zoo.benchmarking.computing` makes of it what a scenario depends on, and the fingerprint of that.
    """
    return Environment(
        fingerprint="",
        processor=Processor(
            model=processor_model(),
            architecture=platform.machine(),
            physical_cores=psutil.cpu_count(logical=False),
            logical_cores=psutil.cpu_count(),
            usable_cores=usable_cores(),
            memory_bytes=psutil.virtual_memory().total,
            caches=caches(),
            # of the first core, where the system shows one
            governor=first_line(Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")) or None,
        ),
        accelerators=accelerators(),
        cuda_packages=cuda_packages(),
        os=OperatingSystem(system=platform.system(), release=platform.release()),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        packages=installed.versions(),
        container=container_limits(),
        variables=variables_set(),
    )


def fingerprint(environment: Environment) -> str:
    """A short digest that is equal where Results are comparable."""
    return hashlib.sha256(json.dumps(fingerprinted(environment), sort_keys=True).encode()).hexdigest()[:16]


def fingerprinted(environment: Environment) -> dict[str, Any]:
    """The part of an environment that decides whether Results are comparable, as JSON values."""
    names = (*FINGERPRINTED, WITH_ACCELERATORS) if environment.accelerators else FINGERPRINTED
    if environment.variables:
        names = (*names, IF_ANY)
    values = environment.to_json()
    return {name: values[name] for name in names}


def processor_model() -> str:
    """What the processor calls itself."""
    for line in lines(Path("/proc/cpuinfo")):
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Model", "cpu model"):
            return " ".join(value.split())
    if sys.platform == "darwin":
        return _output("sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()
    return platform.processor() or platform.machine()


def caches() -> dict[str, str]:
    """Sizes of the first core's caches, by level and type, as Linux gives them."""
    found = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = (first_line(index / name) for name in ("level", "type", "size"))
        if level and kind and size:
            found[f"L{level} {kind.lower()}"] = size
    return found


def accelerators(library: Any | None = None) -> tuple[Accelerator, ...]:
    """NVIDIA's boards, as their driver lists them.

    :param library: in place of `pynvml`.
    """
    with nvidia.session(library) as nvml:
        if nvml.value is None:
            return ()
        return tuple(nvml.value.accelerator(handle) for handle in nvml.value.boards())


def cuda_packages() -> dict[str, str]:
    """Versions of the installed packages that bring CUDA's runtime and cuDNN, whichever framework finds them there."""
    from zoo.runtimes.cuda import distributions

    return distributions()


def container_limits() -> dict[str, str]:
    """The tightest limits of the control groups that this process is in, named and written as in version 2."""
    groups, limits = Groups.of_this_process(), {}
    if (quota := groups.quota()) is not None:
        limits["cpu.max"] = f"{quota.quota_us} {quota.period_us}"
    if (most := groups.memory_limit_bytes()) is not None:
        limits["memory.max"] = str(most)
    return limits


def variables_set(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Those that are set, by name. A value that could hold a path is told by its digest.

    :param variables: by default this process's.
    """
    chosen = {
        name: value
        for name, value in (os.environ if variables is None else variables).items()
        if value and (name in THREADS or OTHERS.fullmatch(name))
    }
    return {name: _safe(chosen[name]) for name in sorted(chosen)}


def _safe(value: str) -> str:
    if PLAIN.fullmatch(value):
        return value
    return f"sha256:{hashlib.sha256(value.encode(errors='surrogateescape')).hexdigest()[:16]}"


def load_average() -> float | None:
    """Runnable processes over the last minute, where the system counts them."""
    try:
        return round(os.getloadavg()[0], 2)
    except OSError:
        return None


def load_of_others() -> float | None:
    """Runnable processes over the last minute, without this one and those that it has started and that have ended."""
    load = load_average()
    if load is None:
        return None
    spent = os.times()
    own_s = spent.user + spent.system + spent.children_user + spent.children_system
    return without_own(load, own_s, time.time() - psutil.Process().create_time())


def without_own(load: float, own_s: float, age_s: float) -> float:
    """The load less this process's share, as if it had spent its processor time evenly.

    :param load: the average now.
    :param own_s: processor time of this process and of its children that have ended.
    :param age_s: since this process began.
    """
    age_s = max(age_s, 1e-3)
    share = own_s / age_s * -math.expm1(-age_s / MEMORY_S)
    return round(max(0.0, load - share), 2)


def _output(*command: str) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
