"""Q30: the loss that teaches a small network what a large one has learned, and what its soft targets are worth."""

import numpy as np
from numpy.typing import NDArray

from answers.activations import softmax


def _log_softmax(logits: NDArray) -> NDArray:
    shifted = logits - logits.max(axis=1, keepdims=True)  # the largest is 0: exp cannot overflow, nor its sum be 0
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def distillation_loss(
    student_logits: NDArray, teacher_logits: NDArray, *, temperature: float = 1.0
) -> tuple[float, NDArray]:
    """Return T² · mean over the batch of KL(teacher ‖ student), both at temperature T, and its gradient.

    The gradient is with respect to the student's logits.  Raises ValueError unless T > 0, and for an empty batch.

    Shapes: student_logits (N, C), teacher_logits (N, C) -> float, (N, C)

    Source: Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network, 2015, arXiv 1503.02531.
    """
    N, T = len(student_logits), temperature
    if T <= 0 or N == 0:
        raise ValueError(f"no loss at temperature {T} over {N} examples")
    log_p, log_q = _log_softmax(teacher_logits / T), _log_softmax(student_logits / T)
    p, q = np.exp(log_p), np.exp(log_q)
    return float(T**2 * (p * (log_p - log_q)).sum() / N), T * (q - p) / N


def logit_matching_loss(student_logits: NDArray, teacher_logits: NDArray) -> tuple[float, NDArray]:
    """Return what the distillation loss becomes at T → ∞, and its gradient in the student's logits.

    It is half the squared difference of the logits, each row centred, averaged over classes and batch.

    Shapes: student_logits (N, C), teacher_logits (N, C) -> float, (N, C)
    """
    d = student_logits - teacher_logits
    d = d - d.mean(axis=1, keepdims=True)
    return float((d**2).mean() / 2), d / d.size


def entropy_slope(logits: NDArray, *, temperature: float) -> float:
    """Return how fast the entropy of softmax(logits/T) rises with T > 0: the variance of the logits under it, by T³.

    Shapes: logits (C,) -> float
    """
    p = softmax(logits, temperature=temperature)
    return float(p @ (logits - p @ logits) ** 2 / temperature**3)


def sampled_label_variance(probabilities: NDArray) -> float:
    """Return the variance that drawing the label adds to the gradient of cross-entropy in the logits.

    Summed over the classes, for one example.

    Shapes: probabilities (C,) -> float
    """
    return float(1 - probabilities @ probabilities)


def split_divergence(teacher: NDArray, student: NDArray, target: int) -> tuple[float, float, float]:
    """Return a, b, weight with KL(teacher ‖ student) = a + weight · b, for probabilities above 0 of C ≥ 3 classes.

    a is the divergence of "target or not", b that among the other classes, and weight the teacher's share of these.

    Shapes: teacher (C,), student (C,), target int -> float, float, float

    Source: Zhao, Cui, Song, Qiu and Liang, Decoupled Knowledge Distillation, CVPR 2022, arXiv 2203.08679.
    """
    others = np.arange(len(teacher)) != target
    p, q = teacher[others], student[others]
    weight, student_weight = p.sum(), q.sum()
    binary_p, binary_q = np.array([teacher[target], weight]), np.array([student[target], student_weight])
    a = binary_p @ np.log(binary_p / binary_q)
    b = p / weight @ np.log(p / weight / (q / student_weight))
    return float(a), float(b), float(weight)
