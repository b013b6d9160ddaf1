"""Q29: when two checkpoints show the data between them, what they cannot show, and what hides it."""

import math
from itertools import product
from statistics import NormalDist

import numpy as np

from claims import claim, convention, legal, measured, myth
from claims.toolbox import laboratory as lab
from claims.toolbox.comparison import Off, at_most, eps, equal, gamma, within
from claims.toolbox.data import digits
from claims.toolbox.exact import rank
from claims.toolbox.statistics import at_least, false_alarm, false_hold
from claims.toolbox.strategies import (
    case,
    choices,
    generators,
    integer_arrays,
    real_arrays,
    small_integer_arrays,
)

step_rates = choices(0.5, 0.25, 1.0, 2.0, 0.125)
tiny_rates = choices(0.5, 0.25, 1.0, 2.0, 0.125, 2.0**-24, 2.0**-30)
small_units = choices(1.0, 2.0**-40)


# One example, one step


one_example = small_integer_arrays(x="D", W1="DH", b1="H", W2="HC", b2="C", d_out="C")


@claim(net=one_example, lr=tiny_rates)
def one_step_on_one_example_shows_it(recover_input, two_layer_forward, two_layer_backward, net, lr):
    """A gradient step on one example shows its input, exactly when it moves a bias of the first layer.

    ΔW = −ηxδ and Δb = −ηδ for each unit, so x = ΔW/Δb wherever δ ≠ 0, for any η, any label and any loss, which
    enters by its gradient alone.  If no bias moves, all δ are 0, and no weight moves either, whatever x is.
    A ReLU network, on whole numbers and dyadic rates: only the reading may round.

    Source: Phong et al., Privacy-Preserving Deep Learning via Additively Homomorphic Encryption, IEEE Transactions
    on Information Forensics and Security 13(5), 2018.
    """
    x, W1, b1, W2, b2, d_out = net
    _, cache = two_layer_forward(x[None], W1, b1, W2, b2)
    _, dW1, db1, _, _ = two_layer_backward(d_out[None], cache)
    found = recover_input(W1, b1, W1 - lr * dW1, b1 - lr * db1)
    if db1.any():
        # A quotient; or a fit to all H units, whose terms have one sign for each input, before and after scaling.
        assert within(found, x, (2 * len(b1) + 8) * eps * np.abs(x))
    else:
        assert found is None
        assert not dW1.any()


def quotient_of(unit, *, weight=lambda before, after: after - before, bias=lambda before, after: after - before):
    """Return a reading that takes the unit which `unit` picks from the changes of the biases."""

    def reading(W_before, b_before, W_after, b_after):
        dW, db = weight(W_before, W_after), bias(b_before, b_after)
        if not np.any(b_after - b_before):
            return None
        j = unit(db)
        with np.errstate(all="ignore"):
            return dW[:, j] / db[j]

    return reading


def clearest(db):
    return np.argmax(np.abs(db))


@one_step_on_one_example_shows_it.refutes("recover_input")
def forgets_to_divide_by_the_bias(W_before, b_before, W_after, b_after):
    return W_after[:, 0] - W_before[:, 0] if np.any(b_after != b_before) else None


@one_step_on_one_example_shows_it.refutes("recover_input")
def reads_the_first_unit_always(W_before, b_before, W_after, b_after):
    return quotient_of(lambda _: 0)(W_before, b_before, W_after, b_after)


@one_step_on_one_example_shows_it.refutes("recover_input")
def reads_the_last_checkpoint_alone(W_before, b_before, W_after, b_after):
    last = quotient_of(clearest, weight=lambda _, after: after, bias=lambda _, after: after)
    return last(W_before, b_before, W_after, b_after)


@one_step_on_one_example_shows_it.refutes("recover_input")
def takes_the_largest_change_with_its_sign(W_before, b_before, W_after, b_after):
    return quotient_of(np.argmax)(W_before, b_before, W_after, b_after)


@one_step_on_one_example_shows_it.refutes("recover_input")
def divides_the_bias_by_the_weights(W_before, b_before, W_after, b_after):
    x = quotient_of(clearest)(W_before, b_before, W_after, b_after)
    with np.errstate(all="ignore"):
        return x if x is None else 1 / x


@one_step_on_one_example_shows_it.refutes("recover_input")
def swaps_the_sign(W_before, b_before, W_after, b_after):
    return quotient_of(clearest, bias=lambda before, after: before - after)(W_before, b_before, W_after, b_after)


@one_step_on_one_example_shows_it.refutes("recover_input")
def reads_a_row_of_the_weights(W_before, b_before, W_after, b_after):
    db = b_after - b_before
    j = np.argmax(np.abs(db))
    return (W_after - W_before)[j] / db[j] if db[j] else None


@one_step_on_one_example_shows_it.refutes(
    "recover_input",
    by={"net": case(x=[1], W1=[[1, 1]], b1=[0, 0], W2=[[1], [-1]], b2=[0], d_out=[1]), "lr": 0.5},
)
def adds_units_that_may_cancel(W_before, b_before, W_after, b_after):
    total = (b_after - b_before).sum()
    return (W_after - W_before).sum(axis=1) / total if total else None


@one_step_on_one_example_shows_it.refutes("recover_input")
def reads_zeros_where_nothing_moved(W_before, b_before, W_after, b_after):
    x = quotient_of(clearest)(W_before, b_before, W_after, b_after)
    return np.zeros(len(W_before)) if x is None else x


@one_step_on_one_example_shows_it.refutes("recover_input")
def takes_a_small_change_for_none(W_before, b_before, W_after, b_after):
    return (
        None if np.allclose(b_before, b_after, rtol=0) else quotient_of(clearest)(W_before, b_before, W_after, b_after)
    )


@legal("recover_input")
def fits_in_units_of_the_largest_change(W_before, b_before, W_after, b_after):
    dW, db = W_after - W_before, b_after - b_before
    largest = abs(db).max()
    return None if largest == 0 else dW / largest @ (db / largest) / np.sum((db / largest) ** 2)


@legal("recover_input")
def fits_all_units_by_least_squares(W_before, b_before, W_after, b_after):
    dW, db = W_after - W_before, b_after - b_before
    return dW @ db / (db @ db) if db @ db else None


@claim(at=small_integer_arrays(logits="C", b="C", y=""), lr=choices(0.5, 0.25, 1.0, 2.0, 0.125, 2.0**-24))
def the_only_bias_that_rises_is_the_labels(infer_label, softmax_cross_entropy, at, lr):
    """A step on one example with softmax cross-entropy raises the last layer's bias of its label and no other.

    For ∂L/∂b = softmax − onehot is negative at the label alone; with a single class it is 0.  Where the softmax is
    so sure of the label that p rounds to 1, no bias moves, and nothing is claimed.

    Source: Zhao, Mopuri and Bilen, iDLG: Improved Deep Leakage from Gradients, 2020, arXiv 2001.02610.
    """
    y = int(abs(at.y)) % len(at.b)
    _, gradient = softmax_cross_entropy(at.logits[None], np.array([y]))
    after = at.b - lr * gradient[0]
    assert (after > at.b).tolist() == [c == y and len(at.b) > 1 for c in range(len(at.b))]
    assert infer_label(at.b, after) == y


@the_only_bias_that_rises_is_the_labels.refutes("infer_label")
def sees_six_digits(b_before, b_after):
    return int(np.argmax(np.round(b_after - b_before, 6)))


@the_only_bias_that_rises_is_the_labels.refutes("infer_label")
def takes_the_bias_that_fell_most(b_before, b_after):
    return int(np.argmin(b_after - b_before))


@the_only_bias_that_rises_is_the_labels.refutes("infer_label")
def takes_the_largest_bias(b_before, b_after):
    return int(np.argmax(b_after))


@the_only_bias_that_rises_is_the_labels.refutes("infer_label", by={"at": case(logits=[0, 0], b=[0, 0], y=1), "lr": 0.5})
def takes_the_largest_change_in_size(b_before, b_after):
    return int(np.argmax(np.abs(b_after - b_before)))


@the_only_bias_that_rises_is_the_labels.refutes("infer_label")
def takes_the_smallest_change(b_before, b_after):
    return int(np.argmin(np.abs(b_after - b_before)))


@legal("infer_label")
def looks_for_a_bias_that_rose(b_before, b_after):
    return next((c for c in range(len(b_before)) if b_after[c] > b_before[c]), 0)


# Optimizers in between


three_steps = integer_arrays(w0="DH", m0="DH", g="DH")


@claim(at=three_steps, lr=step_rates, momentum=choices(0.5, 0.0, 0.75, 0.875), weight_decay=choices(0.0, 0.5, 0.125))
def three_checkpoints_undo_momentum_and_decay(recover_gradient, at, lr, momentum, weight_decay):
    """With known η, μ, λ, three checkpoints of SGD with momentum and weight decay give the gradient at the middle.

    m = μm + g + λw and w = w − ηm, so m is (w₀ − w₁)/η before and (w₁ − w₂)/η after, and g = m₁ − μm₀ − λw₁.
    On whole numbers and dyadic rates nothing rounds.
    """
    w1 = at.w0 - lr * at.m0
    w2 = w1 - lr * (momentum * at.m0 + at.g + weight_decay * w1)
    assert equal(recover_gradient(at.w0, w1, w2, lr=lr, momentum=momentum, weight_decay=weight_decay), at.g)


@three_checkpoints_undo_momentum_and_decay.refutes("recover_gradient")
def ignores_the_momentum(w0, w1, w2, *, lr, momentum, weight_decay=0.0):
    return (w1 - w2) / lr - weight_decay * w1


@three_checkpoints_undo_momentum_and_decay.refutes("recover_gradient")
def ignores_the_decay(w0, w1, w2, *, lr, momentum, weight_decay=0.0):
    return (w1 - w2) / lr - momentum * (w0 - w1) / lr


@three_checkpoints_undo_momentum_and_decay.refutes("recover_gradient")
def decays_the_first_checkpoint(w0, w1, w2, *, lr, momentum, weight_decay=0.0):
    return (w1 - w2) / lr - momentum * (w0 - w1) / lr - weight_decay * w0


@three_checkpoints_undo_momentum_and_decay.refutes("recover_gradient")
def decays_the_last_checkpoint(w0, w1, w2, *, lr, momentum, weight_decay=0.0):
    return (w1 - w2) / lr - momentum * (w0 - w1) / lr - weight_decay * w2


@three_checkpoints_undo_momentum_and_decay.refutes("recover_gradient")
def forgets_the_rate(w0, w1, w2, *, lr, momentum, weight_decay=0.0):
    return w1 - w2 - momentum * (w0 - w1) - weight_decay * w1


@three_checkpoints_undo_momentum_and_decay.refutes("recover_gradient")
def takes_an_average_for_momentum(w0, w1, w2, *, lr, momentum, weight_decay=0.0):
    return ((w1 - w2) - momentum * (w0 - w1)) / lr / (1 - momentum) - weight_decay * w1


@legal("recover_gradient")
def solves_the_recurrence(w0, w1, w2, *, lr, momentum, weight_decay=0.0):
    return ((1 + momentum) * w1 - w2 - momentum * w0) / lr - weight_decay * w1


def first_adam_step(w, g, lr):
    """Return the weights and the first moment after Adam's first step, with ε = 0 and 0/0 = 0."""
    m, v = (1 - 0.9) * g, (1 - 0.999) * g * g
    size = np.sqrt(v / (1 - 0.999))
    return w - lr * np.divide(m / (1 - 0.9), size, out=np.zeros_like(g), where=size > 0), m


@claim(at=small_integer_arrays(x="D", W="DH", b="H", delta="H"), lr=step_rates)
def adams_first_step_shows_signs_but_its_moment_shows_the_input(recover_input, at, lr):
    """Adam's first step shows only the signs of the input; the saved first moment shows the input itself.

    With ε = 0: each weight moves by η sign(g), so ΔW/Δb = sign(x).  The moment m = (1 − β₁)g is a multiple of the
    gradient, one factor for weights and bias: it is read like a change.
    """
    gW, gb = np.outer(at.x, at.delta), at.delta
    (W, mW), (b, mb) = first_adam_step(at.W, gW, lr), first_adam_step(at.b, gb, lr)
    from_weights = recover_input(at.W, at.b, W, b)
    from_moments = recover_input(np.zeros_like(mW), np.zeros_like(mb), mW, mb)
    if not gb.any():
        assert from_weights is None
        assert from_moments is None
        return
    # On these whole numbers m̂/√v̂ rounds to ±1, and a step of a dyadic rate is exact.
    assert equal(from_weights, np.sign(at.x))
    # A product and a quotient in each of the two, and up to four of them summed.
    assert within(from_moments, at.x, gamma(16) * np.abs(at.x))


adams_first_step_shows_signs_but_its_moment_shows_the_input.refutes("recover_input")(forgets_to_divide_by_the_bias)
adams_first_step_shows_signs_but_its_moment_shows_the_input.refutes(
    "recover_input", by={"at": case(x=[1], W=[[0, 0]], b=[0, 0], delta=[0, 1]), "lr": 0.5}
)(reads_the_first_unit_always)
adams_first_step_shows_signs_but_its_moment_shows_the_input.refutes("recover_input")(swaps_the_sign)


@claim(at=small_integer_arrays(before="VE", tokens="T", gradients="TE"), lr=step_rates)
def rows_that_changed_are_the_tokens(changed_rows, at, lr):
    """Plain SGD moves those rows of an embedding table whose tokens are in the batch, and no other.

    Those, to be exact, of the tokens whose gradients do not sum to 0.
    """
    tokens = np.abs(at.tokens).astype(int) % len(at.before)
    gradient = np.zeros_like(at.before)
    np.add.at(gradient, tokens, at.gradients)
    expected = [v for v in range(len(at.before)) if gradient[v].any()]
    assert set(expected) <= set(tokens.tolist())
    assert equal(changed_rows(at.before, at.before - lr * gradient), np.array(expected, dtype=int))


@rows_that_changed_are_the_tokens.refutes("changed_rows")
def wants_all_entries_changed(before, after):
    return np.flatnonzero((before != after).all(axis=1))


@rows_that_changed_are_the_tokens.refutes("changed_rows")
def looks_at_the_first_entry(before, after):
    return np.flatnonzero(before[:, 0] != after[:, 0])


@rows_that_changed_are_the_tokens.refutes("changed_rows")
def compares_the_sums_of_rows(before, after):
    return np.flatnonzero(before.sum(axis=1) != after.sum(axis=1))


@rows_that_changed_are_the_tokens.refutes("changed_rows")
def counts_entries_instead_of_rows(before, after):
    return np.nonzero(before != after)[0]


@rows_that_changed_are_the_tokens.refutes("changed_rows")
def finds_columns(before, after):
    return np.flatnonzero((before != after).any(axis=0))


@legal("changed_rows")
def compares_row_by_row(before, after):
    return np.array([v for v in range(len(before)) if before[v].tolist() != after[v].tolist()], dtype=int)


# Batches


batches = small_integer_arrays(x="ND", W1="DH", b1="H", W2="HC", b2="C", d_out="NC")


@claim(net=batches, lr=step_rates)
def a_unit_shows_the_weighted_mean_of_its_examples(recover_input, two_layer_forward, two_layer_backward, net, lr):
    """Of a batch a unit shows the mean of the inputs weighted by their δ: one input, if only that one has δ ≠ 0.

    Read for each unit alone.  The weights may be negative, and if they sum to 0 nothing is shown.
    """
    x, W1, b1, W2, b2, d_out = net
    _, cache = two_layer_forward(x, W1, b1, W2, b2)
    _, dW1, db1, _, _ = two_layer_backward(d_out, cache)
    alone = [two_layer_forward(each[None], W1, b1, W2, b2)[1] for each in x]
    errors = np.array([two_layer_backward(d[None], each)[2] for d, each in zip(d_out, alone, strict=True)])
    for j, delta in enumerate(errors.T):
        unit = slice(j, j + 1)
        found = recover_input(W1[:, unit], b1[unit], (W1 - lr * dW1)[:, unit], (b1 - lr * db1)[unit])
        if delta.sum() == 0:
            assert found is None
        else:
            # Sums of whole numbers are exact, so the quotient is the one rounding there is.
            shown = delta @ x / delta.sum()
            assert within(found, shown, eps * abs(shown))
        if np.count_nonzero(delta) == 1:
            assert equal(found, x[np.argmax(delta != 0)])


for mistake in (forgets_to_divide_by_the_bias, reads_the_last_checkpoint_alone, swaps_the_sign):
    a_unit_shows_the_weighted_mean_of_its_examples.refutes("recover_input")(mistake)
a_unit_shows_the_weighted_mean_of_its_examples.refutes("recover_input")(reads_zeros_where_nothing_moved)


def with_one(x):
    return np.column_stack([x, np.ones(len(x))])


mixtures = small_integer_arrays(x="ND", delta="NH", v="N", other="D")


@claim(at=mixtures)
def a_batch_shows_the_flat_through_its_inputs_and_no_more(distance_to_span, at):
    """Changes of a layer show the flat through a batch's inputs, if δ has rank B, and no more.

    The flat is the set of all combinations of the inputs with weights that sum to 1: a point for one input, the
    line for two.  (x, 1) is in the span of the units' changes (ΔW, Δb) exactly if x is in the flat.  With R 1 = 1
    and R invertible, the inputs RX with the errors R⁻ᵀδ move every weight and bias as X and δ do: from these
    alone, B ≥ 2 different inputs cannot be told from their mixtures.  If δ has a lower rank, the span shows a part
    of the flat.
    The examples may have come in one step or in several, for δ is any matrix.
    """
    x, delta, v, other = at
    changes = delta.T @ with_one(x)
    assert rank(changes) <= len(x)
    # Whole numbers up to 3: what is not in the span is at least 1e-4 away, and rounding is below 1e-10.
    near = 1e-6
    candidate = with_one(other[None])
    distance = distance_to_span(candidate, changes)
    nearest = np.linalg.lstsq(changes.T, candidate[0], rcond=1e-10)[0] @ changes
    assert within(distance, [np.linalg.norm(candidate[0] - nearest)], 1e-10)
    inside = rank(np.vstack([with_one(x), candidate])) == rank(with_one(x))
    assert inside or distance[0] > near
    if rank(delta) == len(x):
        assert inside == (distance[0] < near)
        assert at_most(distance_to_span(with_one(x), changes), near)
        if len(x) > 1:
            v[1] = v[0]  # so that R = I + v (e₀ − e₁)ᵀ has the inverse I − v (e₀ − e₁)ᵀ
            mixed, errors = x + np.outer(v, x[0] - x[1]), delta.copy()
            errors[0] -= v @ delta
            errors[1] += v @ delta
            assert equal(errors.T @ with_one(mixed), changes)
            assert at_most(distance_to_span(with_one(mixed), changes), near)


@a_batch_shows_the_flat_through_its_inputs_and_no_more.refutes("distance_to_span")
def takes_rounding_for_a_direction(vectors, basis, *, rtol=1e-10):
    directions = np.linalg.svd(basis, full_matrices=False)[2]
    return np.linalg.norm(vectors - vectors @ directions.T @ directions, axis=1)


@a_batch_shows_the_flat_through_its_inputs_and_no_more.refutes("distance_to_span")
def forgets_the_root_of_the_distance(vectors, basis, *, rtol=1e-10):
    return projected_apart(vectors, basis) ** 2


@a_batch_shows_the_flat_through_its_inputs_and_no_more.refutes("distance_to_span")
def measures_the_part_in_the_span(vectors, basis, *, rtol=1e-10):
    return np.sqrt(np.maximum(np.sum(vectors**2, axis=1) - projected_apart(vectors, basis) ** 2, 0))


@a_batch_shows_the_flat_through_its_inputs_and_no_more.refutes("distance_to_span")
def measures_to_the_nearest_row(vectors, basis, *, rtol=1e-10):
    return np.linalg.norm(vectors[:, None] - basis, axis=2).min(axis=1)


@a_batch_shows_the_flat_through_its_inputs_and_no_more.refutes("distance_to_span")
def knows_only_the_strongest_direction(vectors, basis, *, rtol=1e-10):
    return projected_apart(vectors, np.linalg.svd(basis)[2][:1] * np.linalg.norm(basis))


@a_batch_shows_the_flat_through_its_inputs_and_no_more.refutes("distance_to_span")
def projects_without_normalising(vectors, basis, *, rtol=1e-10):
    return np.linalg.norm(vectors - vectors @ basis.T @ basis, axis=1)


def projected_apart(vectors, basis):
    return np.linalg.norm(vectors - vectors @ np.linalg.pinv(basis, rcond=1e-10) @ basis, axis=1)


@legal("distance_to_span")
def removes_one_direction_after_the_other(vectors, basis, *, rtol=1e-10):
    rest, basis = vectors.copy(), basis.copy()
    largest = np.linalg.norm(basis)
    for _ in range(len(basis)):
        longest = basis[np.argmax(np.sum(basis**2, axis=1))]
        if np.linalg.norm(longest) <= rtol * largest:
            break
        direction = longest / np.linalg.norm(longest)
        for _ in range(2):  # the second time for what rounding left
            rest = rest - np.outer(rest @ direction, direction)
            basis = basis - np.outer(basis @ direction, direction)
    return np.linalg.norm(rest, axis=1)


bins = small_integer_arrays(x="ND", w="D", out_weights="C", d_out="NC")


@claim(net=bins, scale=small_units)
def bins_show_every_example_that_has_one_to_itself(
    recover_inputs_binned, two_layer_forward, two_layer_backward, net, scale
):
    """Units with equal weights and falling biases show every input that is alone in its bin and has δ ≠ 0.

    Unit j fires for x·w above its cut, so unit j and unit j + 1 differ by the inputs between their cuts.  Their
    outgoing weights are equal, so each example sends them one δ, and the difference of their changes belongs to that
    bin.  Several inputs in a bin show their mean, weighted by δ.  Changes of 10⁻¹² show as much as large ones.

    Source: Fowl et al., Robbing the Fed: Directly Obtaining Private Data in Federated Learning with Modified Models,
    ICLR 2022, arXiv 2110.13057.
    """
    x, w, out_weights, d_out = net
    h = x @ w
    cuts = np.append(h.min() - 1.0, np.unique(h)) - 0.5  # the first bin stays empty
    H = len(cuts)
    _, cache = two_layer_forward(
        x, np.repeat(w[:, None], H, axis=1), -cuts, np.repeat(out_weights[None], H, axis=0), np.zeros(len(out_weights))
    )
    _, dW, db, _, _ = two_layer_backward(d_out, cache)
    delta = d_out @ out_weights
    in_bins = [h == level for level in np.unique(h)]
    expected = [delta[bin_] @ x[bin_] / delta[bin_].sum() for bin_ in in_bins if delta[bin_].sum()]
    assert equal(recover_inputs_binned(scale * dW, scale * db), np.reshape(expected, (-1, x.shape[1])))


def binned(dW, db):
    filled = db != 0
    return (dW[:, filled] / db[filled]).T


@bins_show_every_example_that_has_one_to_itself.refutes("recover_inputs_binned")
def takes_small_differences_for_none(dW, db):
    steps, widths = np.diff(dW, axis=1, append=0.0), np.diff(db, append=0.0)
    return binned(steps, np.where(abs(widths) < 1e-8, 0.0, widths))


@bins_show_every_example_that_has_one_to_itself.refutes("recover_inputs_binned")
def takes_no_differences(dW, db):
    return binned(dW, db)


@bins_show_every_example_that_has_one_to_itself.refutes("recover_inputs_binned")
def forgets_the_last_bin(dW, db):
    return binned(np.diff(dW, axis=1), np.diff(db))


@bins_show_every_example_that_has_one_to_itself.refutes("recover_inputs_binned")
def starts_from_the_other_end(dW, db):
    return binned(np.diff(dW, axis=1, prepend=0.0), np.diff(db, prepend=0.0))


@bins_show_every_example_that_has_one_to_itself.refutes("recover_inputs_binned")
def divides_by_the_whole_bias(dW, db):
    with np.errstate(all="ignore"):
        return (np.diff(dW, axis=1, append=0.0) / db).T


@bins_show_every_example_that_has_one_to_itself.refutes("recover_inputs_binned")
def divides_zero_by_zero_in_empty_bins(dW, db):
    with np.errstate(all="ignore"):
        return (np.diff(dW, axis=1, append=0.0) / np.diff(db, append=0.0)).T


@legal("recover_inputs_binned")
def subtracts_from_the_last_unit_on(dW, db):
    rows, weight, bias = [], np.zeros(len(dW)), 0.0
    for j in reversed(range(len(db))):
        if db[j] != bias:
            rows.insert(0, (dW[:, j] - weight) / (db[j] - bias))
        weight, bias = dW[:, j], db[j]
    return np.array(rows).reshape(-1, len(dW))


@claim(at=small_integer_arrays(logits="NC", y="N"))
def a_batch_shows_how_often_each_label_occurs(label_counts, softmax_cross_entropy, at):
    """A batch has B(p̄ − ∂L/∂b) examples of each class, p̄ the mean softmax output: a negative ∂L/∂b shows a class.

    For the gradient of the mean loss is p̄ minus the classes' shares.
    """
    y = np.abs(at.y).astype(int) % at.logits.shape[1]
    e = np.exp(at.logits)
    d_bias = softmax_cross_entropy(at.logits, y)[1].sum(axis=0)
    counts = label_counts(d_bias, (e / e.sum(axis=1, keepdims=True)).mean(axis=0), batch=len(y))
    present = np.bincount(y, minlength=len(d_bias))
    # Sums of B softmax outputs, each known to a few ε, as those of the loss are.
    assert within(counts, present, 16 * len(y) * eps)
    assert set(np.flatnonzero(d_bias < -16 * eps).tolist()) <= set(y.tolist())


@a_batch_shows_how_often_each_label_occurs.refutes("label_counts")
def forgets_the_batch_size(d_bias, mean_probabilities, *, batch):
    return mean_probabilities - d_bias


@a_batch_shows_how_often_each_label_occurs.refutes("label_counts")
def forgets_the_probabilities(d_bias, mean_probabilities, *, batch):
    return -batch * d_bias


@a_batch_shows_how_often_each_label_occurs.refutes("label_counts")
def adds_the_gradient(d_bias, mean_probabilities, *, batch):
    return batch * (mean_probabilities + d_bias)


@legal("label_counts")
def counts_in_two_sums(d_bias, mean_probabilities, *, batch):
    return np.array([batch * p - batch * g for p, g in zip(mean_probabilities, d_bias, strict=True)])


# What cannot be told


regressions = small_integer_arrays(x="ND", y="N", w="D", v="N")


@claim(at=regressions)
def least_squares_checkpoints_show_the_gram_matrix_and_no_more(recover_gram, at):
    """Checkpoints of full-batch descent on least squares depend on the data by XᵀX and Xᵀy alone, and may show both.

    So the data (QX, Qy) leave the same checkpoints for every orthogonal Q, whatever their number: no row of X can
    be told.  D + 2 checkpoints in a row, the first D + 1 in general position, show XᵀX and Xᵀy.  Q is a reflection,
    and everything up to the last solve is exact: small whole numbers and η = 1/64.
    """
    x, y, start, v = at
    lr = 1 / 64

    def descend(x, y):
        path = [start]
        for _ in range(len(start) + 1):
            path.append(path[-1] - lr * x.T @ (x @ path[-1] - y))
        return np.array(path)

    path = descend(x, y)
    if v @ v in (1, 2, 4, 8):  # then Q is exact
        Q = np.eye(len(v)) - 2 / (v @ v) * np.outer(v, v)
        assert equal(descend(Q @ x, Q @ y), path)
    points = with_one(path[:-1])
    if rank(points) < points.shape[1] or np.linalg.cond(points) > 1e6:
        return
    gram, correlation = recover_gram(path, lr=lr)
    # What a backward stable solve may do: its condition number, times the rounding of the gradients.
    slack = 64 * eps * np.linalg.cond(points) * (np.linalg.norm(x) ** 2 + np.linalg.norm(x.T @ y))
    assert within(gram, x.T @ x, slack)
    assert within(correlation, x.T @ y, slack)


def solved_for_gram(points, gradients):
    solution = np.linalg.lstsq(with_one(points), gradients, rcond=None)[0]
    return solution[:-1], -solution[-1]


@least_squares_checkpoints_show_the_gram_matrix_and_no_more.refutes("recover_gram")
def forgets_the_learning_rate(checkpoints, *, lr):
    return solved_for_gram(checkpoints[:-1], checkpoints[:-1] - checkpoints[1:])


@least_squares_checkpoints_show_the_gram_matrix_and_no_more.refutes("recover_gram")
def puts_the_gradient_at_the_later_checkpoint(checkpoints, *, lr):
    return solved_for_gram(checkpoints[1:], (checkpoints[:-1] - checkpoints[1:]) / lr)


@least_squares_checkpoints_show_the_gram_matrix_and_no_more.refutes("recover_gram")
def takes_the_step_for_the_gradient(checkpoints, *, lr):
    return solved_for_gram(checkpoints[:-1], (checkpoints[1:] - checkpoints[:-1]) / lr)


@least_squares_checkpoints_show_the_gram_matrix_and_no_more.refutes("recover_gram")
def forgets_the_targets(checkpoints, *, lr):
    points, gradients = checkpoints[:-1], (checkpoints[:-1] - checkpoints[1:]) / lr
    gram = np.linalg.lstsq(points, gradients, rcond=None)[0]
    return gram, np.zeros(len(gram))


@least_squares_checkpoints_show_the_gram_matrix_and_no_more.refutes("recover_gram")
def forgets_the_sign_of_the_targets(checkpoints, *, lr):
    gram, correlation = solved_for_gram(checkpoints[:-1], (checkpoints[:-1] - checkpoints[1:]) / lr)
    return gram, -correlation


@legal("recover_gram")
def subtracts_the_first_gradient(checkpoints, *, lr):
    points, gradients = checkpoints[:-1], (checkpoints[:-1] - checkpoints[1:]) / lr
    moves, changes = points[1:] - points[0], gradients[1:] - gradients[0]
    gram = np.linalg.lstsq(moves, changes, rcond=None)[0]
    return gram, points[0] @ gram - gradients[0]


@claim(at=small_integer_arrays(x="ND", W="DC", y="NC"), steps=choices(1, 2, 3))
def weights_leave_the_span_of_the_data_only_as_they_came(distance_to_span, at, steps):
    """Descent on a layer that sees the data adds combinations of inputs: from zero, its weights stay in their span.

    From any start, how far each unit's weights are from the span of the inputs never changes.  Here with tanh units
    and no bias; the loss enters by its gradient alone.
    """
    x, W, y = at
    before = distance_to_span(W.T, x)
    start = np.zeros_like(W)
    for _ in range(steps):
        W, start = (each - 0.25 * x.T @ (np.tanh(x @ each) - y) for each in (W, start))
    # A few roundings of numbers below 1000, and of the projection.
    slack = 2**16 * eps
    assert within(distance_to_span(W.T, x), before, slack)
    assert at_most(distance_to_span(start.T, x), slack)


for mistake in (measures_the_part_in_the_span, measures_to_the_nearest_row, knows_only_the_strongest_direction):
    weights_leave_the_span_of_the_data_only_as_they_came.refutes("distance_to_span")(mistake)


@claim(at=integer_arrays(near="N", far="M", shift=""), side=choices(1, -1), gap=choices(1.0, 0.5, 4.0))
def the_largest_margin_depends_on_two_points(max_margin_line, at, side, gap):
    """On numbers, the separating line of largest margin depends on the closest two of different classes alone.

    Logistic regression converges to its direction.  y(wx + b) ≥ 1 for all, with equality at these two, and no
    smaller |w| can do that, since it asks for |w| times their distance ≥ 2.  All other points can be moved away or
    left out, and leave no trace.

    Source: Soudry, Hoffer, Nacson, Gunasekar and Srebro, The Implicit Bias of Gradient Descent on Separable Data,
    JMLR 19(70), 2018.
    """
    p, n = side * (np.abs(at.near) + gap) + at.shift, -side * np.abs(at.far) + at.shift
    x = np.concatenate([n[:1], p, n[1:]])
    y = np.concatenate([[-1], np.ones(len(p), dtype=int), -np.ones(len(n) - 1, dtype=int)])
    w, b = max_margin_line(x, y)
    # Products and sums of numbers up to 2000, each rounded once or twice.
    slack = 8 * eps * (np.abs(w * x) + abs(b) + 1)
    assert at_most(1 - slack, y * (w * x + b))
    closest = np.array([p[np.argmin(np.abs(p - at.shift))], n[np.argmin(np.abs(n - at.shift))]])
    assert within(w * closest + b, [1.0, -1.0], slack.max())
    assert equal(max_margin_line(closest, np.array([1, -1])), (w, b))


def line_between(p, n):
    return float(2 / (p - n)), float((p + n) / (n - p))


@the_largest_margin_depends_on_two_points.refutes("max_margin_line")
def puts_the_line_between_the_means(x, y):
    return line_between(x[y == 1].mean(), x[y == -1].mean())


@the_largest_margin_depends_on_two_points.refutes("max_margin_line")
def takes_the_positive_class_to_be_on_the_right(x, y):
    return line_between(x[y == 1].min(), x[y == -1].max())


@the_largest_margin_depends_on_two_points.refutes("max_margin_line")
def takes_the_outermost_points(x, y):
    side = np.sign(x[y == 1].mean() - x[y == -1].mean())
    return line_between(side * np.max(side * x[y == 1]), side * np.min(side * x[y == -1]))


@the_largest_margin_depends_on_two_points.refutes("max_margin_line")
def forgets_that_the_margin_has_two_sides(x, y):
    w, b = tries_all_pairs(x, y)
    return w / 2, b / 2


@the_largest_margin_depends_on_two_points.refutes("max_margin_line")
def fits_the_labels_by_least_squares(x, y):
    deviation = x - x.mean()
    w = float(deviation @ y / (deviation @ deviation))
    return w, float(y.mean() - w * x.mean())


@legal("max_margin_line")
def tries_all_pairs(x, y):
    return line_between(*min(product(x[y == 1], x[y == -1]), key=lambda pair: abs(pair[0] - pair[1])))


# What hides it: precision


def stored(values, bits):
    """Return values rounded to so many significant bits: 11 are float16's, 24 float32's, 53 float64's."""
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.rint(np.ldexp(mantissa, bits)), exponent - bits)


formats = choices(11, 24, 53)


@claim(at=real_arrays(x="D", W="DH", b="H", delta="H"), lr=choices(0.5, 0.1, 0.01, 1e-4), bits=formats)
def stored_precision_limits_the_reading(recover_input, at, lr, bits):
    """Rounded checkpoints show the input up to u(|W| + |x||b|)/(η|δ|), if a stored bias has moved.

    u is 2⁻¹¹ for float16, 2⁻²⁴ for float32, 2⁻⁵³ for float64; |W| and |b| stand for the sum over both checkpoints,
    the largest over the units, and η|δ| for the largest move of a stored bias.
    A reading that uses all H units may err H times as much.
    """
    W_after, b_after = at.W - lr * np.outer(at.x, at.delta), at.b - lr * at.delta
    W0, b0, W1, b1 = (stored(values, bits) for values in (at.W, at.b, W_after, b_after))
    found = recover_input(W0, b0, W1, b1)
    largest = np.max(np.abs(b1 - b0))
    if largest == 0:
        assert found is None
        return
    u = 2.0**-bits + 4 * eps  # the step itself is computed in float64
    x = np.abs(at.x)
    errors = u * ((np.abs(W0) + np.abs(W1)).max(axis=1) + x * (np.abs(b0) + np.abs(b1)).max())
    bound = len(at.b) * errors / largest
    # Besides, the reading rounds a few times itself.
    assert within(found, at.x, bound + gamma(16) * (x + bound))


@stored_precision_limits_the_reading.refutes("recover_input")
def reads_the_smallest_change(W_before, b_before, W_after, b_after):
    smallest = quotient_of(lambda db: np.argmin(np.where(db == 0, np.inf, np.abs(db))))
    return smallest(W_before, b_before, W_after, b_after)


@stored_precision_limits_the_reading.refutes(
    "recover_input",
    by={"at": case(x=[1], W=[[0, 0]], b=[1, 0], delta=[0.101, 10]), "lr": 0.5, "bits": 11},
)
def averages_the_readings_of_all_units(W_before, b_before, W_after, b_after):
    dW, db = W_after - W_before, b_after - b_before
    return (dW[:, db != 0] / db[db != 0]).mean(axis=1) if db.any() else None


@stored_precision_limits_the_reading.refutes("recover_input")
def adds_eps_to_the_bias(W_before, b_before, W_after, b_after):
    padded = quotient_of(clearest, bias=lambda before, after: after - before + 1e-8)
    return padded(W_before, b_before, W_after, b_after)


stored_precision_limits_the_reading.refutes("recover_input")(reads_the_first_unit_always)
stored_precision_limits_the_reading.refutes("recover_input")(takes_the_largest_change_with_its_sign)


rounded = integer_arrays(W0="DH", b0="H", W1="DH", b1="H")


@claim(at=rounded, u=choices(2.0**-11, 0.0, 2.0**-3, 0.5))
def rounding_blurs_a_reading_by_exactly_this_much(rounding_blur, at, u):
    """If each stored number is off by at most u of itself, ΔW/Δb is off by (E_W + |ΔW/Δb| E_b)/(|Δb| − E_b) at most.

    E is u times the sum of both checkpoints' sizes.  The bound is attained: it is the largest over the 16 corners of
    what the four numbers may have been.  Where |Δb| ≤ E_b, the bias may not have moved at all, and there is no
    limit.
    """
    W0, b0, W1, b1 = at
    blur = rounding_blur(W0, b0, W1, b1, unit_roundoff=u)
    known = np.abs(b1 - b0) > u * (np.abs(b0) + np.abs(b1))
    W0, b0, W1, b1 = (each[..., known] for each in at)
    reading = (W1 - W0) / (b1 - b0)
    corners = [
        (W1 + k * u * np.abs(W1) - W0 - i * u * np.abs(W0)) / (b1 + m * u * np.abs(b1) - b0 - j * u * np.abs(b0))
        for i, j, k, m in product((-1, 1), repeat=4)
    ]
    furthest = np.max(np.abs(np.array(corners) - reading), axis=0, initial=0.0)
    # Sums and products are exact here; quotients round, and their difference by ε of the larger.
    size = np.max(np.abs(corners), axis=0, initial=0.0) + np.abs(reading)
    assert within(blur[:, known], furthest, 4 * eps * size)
    assert equal(blur[:, ~known], np.full_like(blur[:, ~known], np.inf))


def blurred(W0, b0, W1, b1, u, *, weights=1.0, biases=1.0, shrink=1.0, before=1.0):
    dW, db = W1 - W0, b1 - b0
    E_W = weights * u * (before * np.abs(W0) + np.abs(W1))
    E_b = biases * u * (before * np.abs(b0) + np.abs(b1))
    with np.errstate(all="ignore"):
        return np.where(np.abs(db) > E_b, (E_W + np.abs(dW / db) * E_b) / (np.abs(db) - shrink * E_b), np.inf)


@rounding_blurs_a_reading_by_exactly_this_much.refutes("rounding_blur")
def forgets_that_the_biases_are_rounded(W_before, b_before, W_after, b_after, *, unit_roundoff):
    return blurred(W_before, b_before, W_after, b_after, unit_roundoff, biases=0.0)


@rounding_blurs_a_reading_by_exactly_this_much.refutes("rounding_blur")
def forgets_that_the_weights_are_rounded(W_before, b_before, W_after, b_after, *, unit_roundoff):
    return blurred(W_before, b_before, W_after, b_after, unit_roundoff, weights=0.0)


@rounding_blurs_a_reading_by_exactly_this_much.refutes("rounding_blur")
def takes_only_one_checkpoint_for_rounded(W_before, b_before, W_after, b_after, *, unit_roundoff):
    return blurred(W_before, b_before, W_after, b_after, unit_roundoff, before=0.0)


@rounding_blurs_a_reading_by_exactly_this_much.refutes("rounding_blur")
def stops_at_first_order(W_before, b_before, W_after, b_after, *, unit_roundoff):
    return blurred(W_before, b_before, W_after, b_after, unit_roundoff, shrink=0.0)


@rounding_blurs_a_reading_by_exactly_this_much.refutes("rounding_blur")
def takes_the_difference_for_rounded(W_before, b_before, W_after, b_after, *, unit_roundoff):
    db = np.abs(b_after - b_before)
    with np.errstate(all="ignore"):
        return np.where(db > 0, 2 * unit_roundoff * np.abs(W_after - W_before) / db, np.inf)


@rounding_blurs_a_reading_by_exactly_this_much.refutes("rounding_blur")
def reads_on_where_nothing_is_sure(W_before, b_before, W_after, b_after, *, unit_roundoff):
    blur = blurred(W_before, b_before, W_after, b_after, unit_roundoff)
    return np.where(np.isinf(blur), 0.0, blur)


@legal("rounding_blur")
def goes_through_the_corners(W_before, b_before, W_after, b_after, *, unit_roundoff):
    dW, db = W_after - W_before, b_after - b_before
    E_W = unit_roundoff * (np.abs(W_before) + np.abs(W_after))
    E_b = unit_roundoff * (np.abs(b_before) + np.abs(b_after))
    blur = np.full(dW.shape, np.inf)
    for i, j in np.ndindex(dW.shape):
        if abs(db[j]) > E_b[j]:
            ends = [(dW[i, j] + s * E_W[i, j]) / (db[j] + t * E_b[j]) for s in (-1, 1) for t in (-1, 1)]
            blur[i, j] = max(abs(end - dW[i, j] / db[j]) for end in ends)
    return blur


# What hides it: clipping and noise


sensitive = real_arrays(g="BP", other="P")
limits = choices(1.0, 0.5, 10.0, 0.01)


@claim(at=sensitive, max_norm=limits, scale=small_units)
def clipping_shortens_what_is_longer_and_nothing_else(clip_per_example, at, max_norm, scale):
    """Clipping leaves each gradient up to the limit as it is, and shortens a longer one to the limit.

    Each example by its own norm, however small limit and norm are; the direction stays.
    """
    g, max_norm = scale * at.g, scale * max_norm
    clipped = clip_per_example(g, max_norm=max_norm)
    norms = np.linalg.norm(g, axis=1)
    short = norms <= max_norm
    assert equal(clipped[short], g[short])
    # A norm of at most 4 numbers, a quotient and a product.
    expected = g[~short] / norms[~short, None] * max_norm
    assert within(clipped[~short], expected, gamma(16) * np.abs(expected))


@convention("clip_per_example", "it divides by the norm plus 10⁻⁶, as Opacus does, where this slot does not")
def divides_by_each_norm_plus_a_millionth(per_example_grads, *, max_norm):
    norms = np.linalg.norm(per_example_grads, axis=1, keepdims=True)
    return per_example_grads * np.minimum(1.0, max_norm / (norms + 1e-6))


@clipping_shortens_what_is_longer_and_nothing_else.refutes("clip_per_example")
def leaves_norms_below_1e8th(per_example_grads, *, max_norm):
    norms = np.linalg.norm(per_example_grads, axis=1, keepdims=True)
    return np.where(norms > 1e-8, per_example_grads * (max_norm / np.maximum(norms, max_norm)), per_example_grads)


@clipping_shortens_what_is_longer_and_nothing_else.refutes("clip_per_example")
def clips_each_entry(per_example_grads, *, max_norm):
    return np.clip(per_example_grads, -max_norm, max_norm)


@clipping_shortens_what_is_longer_and_nothing_else.refutes("clip_per_example")
def clips_by_the_norm_of_the_batch(per_example_grads, *, max_norm):
    return per_example_grads * min(1.0, max_norm / max(np.linalg.norm(per_example_grads), max_norm))


@clipping_shortens_what_is_longer_and_nothing_else.refutes("clip_per_example")
def lengthens_short_gradients(per_example_grads, *, max_norm):
    norms = np.linalg.norm(per_example_grads, axis=1, keepdims=True)
    return per_example_grads * np.divide(max_norm, norms, out=np.zeros_like(norms), where=norms > 0)


@clipping_shortens_what_is_longer_and_nothing_else.refutes("clip_per_example")
def divides_by_the_squared_norm(per_example_grads, *, max_norm):
    squares = np.sum(per_example_grads**2, axis=1, keepdims=True)
    return per_example_grads * (max_norm / np.maximum(squares, max_norm))


@clipping_shortens_what_is_longer_and_nothing_else.refutes("clip_per_example")
def clips_each_parameter_over_the_batch(per_example_grads, *, max_norm):
    norms = np.linalg.norm(per_example_grads, axis=0)
    return per_example_grads * (max_norm / np.maximum(norms, max_norm))


@clipping_shortens_what_is_longer_and_nothing_else.refutes("clip_per_example")
def drops_what_is_longer(per_example_grads, *, max_norm):
    return per_example_grads * (np.linalg.norm(per_example_grads, axis=1, keepdims=True) <= max_norm)


@legal("clip_per_example")
def clips_one_by_one(per_example_grads, *, max_norm):
    rows = []
    for g in per_example_grads:
        norm = math.hypot(*g)
        rows.append(g * (max_norm / norm) if norm > max_norm else g.copy())
    return np.array(rows)


@claim(at=sensitive, max_norm=limits)
def replacing_one_example_moves_the_mean_by_2c_over_b(dp_aggregate, at, max_norm):
    """The mean of B gradients clipped to C moves by at most 2C/B when one example is replaced by any other.

    Attained by a gradient that is longer than C and its opposite.
    """

    def release(gradients):
        return dp_aggregate(gradients, max_norm=max_norm, noise_multiplier=0.0, rng=np.random.default_rng(0))

    replaced, opposite = at.g.copy(), at.g.copy()
    replaced[0], opposite[0] = at.other, -at.g[0]
    limit = 2 * max_norm / len(at.g)
    # Clipping and the mean round a few times, relative to C.
    slack = gamma(32) * max_norm
    assert at_most(np.linalg.norm(release(replaced) - release(at.g)), limit + slack)
    if np.linalg.norm(at.g[0]) > max_norm:
        assert within(np.linalg.norm(release(opposite) - release(at.g)), limit, slack)


def noisy(mean, *, std, rng):
    return mean + std * rng.standard_normal(mean.shape)


def clipped_mean(gradients, max_norm):
    return clips_one_by_one(gradients, max_norm=max_norm).mean(axis=0)


@replacing_one_example_moves_the_mean_by_2c_over_b.refutes("dp_aggregate")
def clips_the_mean(per_example_grads, *, max_norm, noise_multiplier, rng):
    mean = clipped_mean(per_example_grads.mean(axis=0)[None], max_norm)
    return noisy(mean, std=noise_multiplier * max_norm / len(per_example_grads), rng=rng)


@replacing_one_example_moves_the_mean_by_2c_over_b.refutes("dp_aggregate")
def forgets_to_clip(per_example_grads, *, max_norm, noise_multiplier, rng):
    mean = per_example_grads.mean(axis=0)
    return noisy(mean, std=noise_multiplier * max_norm / len(per_example_grads), rng=rng)


@replacing_one_example_moves_the_mean_by_2c_over_b.refutes("dp_aggregate")
def releases_the_sum(per_example_grads, *, max_norm, noise_multiplier, rng):
    total = clips_one_by_one(per_example_grads, max_norm=max_norm).sum(axis=0)
    return noisy(total, std=noise_multiplier * max_norm, rng=rng)


@replacing_one_example_moves_the_mean_by_2c_over_b.refutes("dp_aggregate")
def clips_twice_as_tightly(per_example_grads, *, max_norm, noise_multiplier, rng):
    mean = clipped_mean(per_example_grads, max_norm / 2)
    return noisy(mean, std=noise_multiplier * max_norm / len(per_example_grads), rng=rng)


@legal("dp_aggregate")
def draws_the_noise_first(per_example_grads, *, max_norm, noise_multiplier, rng):
    B, P = per_example_grads.shape
    total = rng.normal(0.0, 1.0, size=P) * (noise_multiplier * max_norm)
    for g in clips_one_by_one(per_example_grads, max_norm=max_norm):
        total = total + g
    return total / B


SURPRISE = 40.0  # a right implementation exceeds it with probability e⁻⁴⁰ in each look


def is_standard_normal(r):
    """Return True if numbers look like independent standard normal ones, by bounds that hold for any number of them.

    Their sum has a normal tail; the sum of their squares obeys Laurent and Massart's bound, also for the sums and
    differences of the two halves; the numbers beyond 1.7 and 3 are binomial, by Chernoff's bound.
    """
    n = len(r)
    first, second = r[: n // 2], r[n // 2 :]
    if abs(r.sum()) > math.sqrt(2 * SURPRISE * n):
        return Off(f"the noise has mean {r.mean():.3g} in units of its deviation")
    for part in (r, (first + second) / math.sqrt(2), (first - second) / math.sqrt(2)):
        m, square = len(part), float(part @ part)
        if not -2 * math.sqrt(m * SURPRISE) <= square - m <= 2 * math.sqrt(m * SURPRISE) + 2 * SURPRISE:
            return Off(f"the noise has variance {square / m:.3g} where it should have 1")
    for beyond in (1.7, 3.0):
        rate, seen = 2 * NormalDist().cdf(-beyond), float(np.mean(np.abs(r) > beyond))
        parts = ((seen, rate), (1 - seen, 1 - rate))
        if n * sum(a * math.log(a / b) for a, b in parts if a > 0) > SURPRISE:
            return Off(f"{seen:.2%} of the noise is beyond {beyond} deviations, not {rate:.2%}")
    return True


@claim(
    batch=choices(1, 2, 3, 4),
    max_norm=choices(1.0, 0.5, 4.0),
    noise_multiplier=choices(1.0, 0.25, 3.0),
    length=choices(90.0, 0.0, 2.0**-10),
    rng=generators(),
)
def noise_is_normal_with_deviation_sigma_c_over_b(dp_aggregate, batch, max_norm, noise_multiplier, length, rng):
    """The release adds to each coordinate fresh and independent normal noise of deviation σC/B.

    However short the gradients are: the noise hides what may be there.  On 8,192 coordinates, twice in a row, and
    the halves of each.  A right implementation is refuted with probability below 1e-16 a case.
    """
    gradients = np.full((batch, 8192), length / 2.0**6.5)
    std = noise_multiplier * max_norm / batch
    options = {"max_norm": max_norm, "rng": rng}
    mean = dp_aggregate(gradients, noise_multiplier=0.0, **options)
    one, two = ((dp_aggregate(gradients, noise_multiplier=noise_multiplier, **options) - mean) / std for _ in range(2))
    for noise in (np.concatenate([one, two]), one):
        assert is_standard_normal(noise)


@noise_is_normal_with_deviation_sigma_c_over_b.refutes("dp_aggregate")
def scales_the_noise_by_the_longest_gradient(per_example_grads, *, max_norm, noise_multiplier, rng):
    longest = min(max_norm, np.linalg.norm(per_example_grads, axis=1).max())
    std = noise_multiplier * longest / len(per_example_grads)
    return noisy(clipped_mean(per_example_grads, max_norm), std=std, rng=rng)


@noise_is_normal_with_deviation_sigma_c_over_b.refutes("dp_aggregate")
def adds_noise_only_where_it_clips(per_example_grads, *, max_norm, noise_multiplier, rng):
    clips = np.any(np.linalg.norm(per_example_grads, axis=1) > max_norm)
    std = clips * noise_multiplier * max_norm / len(per_example_grads)
    return noisy(clipped_mean(per_example_grads, max_norm), std=std, rng=rng)


@noise_is_normal_with_deviation_sigma_c_over_b.refutes("dp_aggregate")
def mirrors_the_noise_of_the_first_half(per_example_grads, *, max_norm, noise_multiplier, rng):
    half = rng.standard_normal(-(-per_example_grads.shape[1] // 2))
    noise = np.append(half, -half)[: per_example_grads.shape[1]]
    return clipped_mean(per_example_grads, max_norm) + noise_multiplier * max_norm / len(per_example_grads) * noise


@noise_is_normal_with_deviation_sigma_c_over_b.refutes("dp_aggregate")
def forgets_that_the_noise_is_averaged(per_example_grads, *, max_norm, noise_multiplier, rng):
    return noisy(clipped_mean(per_example_grads, max_norm), std=noise_multiplier * max_norm, rng=rng)


@noise_is_normal_with_deviation_sigma_c_over_b.refutes("dp_aggregate")
def adds_noise_to_every_example(per_example_grads, *, max_norm, noise_multiplier, rng):
    std = noise_multiplier * max_norm / math.sqrt(len(per_example_grads))
    return noisy(clipped_mean(per_example_grads, max_norm), std=std, rng=rng)


@noise_is_normal_with_deviation_sigma_c_over_b.refutes("dp_aggregate")
def forgets_that_the_noise_scales_with_the_limit(per_example_grads, *, max_norm, noise_multiplier, rng):
    return noisy(clipped_mean(per_example_grads, max_norm), std=noise_multiplier / len(per_example_grads), rng=rng)


@noise_is_normal_with_deviation_sigma_c_over_b.refutes("dp_aggregate")
def takes_the_variance_for_the_deviation(per_example_grads, *, max_norm, noise_multiplier, rng):
    std = (noise_multiplier * max_norm / len(per_example_grads)) ** 2
    return noisy(clipped_mean(per_example_grads, max_norm), std=std, rng=rng)


@noise_is_normal_with_deviation_sigma_c_over_b.refutes("dp_aggregate")
def draws_one_number_for_all_coordinates(per_example_grads, *, max_norm, noise_multiplier, rng):
    std = noise_multiplier * max_norm / len(per_example_grads)
    return clipped_mean(per_example_grads, max_norm) + std * rng.standard_normal()


@noise_is_normal_with_deviation_sigma_c_over_b.refutes("dp_aggregate")
def draws_the_same_noise_every_time(per_example_grads, *, max_norm, noise_multiplier, rng):
    std = noise_multiplier * max_norm / len(per_example_grads)
    return noisy(clipped_mean(per_example_grads, max_norm), std=std, rng=np.random.default_rng(0))


@noise_is_normal_with_deviation_sigma_c_over_b.refutes("dp_aggregate")
def draws_uniform_noise(per_example_grads, *, max_norm, noise_multiplier, rng):
    std = noise_multiplier * max_norm / len(per_example_grads)
    mean = clipped_mean(per_example_grads, max_norm)
    return mean + std * math.sqrt(3) * rng.uniform(-1, 1, size=mean.shape)


@noise_is_normal_with_deviation_sigma_c_over_b.refutes("dp_aggregate")
def draws_laplace_noise(per_example_grads, *, max_norm, noise_multiplier, rng):
    std = noise_multiplier * max_norm / len(per_example_grads)
    mean = clipped_mean(per_example_grads, max_norm)
    return mean + rng.laplace(0, std / math.sqrt(2), size=mean.shape)


@noise_is_normal_with_deviation_sigma_c_over_b.refutes("dp_aggregate")
def adds_no_noise(per_example_grads, *, max_norm, noise_multiplier, rng):
    return clipped_mean(per_example_grads, max_norm)


@claim(distance=choices(1.0, 0.0, 0.5, 2.0, 4.0, 0.01, 20.0, 1e-9), noise_std=choices(1.0, 0.5, 0.0, 3.0, 1e-9, 100.0))
def noise_caps_every_guess(guess_probability, distance, noise_std):
    """No guess between two equally likely values Δ apart beats Φ(Δ/2σ) when normal noise of deviation σ hides them.

    The likelihood ratio rises along the line through the two, so the best guess is a threshold on it, by Neyman and
    Pearson's lemma: that in the middle attains the bound, and none on a grid exceeds it.  For vectors Δ is their
    Euclidean distance.  Without noise the guess is right always, or by chance where Δ = 0.

    Source: Dong, Roth and Su, Gaussian Differential Privacy, 2019, arXiv 1905.02383.
    """
    found = guess_probability(distance, noise_std=noise_std)
    if noise_std == 0:
        assert found == (1.0 if distance > 0 else 0.5)
        return
    at_0, at_distance = NormalDist(0, noise_std), NormalDist(distance, noise_std)

    def guesses_right(threshold):
        return (at_0.cdf(threshold) + 1 - at_distance.cdf(threshold)) / 2

    # Probabilities near 1 and quotients of the arguments: a few ε.
    assert within(found, guesses_right(distance / 2), 8 * eps)
    grid = distance / 2 + noise_std * np.linspace(-4, 4, 17)
    assert at_most([guesses_right(threshold) for threshold in grid], found + 8 * eps)


@noise_caps_every_guess.refutes("guess_probability")
def forgets_the_half(distance, *, noise_std):
    return NormalDist().cdf(distance / noise_std) if noise_std else (1.0 if distance else 0.5)


@noise_caps_every_guess.refutes("guess_probability")
def takes_the_overlap(distance, *, noise_std):
    return NormalDist().cdf(-distance / (2 * noise_std)) if noise_std else (0.0 if distance else 0.5)


@noise_caps_every_guess.refutes("guess_probability")
def takes_erf_for_phi(distance, *, noise_std):
    return (1 + math.erf(distance / (2 * noise_std))) / 2 if noise_std else (1.0 if distance else 0.5)


@noise_caps_every_guess.refutes("guess_probability")
def forgets_that_guessing_blindly_is_right_half_the_time(distance, *, noise_std):
    return math.erf(distance / (math.sqrt(8) * noise_std)) if noise_std else (1.0 if distance else 0.0)


@noise_caps_every_guess.refutes("guess_probability", by={"distance": 0.0, "noise_std": 0.0})
def is_sure_without_noise_and_without_distance(distance, *, noise_std):
    return math.erfc(-distance / (noise_std * math.sqrt(8))) / 2 if noise_std else 1.0


@legal("guess_probability")
def adds_half_the_total_variation(distance, *, noise_std):
    if noise_std == 0:
        return 1.0 - 0.5 * (distance == 0)
    return 0.5 + math.erf(distance / (2 * math.sqrt(2) * noise_std)) / 2


# Measured on digits


WIDTH, IMAGES = 32, 20


def image_step(layers, x, y, lr):
    """Return the layers after one step on a batch of digits, and the gradients of the first one."""
    out, cache = lab.relu_forward(x, *layers)
    _, d_weights, d_biases = lab.relu_backward(lab.cross_entropy_gradient(out, y), cache)
    moved = [
        [p - lr * g for p, g in zip(each, gradient, strict=True)]
        for each, gradient in zip(layers, (d_weights, d_biases), strict=True)
    ]
    return moved, (d_weights, d_biases)


def kept_as(kind, *checkpoints):
    """Return weights and biases of the first layer as each of the checkpoints keeps them in this format."""
    return [each[0].astype(kind).astype(float) for layers in checkpoints for each in layers]


def worst_pixel(found, x):
    """Return the largest error of a pixel, on a scale from 0 to 1; infinite if nothing was found."""
    return float(np.max(np.abs(found - x))) if found is not None and np.isfinite(found).all() else np.inf


def is_nearest(found, i):
    """Return whether of all 1,797 digits number i is the one that is nearest to what was found."""
    return found is not None and bool(np.argmin(np.linalg.norm(digits().x - found, axis=1)) == i)


@measured(seeds=30, false_hold=false_hold(24, 30), false_alarm=false_alarm(24, 30, calibrated=1000, runs=1000))
def digits_are_read_off_two_checkpoints(recover_input, infer_label, seeds):
    """Trained on one digit a step, a network shows each digit and its label in the checkpoints around the step.

    64–32–10, ReLU, η = 0.05, twenty steps.  From float64 checkpoints no pixel is off by more than 1e-12, from float32
    by more than 1e-4, on a scale from 0 to 1, and all labels are right.  24 of 30 seeds must succeed, and the run stops
    once that is settled.  In 1000 calibration runs all succeeded: the worst pixel was off by 1.1e-14 and 5.3e-6.
    """
    x, y = digits()
    worst = []

    def holds(seed):
        rng = np.random.default_rng(seed)
        layers = lab.draw_layers([64, WIDTH, 10], rng, gain=2.0)
        errors = {np.float64: 0.0, np.float32: 0.0}
        for i in rng.choice(len(x), IMAGES, replace=False):
            moved, _ = image_step(layers, x[i : i + 1], y[i : i + 1], 0.05)
            for kind, error in errors.items():
                errors[kind] = max(error, worst_pixel(recover_input(*kept_as(kind, layers, moved)), x[i]))
            if infer_label(layers[1][1], moved[1][1]) != y[i]:
                return False
            layers = moved
        worst.append(list(errors.values()))
        return errors[np.float64] <= 1e-12 and errors[np.float32] <= 1e-4

    assert at_least(24, 30, ((seed, holds(seed)) for seed in seeds))
    double, single = np.max(worst, axis=0)
    return {"double": double, "single": single}


digits_are_read_off_two_checkpoints.refutes("recover_input")(forgets_to_divide_by_the_bias)
digits_are_read_off_two_checkpoints.refutes("recover_input")(reads_the_first_unit_always)
digits_are_read_off_two_checkpoints.refutes("recover_input")(reads_the_last_checkpoint_alone)
digits_are_read_off_two_checkpoints.refutes("recover_input")(adds_eps_to_the_bias)
digits_are_read_off_two_checkpoints.refutes("infer_label")(takes_the_bias_that_fell_most)


@measured(seeds=30, false_hold=false_hold(24, 30), false_alarm=false_alarm(24, 30, calibrated=1000, runs=1000))
def half_precision_hides_digits_at_small_rates_only(recover_input, seeds):
    """Float16 checkpoints show a digit after a step of η = 0.05, and hardly anything after one of η = 0.00001.

    64–32–10, ReLU, fresh weights, one step from them on each of twenty digits.  At η = 0.05 the reading's median worst
    pixel is off by less than 1/32, half a grey level, and the nearest of all 1,797 digits is the right one at least
    19 times of 20; at 0.00001 at most 5 times.  24 of 30 seeds must succeed, and the run stops once that is settled.
    In 1000 calibration runs all succeeded: the median errors at 0.05 were 0.004 to 0.010, the right
    digit was nearest to every reading there, and to 2 readings of 20 at most at 0.00001.
    """
    x, y = digits()
    reached = []

    def holds(seed):
        rng = np.random.default_rng(seed)
        layers = lab.draw_layers([64, WIDTH, 10], rng, gain=2.0)
        chosen = rng.choice(len(x), IMAGES, replace=False)
        errors, found = [], []
        for lr in (0.05, 0.001, 0.00001):
            readings = []
            for i in chosen:
                moved, _ = image_step(layers, x[i : i + 1], y[i : i + 1], lr)
                readings.append(recover_input(*kept_as(np.float16, layers, moved)))
            errors.append(np.median([worst_pixel(reading, x[i]) for reading, i in zip(readings, chosen, strict=True)]))
            found.append(np.mean([is_nearest(reading, i) for reading, i in zip(readings, chosen, strict=True)]))
        reached.append([*errors, *found])
        return errors[0] < 1 / 32 and found[0] >= 0.95 and found[2] <= 0.25

    assert at_least(24, 30, ((seed, holds(seed)) for seed in seeds))
    names = ("error", "error_slow", "error_slower", "found", "found_slow", "found_slower")
    return dict(zip(names, np.mean(reached, axis=0), strict=True))


half_precision_hides_digits_at_small_rates_only.refutes("recover_input")(forgets_to_divide_by_the_bias)
half_precision_hides_digits_at_small_rates_only.refutes("recover_input")(reads_the_smallest_change)


@measured(seeds=30, false_hold=false_hold(24, 30), false_alarm=false_alarm(24, 30, calibrated=1000, runs=1000))
def a_batch_hides_digits_but_not_which_they_were(recover_input, distance_to_span, seeds):
    """A step on sixteen digits shows no digit in the clearest unit, but which of all 1,797 were among them.

    64–64–10, ReLU, fresh weights, η = 0.05, float64.  The reading is off by 0.2 in some pixel from each of them;
    yet their distance from the span of the changes is below 1e-6, and that of every other digit above 0.05.
    24 of 30 seeds must succeed, and the run stops once that is settled.  In 1000 calibration runs all succeeded:
    the reading was off by 0.243 at least, the distances were at most 6.3e-13, and at least 0.188.
    """
    x, y = digits()
    reached = []

    def holds(seed):
        rng = np.random.default_rng(seed)
        (weights, biases) = layers = lab.draw_layers([64, 64, 10], rng, gain=2.0)
        chosen = np.isin(np.arange(len(x)), rng.choice(len(x), 16, replace=False))
        (moved, moved_biases), _ = image_step(layers, x[chosen], y[chosen], 0.05)
        reading = recover_input(weights[0], biases[0], moved[0], moved_biases[0])
        error = min(worst_pixel(reading, each) for each in x[chosen])
        changes = np.vstack([moved[0] - weights[0], moved_biases[0] - biases[0]]).T
        distances = distance_to_span(with_one(x), changes)
        inside, outside = distances[chosen].max(), distances[~chosen].min()
        reached.append([error, inside, outside])
        return error > 0.2 and inside < 1e-6 and outside > 0.05

    assert at_least(24, 30, ((seed, holds(seed)) for seed in seeds))
    error, inside, outside = np.array(reached).T
    return {"error": error.min(), "inside": inside.max(), "outside": outside.min()}


a_batch_hides_digits_but_not_which_they_were.refutes("distance_to_span")(measures_to_the_nearest_row)
a_batch_hides_digits_but_not_which_they_were.refutes("distance_to_span")(knows_only_the_strongest_direction)
a_batch_hides_digits_but_not_which_they_were.refutes("distance_to_span")(takes_rounding_for_a_direction)


@measured(seeds=30, false_hold=false_hold(24, 30), false_alarm=false_alarm(24, 30, calibrated=1000, runs=1000))
def chosen_weights_show_digits_that_drawn_ones_hide(recover_inputs_binned, seeds):
    """Whoever chooses the weights reads most digits off a step on sixteen, more than drawn weights could show.

    Chosen: 256 units that measure the brightness, with cuts at its quantiles, and equal outgoing weights; a digit is
    read if no pixel is off by more than 1e-6.  Drawn: 64 units of a 64–64–10 ReLU network; a digit could be read if
    it alone reaches some unit.  Of sixteen, at least eight are read with chosen weights, and at least two more than
    could be with drawn ones.  24 of 30 seeds must succeed, and the run stops once that is settled.  In 1000
    calibration runs all succeeded: 8 to 16 were read, 14 on average, where 0 to 9 could be, 4 on average.
    """
    x, y = digits()
    brightness = x.mean(axis=1)
    cuts = np.quantile(brightness, np.arange(256) / 256)
    reached = []

    def holds(seed):
        rng = np.random.default_rng(seed)
        chosen = rng.choice(len(x), 16, replace=False)
        layers = lab.draw_layers([64, 64, 10], rng, gain=2.0)
        out, (inputs, weights) = lab.relu_forward(x[chosen], *layers)
        errors = lab.cross_entropy_gradient(out, y[chosen]) @ weights[1].T * (inputs[1] > 0)
        lonely = np.count_nonzero(errors, axis=0) == 1
        drawn = np.count_nonzero(errors[:, lonely].any(axis=1))
        traps = [np.full((64, 256), 1 / 64), np.repeat(rng.normal(0, 0.1, (1, 10)), 256, axis=0)]
        _, (d_weights, d_biases) = image_step((traps, [-cuts, np.zeros(10)]), x[chosen], y[chosen], 0.05)
        rows = recover_inputs_binned(d_weights[0], d_biases[0])
        read = sum(min((worst_pixel(row, x[i]) for row in rows), default=np.inf) < 1e-6 for i in chosen)
        reached.append([read / 16, drawn / 16])
        return read >= 8 and read >= drawn + 2

    assert at_least(24, 30, ((seed, holds(seed)) for seed in seeds))
    read, drawn = np.mean(reached, axis=0)
    return {"read": read, "drawn": drawn}


chosen_weights_show_digits_that_drawn_ones_hide.refutes("recover_inputs_binned")(takes_no_differences)
chosen_weights_show_digits_that_drawn_ones_hide.refutes("recover_inputs_binned")(divides_by_the_whole_bias)


@measured(seeds=30, false_hold=false_hold(24, 30), false_alarm=false_alarm(24, 30, calibrated=1000, runs=1000))
def little_noise_hides_digits_from_a_reading(recover_input, dp_aggregate, seeds):
    """Noise of a tenth of the clipping norm hides a digit from the reading; clipping alone hides nothing.

    64–32–10, ReLU, fresh weights, the gradient of one digit, clipped to norm 1.  Without noise no pixel is off by more
    than 1e-9; with σ = 0.1 the nearest of all 1,797 digits is the right one at most 4 times of 20.  24 of 30 seeds
    must succeed, and the run stops once that is settled.  In 1000 calibration runs all succeeded: the right digit was
    nearest to 3 readings of 20 at most; at σ = 0.01, to 17 at least.
    """
    x, y = digits()
    reached = []

    def holds(seed):
        rng = np.random.default_rng(seed)
        layers = lab.draw_layers([64, WIDTH, 10], rng, gain=2.0)
        zeros = np.zeros((64, WIDTH)), np.zeros(WIDTH)
        clean, found = [], {0.01: [], 0.1: []}
        for i in rng.choice(len(x), IMAGES, replace=False):
            _, (d_weights, d_biases) = image_step(layers, x[i : i + 1], y[i : i + 1], 1.0)
            gradient = np.concatenate([g.ravel() for g in (d_weights[0], d_biases[0], d_weights[1], d_biases[1])])[None]

            def reading(noise_multiplier, gradient=gradient):
                g = dp_aggregate(gradient, max_norm=1.0, noise_multiplier=noise_multiplier, rng=rng)
                return recover_input(*zeros, g[: 64 * WIDTH].reshape(64, WIDTH), g[64 * WIDTH : 65 * WIDTH])

            clean.append(worst_pixel(reading(0.0), x[i]))
            for noise_multiplier, rights in found.items():
                rights.append(is_nearest(reading(noise_multiplier), i))
        reached.append([np.mean(rights) for rights in found.values()])
        return max(clean) < 1e-9 and np.mean(found[0.1]) <= 0.2

    assert at_least(24, 30, ((seed, holds(seed)) for seed in seeds))
    less, more = np.mean(reached, axis=0)
    return {"less": less, "more": more}


little_noise_hides_digits_from_a_reading.refutes("dp_aggregate")(adds_no_noise)


@little_noise_hides_digits_from_a_reading.refutes("dp_aggregate")
def adds_a_thousandth_of_the_noise(per_example_grads, *, max_norm, noise_multiplier, rng):
    return noisy(clipped_mean(per_example_grads, max_norm), std=1e-3 * noise_multiplier * max_norm, rng=rng)


little_noise_hides_digits_from_a_reading.refutes("recover_input")(forgets_to_divide_by_the_bias)


# Often said, but false


@myth(
    net=small_integer_arrays(x="ND", W="DH", b="H"),
    refuted_by={"net": case(x=[[0], [1]], W=[[1]], b=[0])},
)
def averaging_over_a_batch_hides_its_inputs(recover_input, net):
    """The gradient of a batch is an average, so no unit shows a single input of two different ones or more."""
    x, W, b = net
    delta = (x @ W + b > 0) * 1.0  # of a loss that is the sum of the activations
    if len(np.unique(x, axis=0)) == len(x) > 1:
        for j in range(len(b)):
            found = recover_input(W[:, [j]], b[[j]], W[:, [j]] - x.T @ delta[:, [j]], b[[j]] - delta[:, j].sum())
            assert found is None or not (found == x).all(axis=1).any()


scalar_steps = small_integer_arrays(x="D", delta="")


@myth(at=scalar_steps, refuted_by={"at": case(x=[0], delta=1)})
def the_learning_rate_and_the_label_must_be_known(recover_input, at):
    """Reading the input takes the learning rate and the label: another rate or error would show another input."""

    def reading(lr, delta):
        return recover_input(
            np.zeros((len(at.x), 1)), np.zeros(1), -lr * delta * at.x[:, None], np.array([-lr * delta])
        )

    first, second = reading(0.5, at.delta), reading(0.25, -at.delta)
    assert first is None or not equal(first, second)


@myth(at=scalar_steps, refuted_by={"at": case(x=[0], delta=1)})
def clipping_the_gradient_hides_the_input(recover_input, clip_per_example, at):
    """Clipping the gradient's norm changes it, and so hides the input."""
    g = clip_per_example(np.append(at.x, 1.0)[None] * at.delta, max_norm=0.5)[0]
    found = recover_input(np.zeros((len(at.x), 1)), np.zeros(1), g[:-1, None], g[-1:])
    # A few roundings, relative to the input.
    assert found is None or not within(found, at.x, 8 * eps * np.abs(at.x))


@myth(at=scalar_steps, refuted_by={"at": case(x=[0], delta=1)})
def what_adam_saves_shows_no_inputs(recover_input, at):
    """What Adam saves is divided by the gradient's size, so that it shows no inputs."""
    _, moments = first_adam_step(np.zeros(len(at.x) + 1), np.append(at.x, 1.0) * at.delta, 0.5)
    found = recover_input(np.zeros((len(at.x), 1)), np.zeros(1), moments[:-1, None], moments[-1:])
    # A few roundings, relative to the input.
    assert found is None or not within(found, at.x, 8 * eps * np.abs(at.x))


@myth(at=small_integer_arrays(points="N"), refuted_by={"at": case(points=[0, 1])})
def the_final_weights_hold_every_example(max_margin_line, at):
    """The final weights hold the training data: without any one example they would have been others."""
    points = np.abs(at.points)
    if len(set(points.tolist())) == len(points) > 1:
        x, y = np.append(-1.0, points), np.append(-1, np.ones(len(points), dtype=int))
        whole = max_margin_line(x, y)
        for k in range(1, len(x)):
            assert max_margin_line(np.delete(x, k), np.delete(y, k)) != whole


@myth(at=small_integer_arrays(logits="NC", y="N"), refuted_by={"at": case(logits=[[0, 0], [0, 0]], y=[0, 1])})
def a_class_whose_bias_does_not_rise_is_absent(softmax_cross_entropy, at):
    """Of a batch, too, the last layer's biases rise for those classes that are in it, and for no other."""
    y = np.abs(at.y).astype(int) % at.logits.shape[1]
    rises = softmax_cross_entropy(at.logits, y)[1].sum(axis=0) < 0
    assert rises[y].all() or at.logits.shape[1] == 1


@myth(at=small_integer_arrays(before="VE"), refuted_by={"at": case(before=[[0], [1]])})
def changed_rows_are_the_tokens_under_weight_decay_too(changed_rows, at):
    """With any optimizer, the rows of the embedding table that changed are the batch's tokens."""
    gradient = np.zeros_like(at.before)
    gradient[0] = 4.0
    decayed = at.before - 0.5 * gradient - 0.125 * at.before
    assert changed_rows(at.before, decayed).tolist() == [0]


@myth(
    at=small_integer_arrays(x="ND", signs="N", y="N"),
    refuted_by={"at": case(x=[[1]], signs=[-1], y=[0])},
)
def other_data_leave_other_checkpoints(at):
    """Two different data sets never leave the same checkpoints."""

    def path(x):
        w = [np.ones(x.shape[1])]
        for _ in range(x.shape[1] + 1):
            w.append(w[-1] - x.T @ (x @ w[-1] - at.y) / 64)
        return np.array(w)

    other = at.x * np.where(at.signs < 0, -1, 1)[:, None]
    assert not equal(path(at.x), path(other)) or equal(at.x, other)


@myth(at=small_integer_arrays(x="ND", W="DD"), refuted_by={"at": case(x=[[0]], W=[[0]])})
def inverting_trained_weights_shows_what_they_were_trained_on(at):
    """That x = y W⁻¹ gives the input back shows that the weights hold it: weights that never saw x do not."""
    W = np.triu(at.W, 1) + np.eye(len(at.W))  # drawn before x, and invertible
    y = at.x @ W
    assert not equal(y @ np.rint(np.linalg.inv(W)), at.x)
