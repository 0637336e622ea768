"""Variables of the environment by which a user changes what computes, and how fast.

A worker inherits them, so they belong to the environment of a Result. Only `--threads` sets some of them aside.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping

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


def found(variables: Mapping[str, str] | None = None) -> dict[str, str]:
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
