"""What follows another accepted convention is right, and the verdict names the convention."""

import types

import numpy as np
import pytest

from claims.engine import reading
from claims.engine.profiles import PROFILES
from claims.judge.judging import Examination

# By the convention's name, an implementation that follows it, written as a learner would.
FOLLOWING = {
    "divided_by_the_batch_size": """
def softmax_cross_entropy(logits, y, *, label_smoothing=0.0):
    N, C = logits.shape
    if N == 0:
        raise ValueError("empty")
    m = logits - logits.max(axis=1, keepdims=True)
    log_p = m - np.log(np.exp(m).sum(axis=1, keepdims=True))
    t = (1 - label_smoothing) * np.eye(C)[y] + label_smoothing / C
    return float(-(t * log_p).sum()), np.exp(log_p) - t
""",
    "smoothed_over_all_classes": """
def softmax_cross_entropy(logits, y, *, label_smoothing=0.0):
    N, C = logits.shape
    if N == 0:
        raise ValueError("empty")
    m = logits - logits.max(axis=1, keepdims=True)
    log_p = m - np.log(np.exp(m).sum(axis=1, keepdims=True))
    t = np.where(np.eye(C)[y] == 1, 1 - label_smoothing, label_smoothing / max(C - 1, 1))
    return float(-(t * log_p).sum() / N), (np.exp(log_p) - t) / N
""",
    "is_the_identity_above_20": """
def softplus(x, *, beta=1.0):
    x = np.asarray(x) if np.asarray(x).dtype.kind == "f" else np.asarray(x, float)
    return np.where(beta * x > 20, x, np.logaddexp(0, beta * x) / beta).astype(x.dtype)
""",
    "weighs_against_the_mean_loss": """
def ridge(x, y, *, alpha):
    if alpha < 0:
        raise ValueError("no")
    return np.linalg.solve(x.T @ x + len(x) * alpha * np.eye(x.shape[1]), x.T @ y)
""",
    "called_with_adagrads_eps_squared": """
def adagrad_step(w, g, sum_squares, *, lr, eps=1e-10):
    g = 1.0 * g
    s = sum_squares + g * g
    root = np.sqrt(s + eps)
    return w - lr * np.divide(g, root, out=np.zeros_like(root), where=root > 0), s
""",
    "called_with_rmsprops_eps_squared": """
def rmsprop_step(w, g, v, *, lr, alpha=0.99, eps=1e-8):
    v = alpha * v + (1 - alpha) * g ** 2
    root = np.sqrt(v + eps)
    return w - lr * np.divide(g, root, out=np.zeros_like(root), where=root > 0), v
""",
    "called_with_the_root_that_eps_makes": """
def batch_norm_forward(x, gamma, beta, *, eps=1e-5):
    if len(x) == 0:
        raise ValueError("empty")
    c = x - x.mean(axis=0)
    s = np.sqrt((c ** 2).mean(axis=0))
    return gamma * (c / (s + eps)) + beta, (c, s, eps, gamma)

def batch_norm_backward(d_out, cache):
    c, s, eps, gamma = cache
    q = s + eps
    xhat = c / q
    g = d_out * gamma
    unit = np.divide(c, s, out=np.zeros_like(c), where=s > 0)
    dc = g / q - unit * (g * c).mean(axis=0) / q ** 2
    return dc - dc.mean(axis=0), (d_out * xhat).sum(axis=0), d_out.sum(axis=0)
""",
    "called_with_a_larger_scale_and_eps": """
def batch_norm_forward(x, gamma, beta, *, eps=1e-5):
    if len(x) == 0:
        raise ValueError("empty")
    n = len(x)
    c = x - x.mean(axis=0)
    m = max(n - 1, 1)
    inv = 1 / np.sqrt((c ** 2).sum(axis=0) / m + eps)
    return gamma * c * inv + beta, (c * inv, inv, gamma, m)

def batch_norm_backward(d_out, cache):
    xhat, inv, gamma, m = cache
    dgamma = (d_out * xhat).sum(axis=0)
    dx = gamma * inv * (d_out - d_out.mean(axis=0) - xhat * dgamma / m)
    return dx, dgamma, d_out.sum(axis=0)
""",
    "exceeds_the_patience_and_passes_over_nan": """
def early_stop(losses, *, patience, min_delta=0.0):
    if len(losses) == 0 or patience < 1 or min_delta < 0:
        raise ValueError("bad input")
    best, best_epoch, count = np.inf, 0, 0
    for epoch, loss in enumerate(losses):
        if loss <= best - min_delta:
            count = 0
        else:
            count += 1
        if loss < best:
            best, best_epoch = loss, epoch
        if count > patience * 1:
            return epoch, best_epoch
    return None, best_epoch
""",
    "called_with_what_momentum_leaves": """
def update_running_stats(running_mean, running_var, x, *, momentum=0.1):
    if len(x) < 2:
        raise ValueError("two examples needed")
    mean = momentum * running_mean + (1 - momentum) * np.mean(x, axis=0)
    var = momentum * running_var + (1 - momentum) * np.var(x, axis=0)
    return mean, var
""",
    "called_with_the_probability_to_keep": """
def vanilla_dropout_forward(x, *, p, rng, training=True):
    if not training:
        return p * x, np.full(x.shape, p)
    keep = (rng.random(x.shape) < p).astype(float)
    return x * keep, keep

def vanilla_dropout_backward(d_out, cache):
    return d_out * cache
""",
    "divided_by_the_number_of_examples": """
def dropout_penalty(w, x, *, p):
    return float(p / (1 - p) * np.sum((x * w) ** 2))
""",
    "applies_a_relu_after_the_addition": """
def residual_block_forward(x, W1, b1, W2, b2, *, scale=1.0):
    a = np.maximum(x @ W1 + b1, 0.0)
    out = x + scale * (a @ W2 + b2)
    return np.maximum(out, 0.0), (x, W1, a, W2, scale, out)

def residual_block_backward(d_out, cache):
    x, W1, a, W2, scale, out = cache
    d_out = d_out * (out > 0)
    d_branch = scale * d_out
    dz = d_branch @ W2.T * (a > 0)
    return d_out + dz @ W1.T, x.T @ dz, dz.sum(axis=0), a.T @ d_branch, d_branch.sum(axis=0)
""",
    "divides_by_the_norm_plus_a_millionth": """
def clip_by_global_norm(grads, *, max_norm):
    if max_norm <= 0:
        raise ValueError("max_norm")
    norm = float(np.hypot.reduce(np.concatenate([np.zeros(1), *map(np.ravel, grads)])))
    if not np.isfinite(norm):
        return [g.copy() for g in grads], norm
    return [g * min(max_norm / (norm + 1e-6), 1.0) for g in grads], norm
""",
    "called_with_half_the_strength": """
def squared_l2_penalty(w, *, strength):
    return float(strength * np.sum(w**2)), 2 * strength * w
""",
    "turned_so_that_units_are_rows": """
def weight_norm_forward(v, g):
    length = np.linalg.norm(v, axis=1, keepdims=True)
    if not length.all():
        raise ValueError("no direction")
    return g[:, None] * v / length, (v / length, g[:, None] / length)

def weight_norm_backward(d_out, cache):
    direction, scale = cache
    dg = np.sum(d_out * direction, axis=1)
    return scale * (d_out - direction * dg[:, None]), dg
""",
    "lets_every_improvement_move_the_best": """
def early_stop(losses, *, patience, min_delta=0.0):
    if len(losses) == 0 or patience < 1 or min_delta < 0:
        raise ValueError("no")
    best, best_epoch, wait = losses[0], 0, 0
    for epoch in range(1, len(losses)):
        wait = 0 if losses[epoch] < best - min_delta else wait + 1
        if losses[epoch] < best:
            best, best_epoch = losses[epoch], epoch
        if wait >= patience * 1:
            return epoch, best_epoch
    return None, best_epoch
""",
    "exceeds_the_patience_as_scikit_learn_does": """
def early_stop(losses, *, patience, min_delta=0.0):
    if len(losses) == 0 or patience < 1 or min_delta < 0:
        raise ValueError("no")
    best, best_epoch, wait = losses[0], 0, 0
    for epoch in range(1, len(losses)):
        wait = wait + 1 if losses[epoch] > best - min_delta else 0
        if losses[epoch] < best:
            best, best_epoch = losses[epoch], epoch
        if wait > patience * 1:
            return epoch, best_epoch
    return None, best_epoch
""",
    "stops_at_once_at_nan": """
def early_stop(losses, *, patience, min_delta=0.0):
    if len(losses) == 0 or patience < 1 or min_delta < 0:
        raise ValueError("no")
    best, best_epoch, wait = np.inf, 0, 0
    for epoch, loss in enumerate(losses):
        if not np.isfinite(loss):
            return epoch, best_epoch
        if loss < best - min_delta:
            best, best_epoch, wait = loss, epoch, 0
        else:
            wait += 1
            if wait >= patience * 1:
                return epoch, best_epoch
    return None, best_epoch
""",
    "called_for_each_epoch": """
def generalization_loss(losses):
    if (losses <= 0).any():
        raise ValueError("no")
    return 100 * (losses[-1] / losses.min() - 1)
""",
    "divided_by_the_size_of_the_batch": """
def minibatch_gradient(per_example_grads, indices):
    if len(indices) == 0:
        raise ValueError("no")
    return per_example_grads[indices].sum(axis=0) * 1.0
""",
    "halved": """
def least_squares_loss(w, x, y):
    if len(y) == 0:
        raise ValueError("no")
    r = x @ w - y
    return float(np.mean(r**2)), 2 * (x.T @ r) / len(y)
""",
    "divided_by_the_number_of_residuals": """
def least_squares_loss(w, x, y):
    if len(y) == 0:
        raise ValueError("no")
    r = x @ w - y
    return float(np.sum(r**2) / 2), x.T @ r
""",
    "called_one_step_later": """
def warmup_lr(step, *, lr, warmup_steps):
    return lr * min(1.0, step / warmup_steps) if warmup_steps else lr
""",
    "called_with_bits": """
def perplexity(losses):
    if len(losses) == 0:
        raise ValueError("no")
    with np.errstate(over="ignore"):
        return float(np.exp2(losses.mean() * 1.0))
""",
    "eps_is_inside": """
def adam_step(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    if t < 1:
        raise ValueError("t")
    b1, b2 = betas
    g = g + weight_decay * w
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g**2
    root = np.sqrt(v / (1 - b2**t) + eps)
    return w - lr * np.divide(m / (1 - b1**t), root, out=np.zeros_like(m), where=root > 0), m, v
""",
    "eps_is_uncorrected": """
def adam_step(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    if t < 1:
        raise ValueError("t")
    b1, b2 = betas
    g = g + weight_decay * w
    m = m + (1 - b1) * (g - m)
    v = v + (1 - b2) * (g * g - v)
    alpha = lr * (1 - b2**t) ** 0.5 / (1 - b1**t)
    root = np.sqrt(v) + eps
    return w - alpha * np.divide(m, root, out=np.zeros_like(m), where=root > 0), m, v
""",
    "called_with_the_rate_times_the_decay": """
def adamw_step(w, g, m, v, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    if t < 1:
        raise ValueError("t")
    b1, b2 = betas
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g**2
    root = np.sqrt(v / (1 - b2**t)) + eps
    return w - (lr * np.divide(m / (1 - b1**t), root, out=np.zeros_like(m), where=root > 0) + weight_decay * w), m, v
""",
    "follows_pytorch": """
def amsgrad_step(w, g, m, v, v_max, *, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
    b1, b2 = betas
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g * g
    v_max = np.maximum(v_max, v)
    den = np.sqrt(v_max) / (1 - b2**t) ** 0.5 + eps
    return w - lr / (1 - b1**t) * np.divide(m, den, out=np.zeros_like(m), where=den > 0), m, v, v_max
""",
    "leaves_the_bias_where_it_is": """
def killing_lr(z, delta, x):
    s = float(np.sum(np.square(x)))
    if delta <= 0 or s == 0:
        return float("inf")
    return z / (delta * s)
""",
    "stores_both_indices": """
def csr_nbytes(rows, cols, nonzeros, *, value_bytes=4, index_bytes=4):
    return nonzeros * (value_bytes + index_bytes + index_bytes)
""",
    "times_the_root_of_the_examples": """
def wanda_score(W, x):
    return np.abs(W) * np.sqrt(np.mean(x**2, axis=0)).reshape(-1, 1)
""",
    "divides_by_each_norm_plus_a_millionth": """
def clip_per_example(per_example_grads, *, max_norm):
    g = np.asarray(per_example_grads, dtype=float)
    n = np.linalg.norm(g, axis=1, keepdims=True)
    return g * np.minimum(1.0, max_norm / (n + 1e-6))
""",
    "less_the_teachers_entropy": """
def distillation_loss(student_logits, teacher_logits, *, temperature=1.0):
    T = float(temperature)
    if T <= 0:
        raise ValueError("temperature must be positive")
    N = student_logits.shape[0]
    if N == 0:
        raise ValueError("empty batch")
    s = student_logits / T
    t = teacher_logits / T
    p = np.exp(t - t.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    top = s.max(1, keepdims=True)
    lse = top + np.log(np.exp(s - top).sum(1, keepdims=True))
    loss = T * T * float(np.mean(np.sum(p * (lse - s), axis=1)))
    return loss, T / N * (np.exp(s - lse) - p)
""",
    "times_the_squared_temperature": """
def distillation_loss(student_logits, teacher_logits, *, temperature=1.0):
    if temperature <= 0 or len(student_logits) == 0:
        raise ValueError("bad")
    def ls(z):
        z = z / temperature
        z = z - z.max(axis=1, keepdims=True)
        return z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    lq, lp = ls(student_logits), ls(teacher_logits)
    p = np.exp(lp)
    return float((p * (lp - lq)).sum(axis=1).mean()), (np.exp(lq) - p) / temperature / len(p)
""",
}
CONVENTIONS = {c.id: c for page in reading.load().pages.values() for c in page.conventions}


def findings(source):
    module = types.ModuleType("mine")
    exec(source, vars(module) | {"np": np}, module.__dict__)
    functions = {name: f for name, f in vars(module).items() if callable(f) and not name.startswith("_")}
    examination = Examination(reading.load(), "mine", functions, profile=PROFILES["quick"])
    return [examination.finding(name) for name in functions]


@pytest.mark.parametrize("name", CONVENTIONS)
def test_what_follows_a_convention_is_right_under_it(name):
    """A learner who was taught another convention is told which, and not that they are wrong."""
    for finding in findings(FOLLOWING[name]):
        assert (finding.outcome, finding.convention) == ("right", CONVENTIONS[name].convention)


@pytest.mark.parametrize("name", CONVENTIONS)
def test_a_mistake_under_a_convention_is_wrong(name):
    """A convention excuses itself and nothing else."""
    twisted = FOLLOWING[name].replace(" * ", " * 1.5 * ").replace(" / ", " / 0.7 / ")

    assert "wrong" in {finding.outcome for finding in findings(twisted)}


def test_a_mistake_is_named_though_its_callback_never_answers_alike():
    """What a gradient answered in the call is what a known mistake is told when it is compared."""
    (finding,) = findings("""
def simultaneous_step(params, gradient, *, lr):
    params = dict(params)
    for name in params:
        params[name] = params[name] - lr * gradient(params)[name]
    return params
""")

    assert (finding.outcome, finding.like) == ("wrong", "moves_one_after_the_other")


IMPURE = {
    "modifies its input": "logits -= logits.max(axis=1, keepdims=True)",
    "crashes on some inputs": "assert not (logits == 2).any()",
    "remembers": "remembered.append(1); logits = logits * len(remembered)",
}


@pytest.mark.parametrize("impurity", IMPURE)
def test_a_convention_excuses_no_impurity(impurity):
    """What is right but for its convention, and spoils its input, crashes or remembers, is wrong."""
    source = FOLLOWING["divided_by_the_batch_size"].replace("    m = logits", f"    {IMPURE[impurity]}\n    m = logits")

    (finding,) = findings("remembered = []\n" + source)

    assert finding.outcome == "wrong"


def test_a_convention_without_a_translation_excuses_no_crash():
    """A function that agrees wherever it answers, and does not always answer, is wrong."""
    source = FOLLOWING["is_the_identity_above_20"].replace(
        "    return np.where", "    assert not (x == 1).any()\n    return np.where"
    )

    (finding,) = findings(source)

    assert finding.outcome == "wrong"


def test_a_convention_excuses_no_overflow():
    """Infinity is not near a number, however wide the room that a threshold needs."""
    (finding,) = findings("""
def softplus(x, *, beta=1.0):
    x = np.asarray(x) if np.asarray(x).dtype.kind == "f" else np.asarray(x, float)
    return (np.log1p(np.exp(beta * x)) / beta).astype(x.dtype)
""")

    assert finding.outcome == "wrong"


def test_a_convention_has_room_for_the_ways_to_write_it():
    """PyTorch multiplies always, by 1 at most; who asks first whether the gradient is too long follows it as well."""
    (finding,) = findings("""
def clip_by_global_norm(grads, *, max_norm):
    if not max_norm > 0:
        raise ValueError("no")
    top = np.max([np.abs(g).max() for g in grads if g.size] or [0.0])
    if not np.isfinite(top):
        return [g.copy() for g in grads], float(top)
    norm = float(top * np.sqrt(sum(np.sum((g / top) ** 2) for g in grads))) if top else 0.0
    if norm <= max_norm:
        return [g.copy() for g in grads], norm
    return [g * (max_norm / (norm + 1e-6)) for g in grads], norm
""")

    assert (finding.outcome, finding.convention) == (
        "right",
        CONVENTIONS["divides_by_the_norm_plus_a_millionth"].convention,
    )
