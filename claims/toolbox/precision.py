"""The precision of a run: float64, or what was chosen before any page was read.

Bounds are stated in multiples of `eps`, and what is drawn is rounded to what the precision holds:
so the claims of a whole book can be tried in float32 without a line of them being written again.
"""

import sys
from typing import Any

import numpy as np

DOUBLE = np.dtype(np.float64)
dtype: np.dtype[Any] = DOUBLE


def choose(name: str) -> None:
    """Choose the precision of this process; raise RuntimeError if bounds have been stated in another one."""
    global dtype  # noqa: PLW0603 - one run, one precision
    if np.dtype(name) != dtype and "claims.toolbox.comparison" in sys.modules:
        raise RuntimeError(f"the claims were read in {dtype} and cannot be tried in {name} by the same process")
    dtype = np.dtype(name)
