"""Q20: where Adam converges and where it does not, what it prefers, how far it steps, and what SGD does instead."""

from fractions import Fraction
from itertools import product
from math import inf

import numpy as np

from claims import claim, convention, legal, measured, myth, proved
from claims.toolbox import laboratory as lab
from claims.toolbox.comparison import at_most, eps, equal, raises, within
from claims.toolbox.data import digits
from claims.toolbox.exact import rank
from claims.toolbox.statistics import at_least, false_alarm, false_hold
from claims.toolbox.strategies import (
    case,
    choices,
    dyadic_arrays,
    integer_arrays,
    real_arrays,
    small_integer_arrays,
)

any_betas = choices((0.9, 0.999), (0.5, 0.75), (0.9, 0.9), (0.0, 0.5), (0.75, 0.5), (0.5, 0.25))


def zeros(like, count):
    return [np.zeros(np.shape(like)) for _ in range(count)]


# The parts of Adam, from which mistakes are made


def averaged(g, m, v, betas):
    return betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g * g


def corrected(m, v, t, betas):
    return m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)


def divided(m, root):
    return np.divide(m, root, out=np.zeros(np.shape(root)), where=np.asarray(root) != 0)


def adam(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    m, v = averaged(g + weight_decay * w, m, v, betas)
    m_hat, v_hat = corrected(m, v, t, betas)
    return w - lr * divided(m_hat, np.sqrt(v_hat) + eps), m, v


@legal("adam_step")
def folds_both_corrections_into_the_rate(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    if t < 1:
        raise ValueError("t < 1")
    g = g + weight_decay * w
    m = m + (1 - betas[0]) * (g - m)
    v = (1 - betas[1]) * np.square(g) + betas[1] * v
    root = np.sqrt(1 - betas[1] ** t)
    return w - lr * root / (1 - betas[0] ** t) * divided(m, np.sqrt(v) + root * eps), m, v


# Convergence: a convex problem on which Adam ends at the worst point


def settled(gradient, beta2):
    """Return the average of the squares that the gradients C, −1, −1, repeated for ever, leave after a period."""
    v = 0.0
    for g in (gradient, -1.0, -1.0):
        v = beta2 * v + (1 - beta2) * g * g
    return v / (1 - beta2**3)


@claim(gradient=choices(3.0, 2.5, 4.0, 10.0, 2.0, 100.0), beta2=choices(0.5, 0.25, 0.1, 0.9, 0.01, 0.75, 0.99, 0.999))
def reddi_drift_is_what_adam_moves_in_a_period(reddi_drift, adam_step, gradient, beta2):
    """Where the gradients C, −1, −1 repeat, Adam with β₁ = 0 moves by η times a drift that C and β₂ fix.

    The losses are linear, so the gradients do not depend on where Adam stands.  The averages of the
    squares settle to a cycle of three values, v₁ ∝ C² + β₂ + β₂², v₂ ∝ 1 + β₂C² + β₂² and
    v₃ ∝ 1 + β₂ + β₂²C², each times (1 − β₂)/(1 − β₂³), and the drift is C/√v₁ − 1/√v₂ − 1/√v₃.
    """
    w, v = np.array([0.0]), np.array([settled(gradient, beta2)])
    start, path = v, 0.0
    for t, g in enumerate((gradient, -1.0, -1.0)):
        moved, _, v = adam_step(w, np.array([g]), np.zeros(1), v, t=10**6 + t, lr=1.0, betas=(0.0, beta2), eps=0.0)
        w, path = moved, path + abs(moved - w)
    # v is known to a few roundings over 1 − β₂, and the root halves them; the three steps add theirs.
    slack = 8 * eps / (1 - beta2) * path
    assert within(v, start, 8 * eps / (1 - beta2) * start)
    assert within(-w, [reddi_drift(beta2, gradient=gradient)], slack)


@reddi_drift_is_what_adam_moves_in_a_period.refutes("reddi_drift")
def forgets_the_roots(beta2, *, gradient):
    scale = 1 + beta2 + beta2**2
    first, second = gradient**2 + beta2 + beta2**2, 1 + beta2 * gradient**2 + beta2**2
    return scale * (gradient / first - 1 / second - 1 / (1 + beta2 + beta2**2 * gradient**2))


@reddi_drift_is_what_adam_moves_in_a_period.refutes("reddi_drift")
def forgets_to_scale_the_averages(beta2, *, gradient):
    first, second = gradient**2 + beta2 + beta2**2, 1 + beta2 * gradient**2 + beta2**2
    return gradient / first**0.5 - second**-0.5 - (1 + beta2 + beta2**2 * gradient**2) ** -0.5


@reddi_drift_is_what_adam_moves_in_a_period.refutes("reddi_drift")
def divides_all_three_by_one_average(beta2, *, gradient):
    return (gradient - 2) / ((gradient**2 + 2) / 3) ** 0.5


@reddi_drift_is_what_adam_moves_in_a_period.refutes("reddi_drift")
def averages_the_sizes_and_not_the_squares(beta2, *, gradient):
    first, second = gradient + beta2 + beta2**2, 1 + beta2 * gradient + beta2**2
    return (1 + beta2 + beta2**2) ** 0.5 * (
        gradient / first**0.5 - second**-0.5 - (1 + beta2 + beta2**2 * gradient) ** -0.5
    )


@reddi_drift_is_what_adam_moves_in_a_period.refutes("adam_step")
def divides_by_the_last_average(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    m, new_v = averaged(g + weight_decay * w, m, v, betas)
    m_hat, v_hat = corrected(m, v, t, betas)
    return w - lr * divided(m_hat, np.sqrt(v_hat) + eps), m, new_v


@reddi_drift_is_what_adam_moves_in_a_period.refutes("adam_step")
def never_forgets_a_square(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    m, v = betas[0] * m + (1 - betas[0]) * g, v + g * g
    return w - lr * divided(m, np.sqrt(v) + eps), m, v


def drifts_up(beta2, gradient):
    """Return, in exact fractions, whether √(v₁/v₂) + √(v₁/v₃) > C, so that the drift is towards +1."""
    b, a = Fraction(beta2), Fraction(gradient) ** 2
    first, second, third = a + b + b**2, 1 + a * b + b**2, 1 + b + a * b**2
    x, y = first / (a * second), first / (a * third)
    return x + y >= 1 or 4 * x * y > (1 - x - y) ** 2  # √x + √y > 1, squared


@proved()
def reddi_threshold_is_exact(reddi_drift):
    """For C > 2 the drift is towards +1 below one β₂* in (0, 1), towards −1 above it; for 1 < C ≤ 2 always to +1.

    Proof.  With a = C², P = a + β + β², Q = 1 + aβ + β² and R = 1 + β + aβ² the drift is towards +1
    if and only if √(P/aQ) + √(P/aR) > 1.  Both quotients fall with β: P′Q − PQ′ =
    −(a − 1)(a + 1 + 2β − β²) < 0 and P′R − PR′ = −(a − 1)(1 + 2(1 + a)β + β²) < 0, checked by
    SymPy.  The sum falls from 2 at β = 0 to 2/C at β = 1, so it passes 1 once if C > 2, and else
    never before β = 1.

    The slot's signs are compared with an exact test on fractions, on a grid and 10⁻⁹ from β₂*.
    """
    import sympy  # noqa: PLC0415

    a, b = sympy.symbols("a b", positive=True)
    P, Q, R = a + b + b**2, 1 + a * b + b**2, 1 + b + a * b**2
    for other, factor in ((Q, a + 1 + 2 * b - b**2), (R, 1 + 2 * (1 + a) * b + b**2)):
        assert sympy.expand(sympy.diff(P, b) * other - P * sympy.diff(other, b) + (a - 1) * factor) == 0
    thresholds = {2.0: inf, 2.5: 0.6292, 3.0: 0.4723, 5.0: 0.2368, 10.0: 0.0983, 100.0: 0.0057}
    for gradient, printed in thresholds.items():
        for beta2 in np.arange(1, 64) / 64:
            assert (reddi_drift(float(beta2), gradient=gradient) < 0) == drifts_up(float(beta2), gradient)
        low, high = 2.0**-20, 1 - 2.0**-20
        assert drifts_up(low, gradient)
        if printed == inf:
            assert drifts_up(high, gradient)
            continue
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if drifts_up(middle, gradient) else (low, middle)
        assert round(low, 4) == printed
        assert reddi_drift(low - 1e-9, gradient=gradient) < 0 < reddi_drift(low + 1e-9, gradient=gradient)


@reddi_threshold_is_exact.refutes("reddi_drift")
def takes_the_authors_choice_for_the_threshold(beta2, *, gradient):
    return beta2 - 1 / (1 + gradient**2)


@reddi_threshold_is_exact.refutes("reddi_drift")
def takes_one_over_c_for_the_threshold(beta2, *, gradient):
    return beta2 - 1 / gradient


reddi_threshold_is_exact.refutes("reddi_drift")(divides_all_three_by_one_average)
reddi_threshold_is_exact.refutes("reddi_drift")(forgets_the_roots)


@proved()
def reddis_beta2_lies_below_the_threshold(reddi_drift):
    """Reddi, Kale and Kumar's choice β₂ = 1/(1 + C²) makes Adam drift towards +1 for every C > 2.

    Proof.  With a = C² and β = 1/(1 + a) < 1/5 one has aβ = 1 − β, so Q = 2 − β + β² ≤ 2 and
    R = 1 + 2β − β² ≤ 1.36, while P ≥ a.  So √(P/aQ) + √(P/aR) ≥ √(1/2) + √(1/1.36) > 1.56.

    The slot's sign is checked for C from 2.001 to 1000.

    Source: Reddi, Kale and Kumar, On the Convergence of Adam and Beyond, ICLR 2018, section 3.
    """
    for gradient in (2.001, 2.1, 2.5, 3.0, 5.0, 10.0, 100.0, 1000.0):
        beta2 = 1 / (1 + gradient**2)
        assert drifts_up(beta2, gradient)
        assert reddi_drift(beta2, gradient=gradient) < 0


reddis_beta2_lies_below_the_threshold.refutes("reddi_drift")(divides_all_three_by_one_average)
reddis_beta2_lies_below_the_threshold.refutes("reddi_drift")(takes_the_authors_choice_for_the_threshold)


@proved()
def every_beta2_has_a_bad_problem(reddi_drift):
    """For every β₂ < 1 there is a C > 2 with which Adam, β₁ = 0, drifts to the worst point; for .999, C = 2.0007.

    Proof.  By the proof of `reddi_threshold_is_exact`, √(P/aQ) + √(P/aR) > 1 for C = 2 and every
    β₂ < 1, and the sum is continuous in C.  Exact fractions confirm it for β₂ = .9, .99, .999 and
    .9999, and that at .999 the same C + .0001 is harmless.
    """
    for beta2, gradient in ((0.9, 2.07), (0.99, 2.007), (0.999, 2.0007), (0.9999, 2.00007)):
        assert drifts_up(beta2, gradient)
        assert reddi_drift(beta2, gradient=gradient) < 0
    assert not drifts_up(0.999, 2.0008)
    assert reddi_drift(0.999, gradient=2.0008) > 0


every_beta2_has_a_bad_problem.refutes("reddi_drift")(takes_one_over_c_for_the_threshold)


@every_beta2_has_a_bad_problem.refutes("reddi_drift")
def calls_a_large_beta2_always_safe(beta2, *, gradient):
    return beta2 - 0.9


def reddi_path(step, states, gradient, lr, *, start, periods, **options):
    """Return the positions in [−1, 1] after each step on the losses C·w, −w, −w, repeated."""
    w, state, path = np.array([start]), zeros([start], states), []
    for t in range(1, 3 * periods + 1):
        g = np.array([gradient if t % 3 == 1 else -1.0])
        w, *state = step(w, g, *state, t=t, lr=lr[1] / t ** lr[0], eps=0.0, **options)
        w = np.clip(w, -1.0, 1.0)
        path.append(w.item())
    return np.array(path)


RATES = (0.0, 0.1), (0.5, 0.5)  # exponent and scale: η = .1, and η = .5/√t


@proved()
def adam_ends_at_the_worst_point(adam_step, sgd_step):
    """On Reddi's convex problem Adam with β₂ = 1/(1 + C²) goes from the best point to the worst, and SGD back.

    Minimise C·w − w − w over [−1, 1], with one term a step, C > 2 and β₁ = 0: the best point is −1.
    Since the drift is upwards (`reddis_beta2_lies_below_the_threshold`), every period ends a multiple
    of η higher, until it ends exactly at +1, and so for ever; SGD moves down by η(C − 2).  Run with
    η = .1 and with η = .5/√t, Adam for C = 2.1, 3, 5 and 10, SGD for the last three: from the 31st
    period on, each ends at +1, and with SGD the step on C·w ends at −1.

    Source: Reddi, Kale and Kumar, On the Convergence of Adam and Beyond, ICLR 2018, section 3.
    """

    def descent(w, g, *, lr, **_):
        return (sgd_step(w, g, lr=lr),)

    for gradient, lr in product((2.1, 3.0, 5.0, 10.0), RATES):
        path = reddi_path(adam_step, 2, gradient, lr, start=-1.0, periods=40, betas=(0.0, 1 / (1 + gradient**2)))
        assert equal(path[2::3][30:], np.ones(10))
        if gradient >= 3:
            assert equal(reddi_path(descent, 0, gradient, lr, start=1.0, periods=40)[0::3][30:], -np.ones(10))


@adam_ends_at_the_worst_point.refutes("adam_step")
def keeps_the_largest_square(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    m, new_v = averaged(g + weight_decay * w, m, v, betas)
    v = np.maximum(v, new_v)
    return w - lr * divided(m, np.sqrt(v) + eps), m, v


@adam_ends_at_the_worst_point.refutes("adam_step")
def forgets_to_divide(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    m, v = averaged(g + weight_decay * w, m, v, betas)
    return w - lr * m / (1 - betas[0] ** t), m, v


adam_ends_at_the_worst_point.refutes("adam_step")(never_forgets_a_square)


@proved()
def adam_finds_the_best_point_with_a_large_beta2(adam_step):
    """On the same problems, C = 3, 5 or 10, Adam with its defaults goes from the worst point to the best and stays.

    So the order of the quantifiers matters: with the problem fixed, a large β₂ works.  It works with
    β₁ = 0 and β₂ = .9 as well, which is above every threshold here.  In periods 71 to 80, at η = .1, the
    step on C·w ends exactly at −1.
    """
    for gradient, betas in product((3.0, 5.0, 10.0), ((0.9, 0.999), (0.0, 0.9))):
        path = reddi_path(adam_step, 2, gradient, RATES[0], start=1.0, periods=80, betas=betas)
        assert equal(path[0::3][70:], -np.ones(10))


def swaps_the_betas(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    return adam(w, g, m, v, t=t, lr=lr, betas=betas[::-1], eps=eps, weight_decay=weight_decay)


@adam_finds_the_best_point_with_a_large_beta2.refutes("adam_step")
def climbs_instead_of_descending(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    return adam(w, g, m, v, t=t, lr=-lr, betas=betas, eps=eps, weight_decay=weight_decay)


@adam_finds_the_best_point_with_a_large_beta2.refutes("adam_step")
def steps_by_the_sign(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    m, v = averaged(g + weight_decay * w, m, v, betas)
    return w - lr * np.sign(g), m, v


@proved()
def amsgrad_finds_the_best_point(amsgrad_step):
    """On Reddi's problem AMSGrad goes from the worst point to the best, with the β₂ that ruins Adam.

    Once the largest v is in its maximum, every period moves down by η(C − 2)/√v_max.  Run for
    C = 3, 5, 10, with η = .1 and η = .5/√t, from +1: from the 91st period on, the step on C·w ends at −1.

    Source: Reddi, Kale and Kumar, On the Convergence of Adam and Beyond, ICLR 2018, Algorithm 2.
    """
    for gradient, lr in product((3.0, 5.0, 10.0), RATES):
        betas = (0.0, 1 / (1 + gradient**2))
        path = reddi_path(amsgrad_step, 3, gradient, lr, start=1.0, periods=100, betas=betas)
        assert equal(path[0::3][90:], -np.ones(10))


@amsgrad_finds_the_best_point.refutes("amsgrad_step")
def forgets_the_maximum(w, g, m, v, v_max, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
    m, v = averaged(g, m, v, betas)
    return w - lr * divided(m, np.sqrt(v) + eps), m, v, np.maximum(v_max, v)


@amsgrad_finds_the_best_point.refutes("amsgrad_step")
def climbs_with_the_maximum(w, g, m, v, v_max, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
    m, v = averaged(g, m, v, betas)
    v_max = np.maximum(v_max, v)
    return w + lr * divided(m, np.sqrt(v_max) + eps), m, v, v_max


@legal("amsgrad_step")
def takes_the_maximum_of_corrected_averages(w, g, m, v, v_max, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
    m, v = averaged(g, m, v, betas)
    v_max = np.maximum(v_max, corrected(m, v, t, betas)[1])
    return w - lr * divided(m, np.sqrt(v_max) + eps), m, v, v_max


@claim(at=real_arrays(g="TD", largest=5))
def amsgrad_denominator_never_falls(amsgrad_step, at):
    """What AMSGrad divides by never falls, so its rate η/√v_max never grows, as Reddi's proof needs.

    With the maximum of v as published, and with that of the corrected averages.  PyTorch corrects the
    maximum instead, and its rate grows (`pytorchs_amsgrad_rate_never_grows`).  Read off with β₁ = 0 and
    ε = 0, where a step is ηg over it.

    Source: Reddi, Kale and Kumar, On the Convergence of Adam and Beyond, ICLR 2018, Algorithm 2.
    """
    state, largest = zeros(at.g[0], 3), np.zeros(at.g.shape[1])
    for t, g in enumerate(at.g, 1):
        moved, *state = amsgrad_step(np.zeros(g.shape), g, *state, t=t, lr=1.0, betas=(0.0, 0.999), eps=0.0)
        root = divided(-g, moved)
        # The root and the division before, and the one here: a few ε relative.
        assert at_most(np.where(moved == 0, 0.0, largest), root * (1 + 8 * eps))
        largest = np.maximum(largest, root)


@amsgrad_denominator_never_falls.refutes("amsgrad_step", by={"at": case(g=[[2], [1]])})
def corrects_the_maximum_as_pytorch_does(w, g, m, v, v_max, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
    m, v = averaged(g, m, v, betas)
    v_max = np.maximum(v_max, v)
    m_hat, v_hat = corrected(m, v_max, t, betas)
    return w - lr * divided(m_hat, np.sqrt(v_hat) + eps), m, v, v_max


amsgrad_denominator_never_falls.refutes("amsgrad_step", by={"at": case(g=[[1000], [1], [1]])})(forgets_the_maximum)


@amsgrad_denominator_never_falls.refutes("amsgrad_step", by={"at": case(g=[[1000], [1], [1]])})
def compares_with_the_last_average_only(w, g, m, v, v_max, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
    m, new_v = averaged(g, m, v, betas)
    v_max = np.maximum(v, new_v)
    return w - lr * divided(m, np.sqrt(v_max) + eps), m, new_v, v_max


@convention("amsgrad_step", "it corrects the maximum of v as PyTorch does, where this slot corrects nothing")
def follows_pytorch(w, g, m, v, v_max, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
    m, v = averaged(g, m, v, betas)
    v_max = np.maximum(v_max, v)
    # In PyTorch's order: squares of 1e-160 are too small for a float to survive another.
    root = np.sqrt(v_max) / (1 - betas[1] ** t) ** 0.5 + eps
    return w - lr / (1 - betas[0] ** t) * divided(m, root), m, v, v_max


@claim(at=dyadic_arrays(w="D", g="TD"), betas=any_betas, damp=choices(1e-8, 0.0, 1.0))
def amsgrad_divides_by_the_largest_mean_square_of_each_weight(amsgrad_step, at, betas, damp):
    """AMSGrad's step is −η m/(√v_max + ε), weight by weight; m and v are Adam's averages, v_max the largest v.

    v itself goes on as in Adam and may fall.  With the corrected averages m̂ and v̂ in their places it is AMSGrad, too.

    Source: Reddi, Kale and Kumar, On the Convergence of Adam and Beyond, ICLR 2018, Algorithm 2.
    """
    w, m, v, v_max = at.w, *zeros(at.w, 3)
    first, second, published, variant = zeros(at.w, 4)
    for t, g in enumerate(at.g, 1):
        first, second = averaged(g, first, second, betas)
        m_hat, v_hat = corrected(first, second, t, betas)
        published, variant = np.maximum(published, second), np.maximum(variant, v_hat)
        before = w
        w, m, v, v_max = amsgrad_step(w, g, m, v, v_max, t=t, lr=0.3, betas=betas, eps=damp)
        # Averages of at most t numbers up to 4 and of their squares; the corrections know 1 − βᵗ to ε/(1 − β).
        slack = (t + 8) * eps
        assert within(m, first, 4 * slack)
        assert within(v, second, 16 * slack)
        assert within(v_max, published, 16 * slack) or within(v_max, variant, 16 * slack / (1 - max(betas)))
        moves = [divided(each, np.sqrt(v_max) + damp) for each in (m, m_hat)]
        # A quotient of what was returned, and of an m̂ that is known to 4 slack/(1 − β).
        root = np.sqrt(v_max) + damp
        bound = divided(np.full(g.shape, 4 * slack / (1 - betas[0])), root) + 4 * eps * np.abs(before)
        assert any(within(w, before - 0.3 * move, bound) for move in moves)


amsgrad_divides_by_the_largest_mean_square_of_each_weight.refutes("amsgrad_step")(forgets_the_maximum)
amsgrad_divides_by_the_largest_mean_square_of_each_weight.refutes("amsgrad_step")(climbs_with_the_maximum)
amsgrad_divides_by_the_largest_mean_square_of_each_weight.refutes("amsgrad_step")(compares_with_the_last_average_only)


@amsgrad_divides_by_the_largest_mean_square_of_each_weight.refutes("amsgrad_step")
def takes_one_maximum_for_all_weights(w, g, m, v, v_max, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
    m, v = averaged(g, m, v, betas)
    v_max = np.full_like(v, max(v.max(), v_max.max()))
    return w - lr * divided(m, np.sqrt(v_max) + eps), m, v, v_max


@amsgrad_divides_by_the_largest_mean_square_of_each_weight.refutes("amsgrad_step")
def averages_on_from_the_maximum(w, g, m, v, v_max, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
    m, v = averaged(g, m, v, betas)
    v_max = np.maximum(v_max, v)
    return w - lr * divided(m, np.sqrt(v_max) + eps), m, v_max.copy(), v_max


@amsgrad_divides_by_the_largest_mean_square_of_each_weight.refutes("amsgrad_step")
def takes_the_largest_squared_gradient(w, g, m, v, v_max, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
    m, v = averaged(g, m, v, betas)
    v_max = np.maximum(v_max, g * g)
    return w - lr * divided(m, np.sqrt(v_max) + eps), m, v, v_max


@claim(at=dyadic_arrays(w="D", h="D"), lr=choices(1.0, 0.5, 2.0))
def sign_descent_ends_in_a_cycle_as_long_as_its_rate(adam_step, at, lr):
    """Adam with β₁ = β₂ = ε = 0 ends, on a 1-D quadratic, with |w_t| + |w_{t+1}| = η for ever, or at 0 exactly.

    Each step is η against the sign of the gradient, whatever the curvature h > 0, so a constant rate
    never settles unless it hits the minimum.  After |w₀|/η steps the weight is within η.
    """
    h = np.abs(at.h) + 1
    w, m, v = at.w, *zeros(at.w, 2)
    for t in range(1, int(4 / lr) + 2):
        w, m, v = adam_step(w, h * w, m, v, t=t, lr=lr, betas=(0.0, 0.0), eps=0.0)
    after, _, _ = adam_step(w, h * w, m, v, t=9, lr=lr, betas=(0.0, 0.0), eps=0.0)
    assert equal(np.abs(w) + np.abs(after), np.where(w == 0, 0.0, lr))


sign_descent_ends_in_a_cycle_as_long_as_its_rate.refutes("adam_step")(forgets_to_divide)


@sign_descent_ends_in_a_cycle_as_long_as_its_rate.refutes("adam_step")
def forgets_the_root(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    m, v = averaged(g + weight_decay * w, m, v, betas)
    m_hat, v_hat = corrected(m, v, t, betas)
    return w - lr * divided(m_hat, v_hat + eps), m, v


@sign_descent_ends_in_a_cycle_as_long_as_its_rate.refutes("adam_step")
def divides_zero_by_zero(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    m, v = averaged(g + weight_decay * w, m, v, betas)
    m_hat, v_hat = corrected(m, v, t, betas)
    return w - lr * m_hat / (np.sqrt(v_hat) + eps), m, v


# Generalisation: the solution that each prefers


def separable_data(positives, negatives):
    """Return x (N, D) and labels ±1: the label, two ones, and five places of each example's own.

    A positive example sets one of its places, a negative one all five.  A fresh example of label y is
    (y, 1, 1) and places that no example in training has.
    """
    y = np.repeat([1.0, -1.0], [positives, negatives])
    own = [np.kron(unit, [1.0] + [float(label < 0)] * 4) for unit, label in zip(np.eye(len(y)), y, strict=True)]
    return np.column_stack([y, np.ones((len(y), 2)), own]), y


def fresh_score(w, label):
    return label * w[0] + w[1] + w[2]


@proved()
def adam_misclassifies_a_whole_class_that_it_fits(adam_step):
    """There are separable data that Adam gets right at once, with every fresh negative example called positive.

    Least squares, full batch, from w = 0, with more positive examples than negative ones.  By hand:
    with s = sign(xᵀy) the outputs are x s = 4y, so while w = τs the gradient is (4τ − 1) xᵀy, all
    coordinates of which change by one factor; Adam at ε = 0 then moves along s again.  A fresh example
    scores τ(y + 2), positive for either label as long as τ > 0, which a small rate ensures.  Run for all
    numbers of examples up to 8, 40 steps with η = 1/32.

    Source: the idea is from Wilson, Roelofs, Stern, Srebro and Recht, The Marginal Value of Adaptive
    Gradient Methods in Machine Learning, NIPS 2017; the data are our own.
    """
    for positives in range(2, 9):
        for negatives in range(1, positives):
            x, y = separable_data(positives, negatives)
            assert equal(x @ np.sign(x.T @ y), 4 * y)
            w, m, v = zeros(x[0], 3)
            for t in range(1, 41):
                w, m, v = adam_step(w, x.T @ (x @ w - y), m, v, t=t, lr=2.0**-5, eps=0.0)
                assert np.all(y * (x @ w) > 0)
                assert fresh_score(w, 1) > 0
                assert fresh_score(w, -1) > 0


adam_misclassifies_a_whole_class_that_it_fits.refutes("adam_step")(forgets_to_divide)


@adam_misclassifies_a_whole_class_that_it_fits.refutes("adam_step")
def divides_all_by_the_length_of_the_gradient(
    w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0
):
    g = g + weight_decay * w
    m, v = averaged(g, m, v, betas)[0], betas[1] * v + (1 - betas[1]) * np.mean(g * g)
    m_hat, v_hat = corrected(m, v, t, betas)
    return w - lr * divided(m_hat, np.sqrt(v_hat) + eps), m, v


def momentum(w, g, buf, *, lr, momentum=0.9, dampening=0.0, nesterov=False):
    buf = momentum * buf + (1 - dampening) * g
    return w - lr * (g + momentum * buf if nesterov else buf), buf


@legal("momentum_step")
def keeps_a_velocity_with_the_rate_in_it(w, g, buf, *, lr, momentum=0.9, dampening=0.0, nesterov=False):
    push = lr * (1 - dampening) * g
    velocity = momentum * buf - push
    return w + (momentum * velocity - lr * g if nesterov else velocity), velocity


@proved()
def gradient_descent_gets_every_fresh_example_of_these_right(momentum_step):
    """On the same data descent from 0 tends to the shortest solution, which gets every fresh example right.

    By hand: that solution is xᵀα with α = p on the n₊ positives and −q on the n₋ negatives,
    p = (4n₋ + 5)/D, q = (4n₊ + 1)/D and D = 8n₊n₋ + 15n₊ + 3n₋ + 5.  Fresh examples score 1 − p > 0
    and 5q − 1 < 0, since D > 4n₋ + 5 and D > 20n₊ + 5 for all n₊, n₋ ≥ 1.  The equations are
    checked in exact fractions for up to 15 of each, and descent with momentum is run on five of them.

    Source: Wilson, Roelofs, Stern, Srebro and Recht, The Marginal Value of Adaptive Gradient Methods in
    Machine Learning, NIPS 2017.
    """
    for n, k in product(range(1, 16), repeat=2):
        D = 8 * n * k + 15 * n + 3 * k + 5
        p, q = Fraction(4 * k + 5, D), Fraction(4 * n + 1, D)
        assert (3 * n + 1) * p - k * q == 1  # a positive example in training
        assert n * p - (3 * k + 5) * q == -1  # a negative one
        assert 3 * n * p - k * q == 1 - p > 0  # a fresh positive one, and a negative one
        assert n * p - 3 * k * q == 5 * q - 1 < 0
    for n, k in ((1, 1), (2, 1), (4, 3), (8, 1), (8, 7)):
        x, y = separable_data(n, k)
        w, buf = zeros(x[0], 2)
        for _ in range(100):
            w, buf = momentum_step(w, x.T @ (x @ w - y), buf, lr=1 / np.linalg.norm(x, 2) ** 2, momentum=0.9)
        assert fresh_score(w, 1) > 0 > fresh_score(w, -1)


@gradient_descent_gets_every_fresh_example_of_these_right.refutes("momentum_step")
def steps_by_the_sign_of_the_buffer(w, g, buf, *, lr, momentum=0.9, dampening=0.0, nesterov=False):
    buf = momentum * buf + (1 - dampening) * g
    return w - lr * np.sign(buf), buf


@gradient_descent_gets_every_fresh_example_of_these_right.refutes("momentum_step")
def ascends_with_momentum(w, g, buf, *, lr, momentum=0.9, dampening=0.0, nesterov=False):
    buf = momentum * buf + (1 - dampening) * g
    return w + lr * buf, buf


@claim(at=small_integer_arrays(x="ND", y="N"), rule=choices((0.5, 0.0, False), (0.5, 0.5, False), (0.0, 0.0, True)))
def descent_from_zero_stays_among_combinations_of_the_examples(momentum_step, at, rule):
    """From w = 0, descent on a linear model, with or without momentum, keeps w a combination of the examples.

    Each gradient is xᵀ times something, and steps only scale and add.  Exactly: on whole numbers and
    dyadic rates nothing is rounded, and the rank is counted in fractions.  So if descent
    converges to a solution of least squares, it is the shortest one.
    """
    (w, buf), (mu, dampening, nesterov) = zeros(at.x[0], 2), rule
    for _ in range(3):
        g = at.x.T @ (at.x @ w - at.y)
        w, buf = momentum_step(w, g, buf, lr=0.125, momentum=mu, dampening=dampening, nesterov=nesterov)
    assert rank(np.vstack([at.x, w])) == rank(at.x)


descent_from_zero_stays_among_combinations_of_the_examples.refutes("momentum_step")(steps_by_the_sign_of_the_buffer)


@descent_from_zero_stays_among_combinations_of_the_examples.refutes("momentum_step")
def divides_each_coordinate_by_its_own_size(w, g, buf, *, lr, momentum=0.9, dampening=0.0, nesterov=False):
    buf = momentum * buf + (1 - dampening) * g
    return w - lr * buf / (np.abs(buf) + 1), buf


@claim(at=dyadic_arrays(g="TD"), betas=any_betas, lr=choices(0.5, 0.01))
def adam_becomes_momentum_for_a_large_eps(adam_step, at, betas, lr):
    """Adam with the rate η·ε tends to bias-corrected momentum of rate η as ε → ∞, so its family contains SGD's.

    The step is η m̂ ε/(√v̂ + ε), which differs from η m̂ by at most η |m̂| √v̂/ε.  Here |g| ≤ 4 and
    ε = 2³⁰; momentum averages, m ← β₁m + (1 − β₁)g.

    Source: Choi, Shallue, Nado, Lee, Maddison and Dahl, On Empirical Comparisons of Optimizers for Deep
    Learning, arXiv 1910.05446, 2019.
    """
    w, m, v = zeros(at.g[0], 3)
    average = buf = np.zeros(at.g.shape[1])
    for t, g in enumerate(at.g, 1):
        w, m, v = adam_step(w, g, m, v, t=t, lr=lr * 2.0**30, betas=betas, eps=2.0**30)
        buf = betas[0] * buf + (1 - betas[0]) * g
        average = average - lr * buf / (1 - betas[0] ** t)
    # |m̂| ≤ 4 and √v̂ ≤ 4 in each of the steps, of which each is rounded some ten times.
    assert within(w, average, len(at.g) * lr * (2 * 16 / 2**30 + 16 * 4 * eps))


@adam_becomes_momentum_for_a_large_eps.refutes("adam_step")
def puts_eps_inside_the_root(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    m, v = averaged(g + weight_decay * w, m, v, betas)
    m_hat, v_hat = corrected(m, v, t, betas)
    return w - lr * divided(m_hat, np.sqrt(v_hat + eps)), m, v


@adam_becomes_momentum_for_a_large_eps.refutes("adam_step")
def adds_eps_before_the_correction_as_tensorflow_does(
    w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0
):
    m, v = averaged(g + weight_decay * w, m, v, betas)
    rate = lr * np.sqrt(1 - betas[1] ** t) / (1 - betas[0] ** t)
    return w - rate * divided(m, np.sqrt(v) + eps), m, v


@convention("adam_step", "its ε stands inside the root, where this slot's is added to the root")
def eps_is_inside(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    if t < 1:
        raise ValueError("t < 1")
    return puts_eps_inside_the_root(w, g, m, v, t=t, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)


@convention("adam_step", "its ε is added before the correction, as in TensorFlow, where this slot's is added after it")
def eps_is_uncorrected(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    if t < 1:
        raise ValueError("t < 1")
    options = {"t": t, "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
    return adds_eps_before_the_correction_as_tensorflow_does(w, g, m, v, **options)


# What Adam's step is


@claim(at=dyadic_arrays(w="D", g="TD"), betas=any_betas, options=choices((1e-8, 0.0), (0.0, 0.0), (1.0, 0.5)))
def adam_divides_the_mean_gradient_by_its_root_mean_square(adam_step, at, betas, options):
    """Adam's step is −η m̂/(√v̂ + ε): the weighted mean of the gradients over their weighted root mean square.

    Step t weighs gradient i by (1 − β) βᵗ⁻ⁱ/(1 − βᵗ), weights that add up to 1: that is what the bias
    correction is for.  v̂ is a mean square, not a variance.  With `weight_decay` the gradient is
    g + λw.  Where nothing but zeros has come, ε = 0 gives 0.

    Source: Kingma and Ba, Adam: A Method for Stochastic Optimization, ICLR 2015.
    """
    damp, strength = options
    w, m, v = at.w, *zeros(at.w, 2)
    seen = []
    for t, g in enumerate(at.g, 1):
        seen.append(g + strength * w)
        before = w
        w, m, v = adam_step(w, g, m, v, t=t, lr=0.25, betas=betas, eps=damp, weight_decay=strength)
        first, second = ((1 - b) * b ** np.arange(t - 1.0, -1.0, -1.0) for b in betas)
        past = np.array(seen)
        # A sum of t products, each with a power of β; the bias corrections know 1 − βᵗ to ε/(1 − β).
        slack = (t + 8) * eps
        size = first @ np.abs(past)
        root = np.sqrt(second @ past**2 / (1 - betas[1] ** t)) + damp
        assert within(m, first @ past, slack * size)
        assert within(v, second @ past**2, slack * (second @ past**2))
        step = divided(first @ past / (1 - betas[0] ** t), root)
        bound = slack / (1 - max(betas)) * divided(size / (1 - betas[0] ** t), root)
        assert within(w, before - 0.25 * step, 0.25 * bound + 2 * eps * np.abs(before))


definition = adam_divides_the_mean_gradient_by_its_root_mean_square
for mistake in (
    divides_by_the_last_average,
    forgets_the_root,
    swaps_the_betas,
    divides_zero_by_zero,
    puts_eps_inside_the_root,
    adds_eps_before_the_correction_as_tensorflow_does,
    divides_all_by_the_length_of_the_gradient,
):
    definition.refutes("adam_step")(mistake)


@definition.refutes("adam_step")
def divides_by_the_standard_deviation(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    m, v = averaged(g + weight_decay * w, m, v, betas)
    m_hat, v_hat = corrected(m, v, t, betas)
    return w - lr * divided(m_hat, np.sqrt(np.maximum(v_hat - m_hat**2, 0)) + eps), m, v


@definition.refutes("adam_step")
def ignores_the_penalty(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    return adam(w, g, m, v, t=t, lr=lr, betas=betas, eps=eps)


@definition.refutes("adam_step")
def decays_as_adamw_does(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    return adam(w * (1 - lr * weight_decay), g, m, v, t=t, lr=lr, betas=betas, eps=eps)


@definition.refutes("adam_step")
def returns_corrected_state(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    w, m, v = adam(w, g, m, v, t=t, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
    return w, *corrected(m, v, t, betas)


@claim(at=dyadic_arrays(w="D", g="D"), t=choices(0, -1))
def adam_counts_its_steps_from_one(adam_step, adamw_step, at, t):
    """At t = 0 the bias correction would divide by 0, so Adam and AdamW raise ValueError for t < 1."""
    assert raises(ValueError, adam_step, at.w, at.g, *zeros(at.w, 2), t=t)
    assert raises(ValueError, adamw_step, at.w, at.g, *zeros(at.w, 2), t=t)
    adam_step(at.w, at.g, *zeros(at.w, 2), t=1)
    adamw_step(at.w, at.g, *zeros(at.w, 2), t=1)


adam_counts_its_steps_from_one.refutes("adam_step")(divides_all_by_the_length_of_the_gradient)


@adam_counts_its_steps_from_one.refutes("adam_step")
def adds_one_to_t(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    if t < 0:
        raise ValueError("t < 0")
    return adam(w, g, m, v, t=t + 1, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)


@claim(at=integer_arrays(g="D"), steps=choices(1, 2, 3, 5, 8), betas=choices((0.5, 0.75), (0.75, 0.5), (0.5, 0.5)))
def a_constant_gradient_gives_steps_of_lr(adam_step, at, steps, betas):
    """If the gradient is constant, every step of Adam is exactly η against its sign, and 0 where it is 0.

    For all t ≥ 1 and all β, at ε = 0: then m̂ = g and v̂ = g².  Without bias correction only the late
    steps are, and at the default β₂ = .999 not even step 5000, by 0.3 %.  Checked at dyadic β, which leave
    nothing but the roundings of one step, and late at the defaults.
    """
    w, m, v = zeros(at.g, 3)
    for t in range(1, steps + 1):
        w, m, v = adam_step(np.zeros(at.g.shape), at.g, m, v, t=t, lr=0.5, betas=betas, eps=0.0)
    # The averages and their corrections are exact here; what remains are two roots and a few divisions.
    assert within(w, -0.5 * np.sign(at.g), 4 * eps)
    for t in (100, 5000):
        m, v = (1 - 0.9 ** (t - 1)) * at.g, (1 - 0.999 ** (t - 1)) * at.g**2
        w, _, _ = adam_step(np.zeros(at.g.shape), at.g, m, v, t=t, lr=0.5, eps=0.0)
        # At t = 100, 1 − β₂ᵗ is a tenth, so known to some 10 ε.
        assert within(w, -0.5 * np.sign(at.g), 64 * eps)


@a_constant_gradient_gives_steps_of_lr.refutes("adam_step")
def forgets_the_bias_correction(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    m, v = averaged(g + weight_decay * w, m, v, betas)
    return w - lr * divided(m, np.sqrt(v) + eps), m, v


@a_constant_gradient_gives_steps_of_lr.refutes("adam_step")
def corrects_only_the_mean(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    m, v = averaged(g + weight_decay * w, m, v, betas)
    return w - lr * divided(m / (1 - betas[0] ** t), np.sqrt(v) + eps), m, v


@a_constant_gradient_gives_steps_of_lr.refutes("adam_step")
def corrects_the_first_thousand_steps_only(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    m, v = averaged(g + weight_decay * w, m, v, betas)
    m_hat, v_hat = corrected(m, v, t, betas) if t <= 1000 else (m, v)
    return w - lr * divided(m_hat, np.sqrt(v_hat) + eps), m, v


a_constant_gradient_gives_steps_of_lr.refutes("adam_step")(adds_one_to_t)
a_constant_gradient_gives_steps_of_lr.refutes("adam_step")(divides_by_the_standard_deviation)


@claim(at=integer_arrays(g="TD"), power=choices(0, -20, 20, -4, 5, 1, -1), damp=choices(0.0, 1e-8, 1.0))
def adam_sees_no_scale_of_the_loss(adam_step, at, power, damp):
    """Adam on c·loss with ε is Adam on the loss with ε/c: at ε = 0 the scale of the loss does not matter.

    Bit for bit where c is a power of two.  Doubling the rate, in turn, doubles what the same gradients
    move: at small ε the rate is Adam's only unit of length, so it needs tuning.
    """
    c = 2.0**power
    (w, m, v), (scaled_w, scaled_m, scaled_v), (far, far_m, far_v) = (zeros(at.g[0], 3) for _ in range(3))
    for t, g in enumerate(at.g, 1):
        w, m, v = adam_step(w, g, m, v, t=t, lr=0.25, eps=damp)
        far, far_m, far_v = adam_step(far, g, far_m, far_v, t=t, lr=0.5, eps=damp)
        scaled_w, scaled_m, scaled_v = adam_step(scaled_w, c * g, scaled_m, scaled_v, t=t, lr=0.25, eps=c * damp)
    assert equal(scaled_w, w)
    assert equal(far, 2 * w)


adam_sees_no_scale_of_the_loss.refutes("adam_step")(puts_eps_inside_the_root)
adam_sees_no_scale_of_the_loss.refutes("adam_step")(forgets_to_divide)
adam_sees_no_scale_of_the_loss.refutes("adam_step")(forgets_the_root)


@adam_sees_no_scale_of_the_loss.refutes("adam_step")
def always_adds_a_small_number(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    return adam(w, g, m, v, t=t, lr=lr, betas=betas, eps=max(eps, 1e-8), weight_decay=weight_decay)


@claim(at=integer_arrays(g="TD"), scale=choices(1.0, 1e150, 1e-300, 1e-150, 1e-160, 1e-9))
def no_gradient_is_too_small_or_too_large_for_adam(adam_step, adamw_step, amsgrad_step, at, scale):
    """At ε = 0, gradients of 0, of 1e-300 and of 1e150 make steps that are finite and at most 2η long.

    Within four steps at the defaults, where the bound without rounding is 1.01η.  A gradient whose
    square is too small for a float, below about 1e-162, counts as 0.  Above that and a margin for
    subnormal squares, from 1e-150 on, the first step is η long.  AMSGrad's v is not corrected: there
    a step may be (1 − β₁)/√(1 − β₂) η = 3.2η in the first place, and is at most 16η in four steps.
    """
    g = at.g * scale
    for step, numbers in ((adam_step, 2), (adamw_step, 2), (amsgrad_step, 3)):
        state = zeros(g[0], numbers)
        for t, row in enumerate(g, 1):
            moved, *state = step(np.zeros(row.shape), row, *state, t=t, lr=1.0, eps=0.0)
            assert np.all(np.isfinite([moved, *state]))
            assert at_most(np.abs(moved), 16.0 if step is amsgrad_step else 2.0)
            if t == 1 and step is not amsgrad_step:
                # One step rounds a few times, and a square below the normal floats is not asked for here.
                assert scale < 1e-150 or within(moved, -np.sign(row), 8 * eps)


no_gradient_is_too_small_or_too_large_for_adam.refutes("adam_step")(divides_zero_by_zero)
no_gradient_is_too_small_or_too_large_for_adam.refutes("adam_step")(always_adds_a_small_number)


@no_gradient_is_too_small_or_too_large_for_adam.refutes("adam_step")
def keeps_its_state_in_single_precision(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    with np.errstate(all="ignore"):
        w, m, v = adam(w, g, m, v, t=t, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
        return w, m.astype(np.float32).astype(float), v.astype(np.float32).astype(float)


@no_gradient_is_too_small_or_too_large_for_adam.refutes("amsgrad_step")
def divides_a_maximum_of_zero(w, g, m, v, v_max, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
    m, v = averaged(g, m, v, betas)
    v_max = np.maximum(v_max, v)
    return w - lr * m / (np.sqrt(v_max) + eps), m, v, v_max


# How far one step can go


@claim(at=real_arrays(g="TD", largest=6), betas=any_betas)
def adams_largest_step_is_this_one(adam_step, adam_step_bound, at, betas):
    """No gradients make a step at time t longer than η B_t, and gradients ∝ (β₁/β₂)^{t−i} make one that long.

    B_t = (1 − β₁)/(1 − β₁ᵗ) · √((1 − β₂ᵗ)/(1 − β₂)) · √(Σ_{j<t} (β₁²/β₂)ʲ).  By Cauchy and Schwarz:
    Σ β₁ʲ g_j = Σ (β₁/√β₂)ʲ · √β₂ʲ g_j ≤ √(Σ (β₁²/β₂)ʲ) · √(Σ β₂ʲ g_j²), j steps back from t, with
    equality where √β₂ʲ g_j ∝ (β₁/√β₂)ʲ.  For every ε ≥ 0: a larger ε only shortens the step.

    Source: the derivation is ours; the bound printed in section 2.1 of Kingma and Ba, Adam: A Method for
    Stochastic Optimization, ICLR 2015, is smaller, and steps exceed it.
    """
    T = len(at.g)
    back = np.arange(T - 1.0, -1.0, -1.0)
    worst = (betas[0] / betas[1]) ** back[:, None]
    # Both bias corrections know 1 − βᵗ to ε/(1 − β); the rest are a few roundings a step.
    slack = (T + 8) * eps / (1 - max(betas))
    for gradients in (at.g, worst):
        m, v = zeros(gradients[0], 2)
        for t, g in enumerate(gradients, 1):
            moved, m, v = adam_step(np.zeros(g.shape), g, m, v, t=t, lr=1.0, betas=betas, eps=0.0)
            bound = adam_step_bound(t, betas=betas)
            assert at_most(np.abs(moved), bound * (1 + slack))
    assert within(moved, [-bound], slack * bound)


@adams_largest_step_is_this_one.refutes("adam_step_bound")
def takes_the_bound_as_printed(t, *, betas=(0.9, 0.999)):
    beta1, beta2 = betas
    return max(1.0, (1 - beta1) / (1 - beta2) ** 0.5)


@adams_largest_step_is_this_one.refutes("adam_step_bound")
def takes_lr_for_the_bound(t, *, betas=(0.9, 0.999)):
    return 1.0


@adams_largest_step_is_this_one.refutes("adam_step_bound")
def counts_one_term_too_many(t, *, betas=(0.9, 0.999)):
    beta1, beta2 = betas
    terms = sum((beta1**2 / beta2) ** j for j in range(int(t) + 1))
    return (1 - beta1) / (1 - beta1**t) * ((1 - beta2**t) / (1 - beta2) * terms) ** 0.5


@adams_largest_step_is_this_one.refutes("adam_step_bound")
def forgets_both_corrections(t, *, betas=(0.9, 0.999)):
    beta1, beta2 = betas
    return (1 - beta1) * (sum((beta1**2 / beta2) ** j for j in range(int(t))) / (1 - beta2)) ** 0.5


@adams_largest_step_is_this_one.refutes("adam_step_bound")
def forgets_to_square_beta1(t, *, betas=(0.9, 0.999)):
    beta1, beta2 = betas
    terms = sum((beta1 / beta2) ** j for j in range(int(t)))
    return (1 - beta1) / (1 - beta1**t) * ((1 - beta2**t) / (1 - beta2) * terms) ** 0.5


for mistake in (forgets_the_bias_correction, corrects_only_the_mean, swaps_the_betas):
    adams_largest_step_is_this_one.refutes("adam_step")(mistake)


@legal("adam_step_bound")
def adds_up_the_cauchy_schwarz_sum(t, *, betas=(0.9, 0.999)):
    beta1, beta2 = betas
    if t == inf:
        if beta1**2 >= beta2:
            return inf
        return (1 - beta1) * (beta2 / ((1 - beta2) * (beta2 - beta1**2))) ** 0.5
    weights = [((1 - beta1) * beta1**j) ** 2 / ((1 - beta2) * beta2**j) for j in range(t)]
    return sum(weights) ** 0.5 * (1 - beta2**t) ** 0.5 / (1 - beta1**t)


def squared_bound(t, beta1, beta2):
    """Return B_t² in exact fractions."""
    b1, b2 = Fraction(beta1), Fraction(beta2)
    weights = sum(((1 - b1) * b1**j) ** 2 / ((1 - b2) * b2**j) for j in range(t))
    return weights * (1 - b2**t) / (1 - b1**t) ** 2


@proved()
def adams_step_can_be_seven_times_lr(adam_step_bound):
    """At the defaults Adam's largest step is 7.27η; it is η for all t only if β₁ = β₂, and unbounded if β₁² ≥ β₂.

    As t → ∞, B_t → R with R² = (1 − β₁)² β₂/((1 − β₂)(β₂ − β₁²)) where β₁² < β₂.  By SymPy,
    R² − 1 = (β₁ − β₂)²/((1 − β₂)(β₂ − β₁²)), so R ≥ 1, with equality if and only if β₁ = β₂; then
    every B_t is 1.  The slot is compared with exact fractions for t ≤ 40 and with the limit.  At the
    defaults B_t is 1, 1.0014, 1.043, 2.24, 5.78 and 7.25 at t = 1, 2, 10, 100, 1000 and 5000.
    """
    import sympy  # noqa: PLC0415

    b1, b2 = sympy.symbols("b1 b2", positive=True)
    gap = (1 - b1) ** 2 * b2 - (1 - b2) * (b2 - b1**2)
    assert sympy.expand(gap - (b1 - b2) ** 2) == 0
    for betas in ((0.9, 0.999), (0.9, 0.9), (0.5, 0.75), (0.75, 0.5), (0.5, 0.25)):
        for t in (1, 2, 3, 10, 40):
            exact = float(squared_bound(t, *betas)) ** 0.5
            # 1 − βᵗ is known to ε/(1 − β), and a sum near ratio 1 no better than that either.
            assert within(adam_step_bound(t, betas=betas), exact, 16 * eps / (1 - max(betas)) * exact)
            assert betas[0] != betas[1] or exact == 1
    for beta1, beta2 in ((0.9, 0.999), (0.5, 0.75), (0.9, 0.9), (0.0, 0.5)):
        limit = float(((1 - beta1) ** 2 * beta2 / ((1 - beta2) * (beta2 - beta1**2))) ** 0.5)
        assert within(adam_step_bound(inf, betas=(beta1, beta2)), limit, 16 * eps / (1 - beta2) * limit)
    assert adam_step_bound(inf, betas=(0.75, 0.5)) == adam_step_bound(inf, betas=(0.5, 0.25)) == inf
    assert round(adam_step_bound(inf), 2) == 7.27
    assert round(adam_step_bound(2, betas=(0.9, 0.5)), 3) == 1.043
    assert adam_step_bound(209) < 0.1 / 0.001**0.5 < adam_step_bound(210)
    assert [round(adam_step_bound(t), 2) for t in (10, 100, 1000, 5000)] == [1.04, 2.24, 5.78, 7.25]


adams_step_can_be_seven_times_lr.refutes("adam_step_bound")(takes_the_bound_as_printed)
adams_step_can_be_seven_times_lr.refutes("adam_step_bound")(takes_lr_for_the_bound)


@adams_step_can_be_seven_times_lr.refutes("adam_step_bound")
def swaps_the_betas_of_the_bound(t, *, betas=(0.9, 0.999)):
    return adds_up_the_cauchy_schwarz_sum(t, betas=betas[::-1])


# Axes


momentum_rules = choices(
    (0.5, 0.0, False), (0.5, 0.25, False), (0.75, 0.0, True), (0.5, 0.25, True), (0.0, 0.0, False), (0.0, 0.5, True)
)


@claim(at=dyadic_arrays(w="TD", g="TD"), rule=momentum_rules, scale=choices(1.0, 2.0**-30))
def momentum_adds_up_discounted_gradients(momentum_step, at, rule, scale):
    """SGD with momentum moves by −η Σ μᵗ⁻ⁱ (1 − dampening) gᵢ; Nesterov's form by −η (g + μ times that).

    From a buffer of zeros.  Exactly: on dyadic numbers nothing is rounded.  It is linear in the
    gradients, where Adam is not.  A last step with μ = ½ shows that the buffer was kept with μ = 0, too.
    """
    mu, dampening, nesterov = rule
    w, (buf,), moved = at.w[0] if scale == 1 else np.zeros(at.w[0].shape), zeros(at.w[0], 1), 0.0
    start, gradients = w, scale * at.g
    for t, g in enumerate(gradients, 1):
        w, buf = momentum_step(w, g, buf, lr=0.25, momentum=mu, dampening=dampening, nesterov=nesterov)
        velocity = mu ** np.arange(t - 1.0, -1.0, -1.0) @ gradients[:t] * (1 - dampening)
        moved = moved + (g + mu * velocity if nesterov else velocity)
    assert equal(w, start - 0.25 * moved)
    last, _ = momentum_step(w, g, buf, lr=0.25, momentum=0.5, dampening=dampening)
    assert equal(last, w - 0.25 * (0.5 * velocity + (1 - dampening) * g))


@momentum_adds_up_discounted_gradients.refutes("momentum_step")
def forgets_the_dampening(w, g, buf, *, lr, momentum=0.9, dampening=0.0, nesterov=False):
    buf = momentum * buf + g
    return w - lr * (g + momentum * buf if nesterov else buf), buf


@momentum_adds_up_discounted_gradients.refutes("momentum_step")
def always_averages(w, g, buf, *, lr, momentum=0.9, dampening=0.0, nesterov=False):
    buf = momentum * buf + (1 - momentum) * g
    return w - lr * (g + momentum * buf if nesterov else buf), buf


@momentum_adds_up_discounted_gradients.refutes("momentum_step")
def steps_by_the_buffer_before(w, g, buf, *, lr, momentum=0.9, dampening=0.0, nesterov=False):
    return w - lr * (g + momentum * buf if nesterov else buf), momentum * buf + (1 - dampening) * g


@momentum_adds_up_discounted_gradients.refutes("momentum_step")
def ignores_nesterov(w, g, buf, *, lr, momentum=0.9, dampening=0.0, nesterov=False):
    buf = momentum * buf + (1 - dampening) * g
    return w - lr * buf, buf


@momentum_adds_up_discounted_gradients.refutes("momentum_step")
def forgets_the_buffer_without_momentum(w, g, buf, *, lr, momentum=0.9, dampening=0.0, nesterov=False):
    new = momentum * buf + (1 - dampening) * g
    return w - lr * (g + momentum * new if nesterov else new), new if momentum else buf.copy()


@momentum_adds_up_discounted_gradients.refutes("momentum_step")
def dampens_the_gradient_that_nesterov_adds(w, g, buf, *, lr, momentum=0.9, dampening=0.0, nesterov=False):
    g = (1 - dampening) * g
    buf = momentum * buf + g
    return w - lr * (g + momentum * buf if nesterov else buf), buf


@momentum_adds_up_discounted_gradients.refutes("momentum_step")
def forgets_the_dampening_with_nesterov(w, g, buf, *, lr, momentum=0.9, dampening=0.0, nesterov=False):
    buf = momentum * buf + (1 if nesterov else 1 - dampening) * g
    return w - lr * (g + momentum * buf if nesterov else buf), buf


@momentum_adds_up_discounted_gradients.refutes("momentum_step")
def leaves_out_steps_below_1e8th(w, g, buf, *, lr, momentum=0.9, dampening=0.0, nesterov=False):
    buf = momentum * buf + (1 - dampening) * g
    step = g + momentum * buf if nesterov else buf
    return w - lr * np.where(abs(step) < 1e-8, 0.0, step), buf


momentum_adds_up_discounted_gradients.refutes("momentum_step")(ascends_with_momentum)

TURN = np.array([[3.0, -4.0], [4.0, 3.0]])  # five times a rotation


@claim(at=small_integer_arrays(w="A", h="AA"), rule=choices((0.5, 0.0, False), (0.5, 0.5, True), (0.0, 0.0, False)))
def descent_turns_with_the_coordinates(momentum_step, at, rule):
    """SGD, with momentum or not, commutes with rotations: turned coordinates give the turned path.

    On the quadratic with Hessian H + Hᵀ in two weights, turned by the angle of (3, 4).  Exactly: five
    times the rotation is made of whole numbers, and so is everything else up to dyadic factors.
    """
    H, start = np.zeros((2, 2)), np.zeros(2)
    H[: len(at.h), : len(at.h)] = at.h[:2, :2]
    start[: len(at.w)] = at.w[:2]
    mu, dampening, nesterov = rule
    H = H + H.T
    options = {"lr": 0.25, "momentum": mu, "dampening": dampening, "nesterov": nesterov}
    w, u = start, TURN @ start
    buf, turned_buf = zeros(w, 2)
    for _ in range(3):
        w, buf = momentum_step(w, H @ w, buf, **options)
        u, turned_buf = momentum_step(u, TURN @ (H @ (TURN.T @ u / 25)), turned_buf, **options)
    assert equal(u, TURN @ w)


descent_turns_with_the_coordinates.refutes("momentum_step")(steps_by_the_sign_of_the_buffer)
descent_turns_with_the_coordinates.refutes("momentum_step")(divides_each_coordinate_by_its_own_size)


@claim(at=small_integer_arrays(g="D"))
def adams_first_step_is_longest_off_the_axes(adam_step, at):
    """Adam's first step has length η√k, k the number of non-zero gradients: it depends on the axes.

    At ε = 0.  The gradient (1, 0) moves by η, and turned by 45° by √2 η; SGD moves equally far both times.
    """
    moved, _, _ = adam_step(*zeros(at.g, 1), at.g, *zeros(at.g, 2), t=1, lr=0.5, eps=0.0)
    # Each coordinate moves by η up to a few roundings, at the default betas.
    assert within(np.sum(moved**2), 0.25 * np.count_nonzero(at.g), 32 * eps * len(at.g))


for mistake in (divides_all_by_the_length_of_the_gradient, forgets_the_bias_correction, forgets_to_divide):
    adams_first_step_is_longest_off_the_axes.refutes("adam_step")(mistake)


@claim(at=small_integer_arrays(w="D", powers="D"), betas=choices((0.9, 0.999), (0.5, 0.75)))
def adam_does_not_see_curvature_along_the_axes(adam_step, at, betas):
    """On ½ Σ hᵢwᵢ² Adam at ε = 0 takes the same path for all curvatures hᵢ > 0: scaling along the axes is free.

    Bit for bit where h is a power of two, here from 2⁻³⁰ to 2³⁰.  Turn the axes, and it is over:
    `adams_first_step_is_longest_off_the_axes`.
    """
    h = 2.0 ** (10 * at.powers)
    u, w = at.w, at.w
    m, v, turned_m, turned_v = zeros(w, 4)
    for t in range(1, 7):
        w, m, v = adam_step(w, w, m, v, t=t, lr=0.25, betas=betas, eps=0.0)
        u, turned_m, turned_v = adam_step(u, h * u, turned_m, turned_v, t=t, lr=0.25, betas=betas, eps=0.0)
    assert equal(u, w)


for mistake in (
    divides_all_by_the_length_of_the_gradient,
    forgets_to_divide,
    forgets_the_root,
    always_adds_a_small_number,
):
    adam_does_not_see_curvature_along_the_axes.refutes("adam_step")(mistake)


# Decay, state, stability


@claim(at=dyadic_arrays(w="D", g="TD"), strength=choices(0.5, 0.0, 1.0, 0.25), rate=choices(0.25, 1.0))
def adamw_decays_beside_adam(adam_step, adamw_step, at, strength, rate):
    """AdamW is a step of Adam without penalty plus −ηλw: its averages never see the decay.

    So without any gradient w shrinks by 1 − ηλ.  The decay is multiplied by the rate, as PyTorch does it, and
    λ = .01 unless it is given.

    Source: Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019.
    """
    w, m, v = at.w, *zeros(at.w, 2)
    for t, g in enumerate(at.g, 1):
        moved, plain_m, plain_v = adam_step(w, g, m, v, t=t, lr=rate)
        decayed, m, v = adamw_step(w, g, m, v, t=t, lr=rate, weight_decay=strength)
        # Averages of numbers up to 4 in size, and of their squares, in one rounding order or another.
        assert within(m, plain_m, 16 * eps)
        assert within(v, plain_v, 64 * eps)
        # |w| and what Adam moves bound the terms; the bias correction at β₂ = .999 is known to 1000 ε.
        size = np.abs(w) + np.abs(moved - w)
        assert within(decayed, moved - rate * strength * w, 4000 * eps * size)
        w = decayed
    by_default, *_ = adamw_step(at.w, at.g[0], *zeros(at.w, 2), t=1, lr=rate)
    assert equal(by_default, adamw_step(at.w, at.g[0], *zeros(at.w, 2), t=1, lr=rate, weight_decay=0.01)[0])


@adamw_decays_beside_adam.refutes("adamw_step")
def puts_the_decay_into_the_gradient(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    return adam(w, g, m, v, t=t, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)


@adamw_decays_beside_adam.refutes("adamw_step")
def forgets_the_rate_of_the_decay(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    return adam(w * (1 - weight_decay), g, m, v, t=t, lr=lr, betas=betas, eps=eps)


@adamw_decays_beside_adam.refutes("adamw_step")
def decays_what_has_already_moved(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    w, m, v = adam(w, g, m, v, t=t, lr=lr, betas=betas, eps=eps)
    return w * (1 - lr * weight_decay), m, v


@adamw_decays_beside_adam.refutes("adamw_step")
def lets_the_weights_grow(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    return adam(w * (1 + lr * weight_decay), g, m, v, t=t, lr=lr, betas=betas, eps=eps)


@adamw_decays_beside_adam.refutes("adamw_step")
def decays_only_if_it_is_told_to(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    return adam(w * (1 - lr * weight_decay), g, m, v, t=t, lr=lr, betas=betas, eps=eps)


@convention("adamw_step", "its decay is λ alone, as in the paper's schedule, where this slot's is ηλ")
def called_with_the_rate_times_the_decay(
    theirs, w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01
):
    return theirs(w, g, m, v, t=t, lr=lr, betas=betas, eps=eps, weight_decay=lr * weight_decay)


@legal("adamw_step")
def decays_the_old_weights_last(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    if t < 1:
        raise ValueError("t < 1")
    moved, m, v = adam(w, g, m, v, t=t, lr=lr, betas=betas, eps=eps)
    return moved - lr * weight_decay * w, m, v


@claim(at=integer_arrays(w="D"), strength=choices(0.5, 1e-9, 1.0, 1000.0, 2.0**-20))
def adams_penalty_is_a_sign_step(adam_step, at, strength):
    """Where the loss has no gradient, an L2 penalty moves Adam's first step by η towards 0, however small λ > 0 is.

    At ε = 0.  SGD would move by ηλw, and so would AdamW: an L2 penalty inside Adam is another thing than
    weight decay.
    """
    moved, _, _ = adam_step(at.w, np.zeros(at.w.shape), *zeros(at.w, 2), t=1, lr=0.5, eps=0.0, weight_decay=strength)
    # The step is η up to a few roundings, and is added to w with one.
    assert within(moved, at.w - 0.5 * np.sign(at.w), 4 * eps * (1 + np.abs(at.w)))


adams_penalty_is_a_sign_step.refutes("adam_step")(decays_as_adamw_does)
adams_penalty_is_a_sign_step.refutes("adam_step")(ignores_the_penalty)
adams_penalty_is_a_sign_step.refutes("adam_step")(always_adds_a_small_number)


@proved()
def adam_keeps_two_numbers_per_weight(sgd_step, momentum_step, adam_step, adamw_step, amsgrad_step):
    """Besides the weights SGD keeps nothing, momentum one number per weight, Adam and AdamW two, AMSGrad three.

    And one step count.  Counted on what the steps return, for weights of several shapes.
    """
    for shape in ((), (3,), (2, 3)):
        w = np.ones(shape)
        assert isinstance(sgd_step(w, w, lr=0.5), np.ndarray | np.generic)
        for step, numbers, options in (
            (momentum_step, 1, {}),
            (adam_step, 2, {"t": 1}),
            (adamw_step, 2, {"t": 1}),
            (amsgrad_step, 3, {"t": 1}),
        ):
            _, *state = step(w, w, *zeros(w, numbers), lr=0.5, **options)
            assert sum(np.size(each) for each in state) == numbers * w.size
            assert all(np.any(each) for each in state)


@adam_keeps_two_numbers_per_weight.refutes("adam_step")
def keeps_one_square_for_all_weights(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    w, m, v = adam(w, g, m, v, t=t, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
    return w, m, np.mean(v)


@adam_keeps_two_numbers_per_weight.refutes("amsgrad_step")
def returns_a_maximum_that_it_never_updates(w, g, m, v, v_max, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
    return *forgets_the_maximum(w, g, m, v, v_max, t=t, lr=lr, betas=betas, eps=eps)[:3], v_max.copy()


@claim(beta=choices(0.5, 0.0, 0.75, 0.9, 0.25, 0.99), curvature=choices(1.0, 2.0, 0.25, 1000.0, 1e-9))
def averaged_gradients_are_stable_up_to_this_rate(max_stable_lr_of_ema, beta, curvature):
    """Descent with averaged gradients on a quadratic is stable if and only if ηh < 2(1 + β)/(1 − β): 38 at β = .9.

    With m ← βm + (1 − β)hw and w ← w − ηm, as Adam with a frozen v has it in h/√v.  The two
    eigenvalues have the product β and the sum 1 + β − (1 − β)ηh; both are inside the unit circle if
    and only if |sum| < 1 + product, by Jury's criterion.  Checked on the matrix, 1 % below and above.
    """
    lr = max_stable_lr_of_ema(curvature, beta=beta)
    radii = []
    for factor in (0.99, 1.01):
        push = factor * lr * curvature
        step = np.array([[1 - (1 - beta) * push, -beta * push], [1 - beta, beta]])  # of w and m/h
        radii.append(max(abs(np.linalg.eigvals(step))))
    assert radii[0] < 1 < radii[1]


@averaged_gradients_are_stable_up_to_this_rate.refutes("max_stable_lr_of_ema")
def ignores_the_averaging(curvature, *, beta):
    return 2 / curvature


@averaged_gradients_are_stable_up_to_this_rate.refutes("max_stable_lr_of_ema")
def takes_the_rate_of_heavy_ball(curvature, *, beta):
    return 2 * (1 + beta) / curvature


@averaged_gradients_are_stable_up_to_this_rate.refutes("max_stable_lr_of_ema")
def divides_by_one_minus_beta_only(curvature, *, beta):
    return 2 / ((1 - beta) * curvature)


@legal("max_stable_lr_of_ema")
def turns_the_threshold_upside_down(curvature, *, beta):
    return 1 / (curvature * (0.5 - beta / (1 + beta)))


# Measured on digits


def test_error(step, numbers, seed, **options):
    """Return the share of 597 digits that a network misclassifies after ten epochs on the 1200 others."""
    x, y = digits()
    rng = lab.streams(seed, "split", "layers", "order")
    train, test = np.split(rng["split"].permutation(len(x)), [1200])
    weights, biases = lab.draw_layers((64, 32, 10), rng["layers"], gain=2.0)
    shapes = [each.shape for each in (*weights, *biases)]
    cuts = np.cumsum([np.prod(shape) for shape in shapes])[:-1]

    def layers(w):
        parts = [part.reshape(shape) for part, shape in zip(np.split(w, cuts), shapes, strict=True)]
        return parts[:2], parts[2:]

    w = np.concatenate([each.ravel() for each in (*weights, *biases)])
    state, t = zeros(w, numbers), 0
    for _ in range(10):
        for batch in train[rng["order"].permutation(1200)[:1152].reshape(-1, 64)]:
            logits, cache = lab.relu_forward(x[batch], *layers(w))
            _, d_weights, d_biases = lab.relu_backward(lab.cross_entropy_gradient(logits, y[batch]), cache)
            g, t = np.concatenate([each.ravel() for each in (*d_weights, *d_biases)]), t + 1
            w, *state = step(w, g, *state, **options, **({"t": t} if numbers == 2 else {}))
    return 1 - lab.accuracy(lab.relu_forward(x[test], *layers(w))[0], y[test])


@measured(seeds=30, false_hold=false_hold(24, 30), false_alarm=false_alarm(24, 30, calibrated=995, runs=1000))
def adam_generalises_as_well_as_sgd_on_digits(adam_step, momentum_step, seeds):
    """On digits, tuned Adam errs on fresh data at most 2 points more than tuned SGD with momentum.

    A network of 64, 32 and 10 units, batches of 64, ten epochs; for each seed a random split in 1200
    and 597 digits, and the same split, first weights and batches for both.  The rates, .02 for Adam and
    .2 with μ = .9 for SGD, are the best of .01, .02, .04, .08 and of .05, .1, .2, .4, on other seeds.  24
    of 30 seeds must succeed, and the run stops once that is settled.

    In 1000 calibration runs 995 succeeded.  Adam erred on 3.71 % on average, SGD on 3.95 %; Adam's
    excess was −.24 points on average, with a standard deviation of .93 and a range from −5.7 to 3.0.  Adam
    was better on 556 seeds, worse on 368 and tied on 76.
    """
    pairs = []

    def holds(seed):
        adams = test_error(adam_step, 2, seed, lr=0.02)
        sgds = test_error(momentum_step, 1, seed, lr=0.2, momentum=0.9)
        pairs.append((adams, sgds))
        return at_most(adams - sgds, 0.02)

    assert at_least(24, 30, ((seed, holds(seed)) for seed in seeds))
    adams, sgds = np.array(pairs).T
    excess = adams - sgds
    return {
        "adam": np.mean(adams),
        "sgd": np.mean(sgds),
        "excess": np.mean(excess),
        "spread": np.std(excess, ddof=1) / np.sqrt(len(excess)),
        "seeds": float(len(excess)),
        "better": float(np.sum(excess < 0)),
        "worse": float(np.sum(excess > 0)),
    }


adam_generalises_as_well_as_sgd_on_digits.refutes("adam_step")(climbs_instead_of_descending)
adam_generalises_as_well_as_sgd_on_digits.refutes("adam_step")(swaps_the_betas)


@adam_generalises_as_well_as_sgd_on_digits.refutes("adam_step")
def starts_its_averages_anew_at_every_step(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    return adam(w, g, *zeros(w, 2), t=1, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)


# Often said, but false


@myth(at=integer_arrays(g="T"), refuted_by={"at": case(g=[0, 1])})
def adams_step_never_exceeds_lr(adam_step, at):
    """Adam's step is never longer than its learning rate.

    Gradients around 1 that rise by a tenth, and one is.
    """
    m, v = zeros(0.0, 2)
    for t, g in enumerate(1 + at.g / 10, 1):
        moved, m, v = adam_step(np.array(0.0), np.asarray(g), m, v, t=t, lr=1.0, eps=0.0)
        assert at_most(np.abs(moved), 1 + 1e-9)


@myth(refuted_by={})
def adam_converges_where_descent_does(adam_step):
    """On convex problems with bounded gradients Adam converges, as SGD does, whatever its β₂."""
    assert reddi_path(adam_step, 2, 3.0, RATES[1], start=-1.0, periods=40, betas=(0.0, 0.1))[-1] < 0


@myth(refuted_by={})
def adam_fails_on_reddis_problem_with_any_beta2(adam_step):
    """Adam does not converge: Reddi, Kale and Kumar's example defeats it."""
    assert reddi_path(adam_step, 2, 3.0, RATES[0], start=-1.0, periods=40)[-1] > 0


@myth(at=real_arrays(g="T"), refuted_by={"at": case(g=[1.0, 0.0])})
def pytorchs_amsgrad_rate_never_grows(at):
    """With the maximum kept, the rate of AMSGrad never grows, also in the order of PyTorch's code."""
    v = largest = last = 0.0
    for t, g in enumerate(at.g, 1):
        v = 0.999 * v + 0.001 * g * g
        largest = max(largest, v)
        denominator = (largest / (1 - 0.999**t)) ** 0.5
        assert denominator >= last * (1 - 1e-9)
        last = denominator


@myth(at=real_arrays(w="D", g="D"), refuted_by={"at": case(w=[1.0], g=[0.0])})
def adam_has_weight_decay_built_in(adam_step, at):
    """Adam generalises better because it has weight decay built in."""
    moved, _, _ = adam_step(at.w, at.g, *zeros(at.w, 2), t=1, lr=0.5)
    undecayed, _, _ = adam_step(np.zeros(at.w.shape), at.g, *zeros(at.w, 2), t=1, lr=0.5)
    assert at_most(np.abs(moved - undecayed), np.abs(at.w) * (1 - 1e-6))


@myth(at=dyadic_arrays(g="T"), refuted_by={"at": case(g=[1.0])})
def adam_divides_by_the_variance_of_the_gradient(adam_step, at):
    """What Adam divides by is the standard deviation of the gradient, so a steady gradient is not damped."""
    m, v = zeros(0.0, 2)
    for t, g in enumerate(at.g, 1):
        _, m, v = adam_step(np.array(0.0), g, m, v, t=t)
    assert within(v / (1 - 0.999**t), np.var(at.g), 1e-9)


@myth(at=small_integer_arrays(u="D", g="D"), refuted_by={"at": case(u=[0.0], g=[1.0])})
def adam_does_not_see_the_units_of_the_weights(adam_step, at):
    """Adam takes the same path in whatever units the weights are written, as Newton's method does."""
    moved, _, _ = adam_step(at.u, at.g, *zeros(at.u, 2), t=1, lr=0.5, eps=0.0)
    halved, _, _ = adam_step(at.u / 2, 2 * at.g, *zeros(at.u, 2), t=1, lr=0.5, eps=0.0)
    assert within(2 * halved, moved, 1e-9)
