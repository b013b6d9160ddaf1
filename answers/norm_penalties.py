"""Q15: the squared and the unsquared Euclidean norm as penalties, and what each makes of the weights."""

import numpy as np
from numpy.typing import NDArray


def squared_l2_penalty(w: NDArray, *, strength: float) -> tuple[float, NDArray]:
    """Return (λ/2)‖w‖² and its gradient λw; an array of any shape counts as one vector.

    Shapes: w (*S) -> float, (*S)
    """
    return float(strength / 2 * np.sum(w * w)), strength * w


def l2_norm_penalty(w: NDArray, *, strength: float) -> tuple[float, NDArray]:
    """Return λ‖w‖ and its gradient λw/‖w‖, or 0 for w = 0, where every vector of length ≤ λ is a subgradient.

    An array of any shape counts as one vector.  Weights must be 0 or of a size between 1e-150 and 1e150, so that
    their squares neither overflow nor vanish.

    Shapes: w (*S) -> float, (*S)
    """
    norm = np.linalg.norm(w)
    return float(strength * norm), strength * w / (norm if norm > 0 else 1.0)


def squared_l2_prox(w: NDArray, *, strength: float) -> NDArray:
    """Return w/(1 + λ), which minimises ½‖u − w‖² + (λ/2)‖u‖² over u, for λ ≥ 0.

    Shapes: w (*S) -> (*S)

    Source: Parikh and Boyd, Proximal Algorithms, Foundations and Trends in Optimization 1(3), 2014.
    """
    return w / (1 + strength)


def l2_norm_prox(w: NDArray, *, strength: float) -> NDArray:
    """Return w shortened by λ, or 0 if ‖w‖ ≤ λ, which minimises ½‖u − w‖² + λ‖u‖ over u, for λ ≥ 0.

    Shapes: w (*S) -> (*S)

    Source: Parikh and Boyd, Proximal Algorithms, Foundations and Trends in Optimization 1(3), 2014.
    """
    norm = np.linalg.norm(w)
    return w * (1 - strength / norm if norm > strength else 0.0)


def equivalent_norm_strength(w: NDArray, *, strength: float) -> float:
    """Return λ′ = λ‖w‖, with which λ′‖·‖ pulls at w ≠ 0 as (λ/2)‖·‖² does.

    Shapes: w (*S) -> float
    """
    return float(strength * np.linalg.norm(w))
