"""A figure shows what its page says that one sees; its drawing was made from these data."""

import re

import numpy as np
import pytest

from answers.figures import (
    activations,
    activations_depth,
    adagrad,
    adam,
    adam_bound,
    asynchronous_sgd,
    batch_size,
    data_recovery,
    dead_neurons_plane,
    dead_neurons_rate,
    distillation,
    dropout,
    early_stopping,
    epochs,
    exploding_gradients,
    exploding_gradients_rnn,
    fluctuating_weights,
    gradient_descent,
    gradient_update,
    initialization,
    learning_rate,
    learning_rate_decay,
    learning_rate_warmup,
    linear_layers,
    norm_penalties,
    normalization,
    overfit_first,
    pruning,
    pruning_grain,
    randomness,
    relu_classifier,
    skip_connections,
    two_layer_network,
    validation_below_train,
    weight_decay,
    weight_decay_norm,
    weight_normalization,
    xor,
)
from claims.engine import figures
from claims.engine.declare import ROOT, Where

NAMES = sorted(path.stem for path in (ROOT / figures.FOLDER).glob("[!_]*.py"))


@pytest.mark.parametrize("name", NAMES)
def test_a_drawing_is_current_and_stands_alone(name):
    """It follows light and dark, needs nothing from elsewhere, and tells its content to who cannot see it."""
    figure = figures.module(name, Where("here", 1))
    svg = figures.path(name).read_text(encoding="utf-8")

    assert figures.is_current(name, figure)
    assert "prefers-color-scheme: dark" in svg
    assert re.findall(r'(?:href|src)="(?!#)[^"]*"|url\((?!#)', svg) == []
    assert len(figure.ALT) > 80
    assert len(svg) < 150_000


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_is_shown_by_a_page(name):
    """A figure that no page shows is kept by nobody."""
    assert any(
        f"<!-- figure: {name} -->" in page.read_text(encoding="utf-8") for page in (ROOT / "answers").glob("*.md")
    )


def test_two_factors_wait_where_one_weight_falls():
    """Q22: from 0.01 the loss stays for thirty steps, one weight is below 1 % by then, and all arrive."""
    found = linear_layers.data()
    start, near_zero = found["losses"][:, 0], found["losses"][1]

    assert near_zero[30] > 0.9 * start[1]
    assert found["one_weight"][30] < 0.01 * found["one_weight"][0]
    assert (found["losses"][:, -1] < 1e-3 * start).all()
    assert np.ptp(np.diff(np.log(found["one_weight"]))) < 1e-12


def test_the_hidden_layer_folds_the_square():
    """Q24: (0,0) and (1,1) fall on one point, and the line leaves them on one side and the others on the other."""
    found = xor.data()
    hidden, line = found["hidden"], found["line"]

    assert (hidden[0] == hidden[3]).all()
    assert found["xor"].tolist() == [0.0, 1.0, 1.0, 0.0]
    assert ((hidden / line).sum(axis=1) > 1).tolist() == [False, True, True, False]


def test_only_drawn_weights_learn():
    """Q25: from zero nothing moves, from a constant units move alike, and only from drawn weights XOR is learned."""
    zero, constant, drawn = initialization.data()["losses"]

    assert np.ptp(zero) < 1e-12
    assert constant.min() >= 0.75 * np.log(3) - 0.5 * np.log(2) - 1e-12
    assert drawn[-1] < 0.05


def test_the_graphs_have_the_heights_that_the_page_names():
    """Q4.1: a bump of a quarter, a bump of 1, and lines that jump; Q4.2: only active ReLUs pass everything on."""
    found = activations.data()
    left = activations_depth.data()
    (sigmoid, bump), (tanh, higher_bump) = found["sigmoid"], found["tanh"]

    assert (bump.max(), higher_bump.max()) == (0.25, 1.0)
    assert all((np.diff(curve) > 0).all() for curve in (sigmoid, tanh))
    assert set(found["relu"][1]) == {0.0, 1.0}
    assert set(found["leaky_relu"][1]) == {0.1, 1.0}
    assert set(left["relu"]) == {1.0}
    assert all((np.diff(curve) < 0).all() for name, curve in left.items() if name != "relu")


def test_the_network_divides_the_plane_as_the_classifier_does():
    """Q23: the two ReLUs add up to the line, one shifted unit follows it from −2 on, and the regions are the same."""
    found = relu_classifier.data()
    z, (_, _, both, shifted) = found["z"], found["curves"]

    assert (both == z).all()
    assert ((shifted == z) == (z >= -2)).all()
    assert ((found["lifted"] > 0) == (found["linear"] > 0)).all()
    assert ((found["linear"] > 0).sum(axis=(1, 2)) > 1000).all()


def test_four_rates_look_as_the_page_says():
    """Q2: one creeps, one oscillates and shrinks, one jumps for ever, one grows; and the losses are straight lines."""
    found = gradient_update.data()
    creeping, oscillating, edge, diverging = found["weights"]

    assert (creeping > 0).all()
    assert (np.diff(creeping) < 0).all()
    assert (oscillating[1:] * oscillating[:-1] < 0).all()
    assert (np.diff(np.abs(oscillating)) < 0).all()
    assert np.abs(np.abs(edge) - 1).max() < 1e-12
    assert (np.diff(np.abs(diverging)) > 0).all()
    assert np.abs(np.diff(np.log(found["losses"]), n=2)).max() < 1e-9


def test_the_numeric_gradient_is_exact_between_kinks_and_wrong_at_one():
    """Q3.1: steps that are powers of two err not at all, powers of ten the more the smaller, and at a kink all by 1."""
    found = two_layer_network.data()

    assert set(found["binary"][1]) == {0.0}
    assert set(found["kink"][1]) == {1.0}
    assert (found["decimal"][1] > 0).all()
    assert found["decimal"][1][0] < 1e-14
    assert found["decimal"][1][-1] > 1e-5
    assert np.ptp(found["secants"][0]) == 2 * two_layer_network.WIDE
    assert np.ptp(found["secants"][1]) == 0.0


def test_rates_kill_as_the_page_says():
    """Q27.3: few ReLUs die at small rates, most at 2, and hardly any with clipped gradients."""
    found = dead_neurons_rate.data()
    rates, medians = found["rates"], found["relu"][1]

    assert (np.diff(medians[rates <= 2]) >= 0).all()
    assert medians[rates <= 0.5].max() < 0.05
    assert medians[rates == 2].item() > 0.8
    assert found["clipped"].max() < 0.05


def test_descent_rests_wherever_a_unit_is_dead():
    """Q27.1: no arrow in the wedge, and the path that jumps into it stays there."""
    found = dead_neurons_plane.data()

    assert found["dead"].any()
    assert not found["descent"][found["dead"]].any()
    assert (found["path"][-1] == found["path"][-2]).all()
    assert (found["path"][1] != found["path"][0]).any()


def test_the_test_gives_the_mean_before_the_relu_and_less_behind():
    """Q3.2: the two lines coincide in the upper panel and stand apart in the lower one."""
    found = dropout.data()
    masked, at_test = found["masked"], found["at_test"]

    assert abs(masked.mean() - at_test) < 1e-12
    assert at_test < 0
    assert np.maximum(masked, 0).mean() > 0.5
    assert 0.6 < np.mean(masked <= 0.25) < 0.7


def test_only_decoupled_decay_ignores_the_size_of_the_gradients():
    """Q16: decay is level at λ; L2 inside Adam starts far above it, crosses it at 1, and falls as 1 over the size."""
    found = weight_decay.data()
    sizes, l2, decoupled = found["sizes"], found["l2"], found["decoupled"]

    assert np.abs(decoupled - weight_decay.STRENGTH).max() < 1e-3
    assert (np.diff(l2) < 0).all()
    assert 0.85 < l2[0] < 1
    assert ((l2 > decoupled) == (sizes < 0.99)).all()
    assert np.abs(l2[sizes > 5] * sizes[sizes > 5] / weight_decay.STRENGTH - 1).max() < 0.05


def test_decay_settles_at_one_norm():
    """Q16: from a small, a middling and a large norm all join one line; without decay the norm keeps growing."""
    found = weight_decay_norm.data()
    small, _, large = found["decayed"]

    assert np.abs(found["decayed"][:, -1] / found["equilibrium"] - 1).max() < 1e-3
    assert small[1] > 2 * found["equilibrium"]
    assert (np.diff(large) < 0).all()
    assert (np.diff(found["free"]) > 0).all()
    assert found["free"][-1] > 1.5 * found["equilibrium"]


def test_the_effective_rate_falls_alike_for_every_rate():
    """Q7: each step leaves its circle along the tangent, and rates a thousandfold apart end as one."""
    found = weight_normalization.data()
    path, rates = found["path"], found["rates"]
    steps = np.diff(path, axis=0)
    t = np.arange(1, rates.shape[1])

    assert np.abs(np.sum(path[:-1] * steps, axis=1)).max() < 1e-12
    assert (np.diff(np.linalg.norm(path, axis=1)) > 0).all()
    assert (np.diff(np.linalg.norm(steps, axis=1)) < 0).all()
    assert (rates[:, 1:] <= (1 + 1e-9) / np.sqrt(2 * t)).all()
    assert (rates[:, -1] > 0.95 / np.sqrt(2 * t[-1])).all()
    assert rates[1, 100] > 0.98 / np.sqrt(200)
    assert rates[0, 1] < 1 / 29
    assert rates[2, 10] > 0.029


def test_the_two_penalties_walk_one_path_and_only_the_norm_arrives():
    """Q15: the norm reaches 0 at ‖∇f(0)‖, the square never; and descent on the norm jumps for ever."""
    found = norm_penalties.data()
    weights, unsquared, (shrinking, jumping) = found["weights"], found["unsquared"], found["descents"]

    assert (weights > 0).all()
    assert (np.diff(unsquared) > 0).all()
    assert 0.999 * found["enough"] < unsquared[-1] < found["enough"]
    assert np.linalg.norm(weights[-1]) < 1e-3
    for w, strength in zip(weights[::10], unsquared[::10], strict=True):  # the gradients of loss and norm cancel
        pull = norm_penalties.HESSIAN @ (norm_penalties.MINIMUM - w)
        assert np.abs(pull - strength * w / np.linalg.norm(w)).max() < 1e-9
    assert (np.diff(shrinking) < 0).all()
    assert shrinking[-1] < 0.01
    assert np.abs(jumping[-4:] * [1, -1, 1, -1]).max() < 0.151
    assert (jumping[4:-1] * jumping[5:] < 0).all()


def test_only_scaled_skips_keep_the_length_of_a_gradient():
    """Q5: without skips it falls below 1e-4 over 30 blocks, unscaled branches raise it above 100, scaled keep it."""
    found = skip_connections.data()
    plain, residual, scaled = (np.log(found[name]) for name in ("plain", "residual", "scaled"))

    assert plain[0] < np.log(1e-4)
    assert (np.diff(plain) > 0).all()
    assert residual[0] > np.log(100)
    assert (np.diff(residual) < 0).all()
    assert abs(scaled).max() < np.log(2)
    for line in (plain, residual):  # nearly straight: no point is far from the line through the ends
        straight = np.linspace(line[0], line[-1], len(line))
        assert abs(line - straight).max() < 0.15 * abs(line[-1] - line[0])


def test_clipping_by_norm_keeps_the_ray_and_by_value_turns_it():
    """Q6.1: circles on the rays, squares off them; errors leave three orders of magnitude, weight gradients none."""
    found = exploding_gradients.data()
    g, on_ball, on_square = exploding_gradients.GRADIENTS, found["by_norm"], found["by_value"]
    growing, shrinking = found["errors"]

    assert np.abs(np.linalg.norm(on_ball, axis=1) - 1).max() < 1e-12
    assert np.abs(g[:, 0] * on_ball[:, 1] - g[:, 1] * on_ball[:, 0]).max() < 1e-12
    assert np.abs(g[:, 0] * on_square[:, 1] - g[:, 1] * on_square[:, 0]).min() > 0.1
    assert growing[0] > 1000 * growing[-1]
    assert shrinking[0] < shrinking[-1] / 1000
    assert np.ptp(np.log(found["weights"]), axis=1).max() < 1e-9


def test_a_gradient_vanishes_explodes_or_stays():
    """Q6.2: at gain 0.6 below a billionth, orthogonal within a hundred, at gain 2 above a thousand."""
    large, orthogonal, small = exploding_gradients_rnn.data()["norms"]

    assert large[0] > 1e3
    assert 0.01 < orthogonal.min() <= orthogonal.max() <= 1 + 1e-12
    assert small[0] < 1e-9
    assert large[-1] == orthogonal[-1] == small[-1] == 1


def test_each_norm_evens_out_what_lies_along_its_axis():
    """Q14: behind batch norm only the loud example stands out, behind layer norm only the loud feature."""
    found = normalization.data()
    before, by_feature, by_example = (np.abs(found[name]) for name in ("before", "batch_norm", "layer_norm"))
    example, feature = normalization.LOUD_EXAMPLE, normalization.LOUD_FEATURE

    assert before.mean(axis=1).argmax() == by_feature.mean(axis=1).argmax() == example
    assert before.mean(axis=0).argmax() == by_example.mean(axis=0).argmax() == feature
    assert np.abs(found["batch_norm"].mean(axis=0)).max() < 1e-12
    assert np.abs(found["layer_norm"].mean(axis=1)).max() < 1e-12
    assert np.abs(found["batch_norm"].std(axis=0) - 1).max() < 1e-4
    assert np.abs(found["layer_norm"].std(axis=1) - 1).max() < 1e-4


def test_checkpoints_show_the_digits_until_something_hides_them():
    """Q29: float64 shows them, float16 nearly, less so at a small rate; a batch and noise show something else."""
    trained_on, *readings = data_recovery.data()["images"]
    worst = [np.abs(reading - trained_on).max(axis=1) for reading in readings]

    assert max(worst[0]) <= 1e-6
    assert max(worst[1]) < 1 / 32
    assert 0.1 < min(worst[2]) < max(worst[2]) < 0.5
    assert min(worst[3]) > 0.5
    assert np.ptp(readings[3], axis=0).max() == 0.0
    assert min(worst[4]) > 0.5


def test_small_weights_can_go_and_random_ones_cannot():
    """Q28: chance at 90 % if at random, near the start up to 70 % if the smallest, and up to 90 % if retrained."""
    found = pruning.data()
    shares, (random, small, again) = found["shares"], (found[way][1] for way in pruning.WAYS)

    assert ((random < small) & (small < again))[shares > 0].all()
    assert 0.3 < random[shares == 0.5].item() < 0.7
    assert random[shares >= 0.9].max() < 0.2
    assert small[shares <= 0.7].min() > small[0] - 0.03
    assert small[shares == 0.98].item() < 0.5
    assert again[shares <= 0.9].min() > small[0] - 0.03
    assert again[shares == 0.98].item() < 0.8


def test_the_coarser_the_choice_the_more_is_lost():
    """Q28.2: all three keep a half; free choice loses least, the pattern more, whole units most."""
    found = pruning_grain.data()
    free, pattern, units = found["masks"]

    assert found["masks"].sum(axis=(1, 2)).tolist() == [64, 64, 64]
    assert (pattern.reshape(8, 4, 4).sum(axis=2) == 2).all()
    assert (units == units[0]).all()
    assert (np.diff(found["lost"]) > 0.03).all()
    assert np.abs(found["weights"])[~free].max() <= np.abs(found["weights"])[free].min()


def test_temperature_levels_the_bars_and_keeps_their_order():
    """Q30: nearly all at 3 when cold, 9 and 8 next at T = 4, nearly level at T = 20; the order never changes."""
    shares = distillation.data()["probabilities"]
    order = np.argsort(shares, axis=1)

    assert (order == order[0]).all()
    assert order[0, -3:].tolist() == [8, 9, 3]
    assert shares[0, 3] > 0.95
    assert (shares[2, [8, 9]] > 0.1).all()
    assert 0.05 < shares[3].min() < shares[3].max() < 0.2
    assert (np.diff(-(shares * np.log(shares)).sum(axis=1)) > 0).all()


def test_four_rates_draw_the_four_curves():
    """Q13.1: one creeps, one drops lowest, one stays between them, one ends above its start; in both panels."""
    found = learning_rate.data()
    low, acceptable, oscillating, diverging = found["quadratic"]

    assert (np.diff(found["quadratic"][:3]) < 0).all()
    assert low[-1] > 0.5 * low[0]
    assert acceptable[-1] < 1e-6 * acceptable[0]
    assert acceptable[-1] < oscillating[-1] < low[-1]
    assert (np.diff(diverging)[:5] < 0).all()
    assert (np.diff(diverging)[5:] > 0).all()
    assert diverging[-1] > 10 * diverging[0]

    low, acceptable, oscillating, diverging = found["digits"]
    assert (np.diff(low) < 0).all()
    assert low[-1] > 0.5 * low[0]
    assert (np.diff(acceptable) < 0).all()
    assert acceptable[-1] < 0.05 * acceptable[0]
    assert (np.diff(oscillating) > 0).sum() >= 3
    assert (acceptable[1:] < oscillating[1:]).all()
    assert (oscillating[1:] < low[1:]).all()
    assert (diverging[1:] > diverging[0]).all()


def test_warmup_descends_where_the_constant_rate_diverges():
    """Q13.2: without it |w| explodes, with it |w| falls all the time; Adam's factor is least at step 12."""
    found = learning_rate_warmup.data()
    steps, factors = found["correction"]

    assert found["constant"][-1] > 1e6
    assert (np.diff(found["warm"]) < 0).all()
    assert steps[factors.argmin()] == 12
    assert abs(factors.min() - 0.152) < 0.001
    assert factors[-1] > 0.99


def test_steps_fall_with_the_batch_and_then_no_more():
    """Q18: from batch 1 to 8 steps fall as examples grow, from 64 on they hardly fall, and the curve is followed."""
    found = batch_size.data()
    sizes, (low, steps, high) = found["sizes"].tolist(), found["steps"]
    curve = found["min_steps"] * (1 + found["noise_scale"] / found["sizes"])

    assert 6 < steps[0] / steps[sizes.index(8)] < 10
    assert steps[sizes.index(64)] / steps[-1] < 2
    assert low[sizes.index(64) :].min() >= 8
    assert high[sizes.index(128) :].max() <= 16
    assert (np.abs(np.log2(steps / curve)) < 0.5).all()
    assert found["noise_scale"] == 35


def test_adam_ends_at_the_worst_point_and_amsgrad_at_the_best():
    """Q20.1: the three paths end where the page says, and the published β₂ lies below the threshold for every C."""
    found = adam.data()
    low, amsgrad, defaults = found["paths"][:, -1]

    assert low == 1.0
    assert amsgrad < -0.95
    assert defaults == -1.0
    assert (np.diff(found["thresholds"]) < 0).all()
    assert (found["authors"] < found["thresholds"]).all()


def test_the_worst_gradients_attain_the_bound_and_pass_the_printed_one():
    """Q20.2: computed steps lie on the curve, a spike after silence reaches 3.16, and the curve passes it near 210."""
    found = adam_bound.data()
    bounds = np.array([adam_bound.adam_step_bound(int(t)) for t in found["some"]])
    passed = found["t"][found["bounds"] > adam_bound.PRINTED]

    assert np.abs(found["worst"] - bounds).max() < 1e-9
    assert 0.999 * adam_bound.PRINTED < found["spikes"][-1] <= adam_bound.PRINTED
    assert 208 < passed[0] < 230
    assert abs(found["bounds"][-1] - 7.27) < 0.01


def test_falling_rates_go_below_the_floor_of_a_constant_one():
    """Q17: each constant rate stops at its floor, a cut leads from one to the other, the best rates are below all."""
    found = learning_rate_decay.data()
    large, small, cut, best = found["errors"]
    calm, late = found["paths"][1], slice(200, None)

    assert np.allclose([large[20], large[-1], small[-1], cut[-1]], [1 / 3, 1 / 3, 1 / 39, 1 / 39], rtol=1e-3)
    assert (large[:6] <= small[:6]).all()
    assert (cut[:151] == large[:151]).all()
    assert (best <= found["errors"] * (1 + 1e-12)).all()
    assert best[-1] < 0.0034
    assert np.std(found["paths"][0][late]) > 0.4
    assert abs(calm[late]).max() < 0.2


def test_a_rare_weight_steps_by_its_own_count():
    """Q19: the rare weight's k-th step is 1/√k under Adagrad, and a fifth of it at η/√t; the frequent one's is 1/√t."""
    found = adagrad.data()
    own, common = adagrad.steps(found["adagrad"]), adagrad.steps(found["sgd"])
    t = np.arange(1, len(own) + 1)
    rare = own[:, 1] > 0

    assert (np.flatnonzero(rare) + 1).tolist() == [25, 50, 75, 100, 125, 150, 175, 200]
    assert abs(own[rare, 1] - 1 / np.sqrt(np.arange(1, 9))).max() < 1e-12
    assert abs(own[rare, 1] - 5 * common[rare, 1]).max() < 1e-12
    assert abs(own[:, 0] - 1 / np.sqrt(t)).max() < 1e-12
    assert abs(found["adagrad"][-1, 1] - 4.37) < 0.01


def test_three_programs_are_caught_and_four_are_missed():
    """Q1: the right loss falls at every step and below the margin; three stay above 1, four end below it, too."""
    found = overfit_first.data()

    assert (np.diff(found["right"]) < 0).all()
    assert found["right"][-1] < overfit_first.MARGIN
    assert all(found[program].min() > 1 for program in overfit_first.CAUGHT)
    assert all(found[program][-1] < found[program][0] for program in ("anew", "first"))
    assert found["climbs"][-1] == overfit_first.TOP
    assert all(found[program][-1] < overfit_first.MARGIN for program in overfit_first.MISSED)


def test_staleness_shrinks_the_rate_and_falls_on_the_slow_worker():
    """Q21: markers lie on the curve, the slow worker alone is very stale and the mean stays, and waiting costs more."""
    found = asynchronous_sgd.data()
    ages = np.arange(len(found["fast"]))

    assert np.abs(found["simulated"] / found["stable"] - 1).max() < 1e-3
    assert (found["steady"] < found["stable"]).all()
    assert abs(found["mean"] - 3) < 0.01
    assert abs(ages @ (found["fast"] + found["slow"]) - found["mean"]) < 1e-9
    assert found["fast"][5:].sum() == found["slow"][:11].sum() == 0
    assert found["fast"][2] + found["fast"][3] > 0.9
    assert (found["waiting"][3:] < found["backed"][3:]).all()
    assert (found["backed"] <= asynchronous_sgd.WORKERS).all()
    assert found["waiting"][-1] < 8
    assert found["backed"][-1] > 14


def test_an_epoch_has_seen_all_and_replacement_63_of_100():
    """Q11: one line is straight up to 100, the other bends through 63; both ratios cross 1 at ηh = 1."""
    found = epochs.data()
    shuffled, replaced = found["seen"]
    below, at, above = np.split(found["ratios"], [99, 100], axis=1)

    assert shuffled[:101].tolist() == list(range(101))
    assert (shuffled[100:] == 100).all()
    assert round(found["mean"][100]) == 63
    assert np.abs(replaced - found["mean"]).max() < 10
    assert 518 < found["all"] < 519
    assert below.max() < 1 < above.min()
    assert np.abs(at - 1).max() < 1e-12


def test_small_batches_fall_first_and_stop_at_their_floors():
    """Q10: per example gradient B = 1 leads, then B = 8, then the full batch, which alone meets no floor."""
    found = gradient_descent.data()
    one, eight, full = (found[f"expected {size}"] for size in gradient_descent.BATCHES)
    floors = found["floors"]

    assert all((np.diff(losses) < 1e-12).all() for _, losses in (one, eight, full))
    first_below_1 = [gradients[losses < 1].min() for gradients, losses in (one, eight, full)]
    assert first_below_1 == sorted(set(first_below_1))
    assert np.abs(found["late"] / floors[:2] - 1).max() < 0.2
    assert np.abs(np.array([one[1, -1], eight[1, -1]]) / floors[:2] - 1).max() < 1e-6
    assert floors[2] == 0
    assert (one[1, one[0] >= 2 * gradient_descent.EXAMPLES] < 1.01 * floors[0]).all()
    assert 2000 < full[0][full[1] < floors[1]].min() < 3000


def test_the_criteria_choose_different_epochs_of_one_curve():
    """Q9: patience 2 stops before the minimum, the others one after the other behind it; the training loss falls."""
    found = early_stopping.data()
    hasty, patient, up, gl, pq, restored = found["stops"].astype(int)

    assert restored == found["val"].argmin()
    assert hasty < restored < patient < up < gl < pq
    assert patient - restored == early_stopping.PATIENCE
    assert found["gl"][gl] > early_stopping.GL_LIMIT >= found["gl"][:gl].max()
    assert (np.diff(found["train"]) < 0).all()


def test_the_running_loss_is_above_validation_with_dropout_and_only_early_without():
    """Q8: with dropout all of the time, without at first only; and training never stands above running."""
    with_dropout, without = validation_below_train.data()["losses"]

    assert (with_dropout[0] > with_dropout[2]).all()
    assert (with_dropout[1] < with_dropout[0]).all()
    assert (without[1] < without[0]).all()
    assert without[0, 0] > without[2, 0]
    assert without[0, -1] < without[2, -1]


def test_noise_leaves_the_saddle_that_descent_without_it_keeps():
    """Q26.2: the silent path stays on the ridge, three noisy ones leave it on either side, as fast as the formula."""
    found = randomness.data()
    ridge, noisy = found["paths"][0], found["paths"][1:]
    strong, weak = found["root_mean_squares"]

    assert (ridge[:, 1] == 0).all()
    assert ridge[-1, 0] < 1e-5
    assert (noisy[:, -1, 1] > 1).sum() == (noisy[:, -1, 1] < -1).sum() == 3
    assert (abs(noisy[:, -1, 1]) > 0.1 * strong[-1]).all()
    assert (abs(noisy[:, -1, 1]) < 3 * strong[-1]).all()
    assert np.argmax(weak > 1) - np.argmax(strong > 1) in (72, 73)


def test_averages_calm_a_weight_and_forget_the_rate():
    """Q12: the moving average jitters less than the weight, the mean less still, whatever the rate."""
    found = fluctuating_weights.data()
    weight, moving, mean = found["run"][:, 100:].std(axis=1)
    of_weight, of_moving, of_mean = found["variances"]

    assert weight > 3 * moving > 9 * mean
    assert (of_weight > of_moving).all()
    assert (of_moving > of_mean).all()
    assert of_weight[-1] > 5000 * of_weight[0]
    assert np.abs(1000 * of_mean - 1).max() < 0.06
