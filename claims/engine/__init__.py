"""What runs claims: declaring, filling slots, the contract, judging, evidence.

The engine knows no topic.  Declaring and judging need no pytest, so a claim can be tried in a
notebook; `claims.engine.plugin` is the only module that pytest loads.
"""

import os

# Every matrix here is small: a second BLAS thread costs more than it brings, and the order of
# its sums would differ from one machine to the next.  It has to be said before NumPy is imported.
for _library in ("OMP", "OPENBLAS", "MKL", "VECLIB", "NUMEXPR"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")
