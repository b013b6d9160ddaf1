"""Right answers by other hands: loops, einsum, other algebra, other names."""

import math
import numpy as np


def loss_floor(x, y):
    feats = np.asarray(x, dtype=float)
    labs = np.asarray(y)
    n = labs.shape[0]
    if n == 0 or feats.shape[0] == 0:
        raise ValueError("need at least one example")
    feats = feats.reshape(n, -1) + 0.0
    _, gx = np.unique(feats, axis=0, return_inverse=True)
    _, gy = np.unique(labs, return_inverse=True)
    table = np.zeros((gx.max() + 1, gy.max() + 1))
    np.add.at(table, (gx.ravel(), gy.ravel()), 1)
    row = table.sum(1, keepdims=True)
    ratio = np.where(table > 0, table / row, 1.0)
    return float(-(table * np.log(ratio)).sum() / n) + 0.0


def sgd_step(w, g, *, lr):
    new_w = np.array(w, dtype=np.result_type(w, g, 0.5), copy=True)
    new_w -= lr * np.asarray(g)
    return new_w


def simultaneous_step(theta, gradient, lr):
    g = gradient(dict(theta))
    out = dict()
    for name, value in theta.items():
        out[name] = np.asarray(value, dtype=float) - lr * np.asarray(g[name], dtype=float)
    return out


def max_stable_lr(curvature):
    values = [float(c) for c in np.ravel(curvature)]
    if len(values) == 0:
        raise ValueError("no curvature")
    if min(values) < 0:
        raise ValueError("negative curvature")
    rates = [np.inf if c == 0 else 2 / c for c in values]
    return float(min(rates))


def two_layer_forward(x, W1, b1, W2, b2):
    h = (lambda z: z * (z > 0))(x.dot(W1) + b1)
    return (h.dot(W2) + b2, [x, h, W1, W2])


def two_layer_backward(d_out, cache):
    x, h, W1, W2 = cache
    n = x.shape[0]
    dx = np.zeros(x.shape)
    dW1, db1 = (np.zeros(W1.shape), np.zeros(W1.shape[1]))
    dW2, db2 = (np.zeros(W2.shape), np.zeros(W2.shape[1]))
    for i in range(n):
        db2 += d_out[i]
        dW2 += np.outer(h[i], d_out[i])
        dh = W2 @ d_out[i]
        dh = np.where(h[i] > 0, dh, 0)
        db1 += dh
        dW1 += np.outer(x[i], dh)
        dx[i] = W1 @ dh
    return (dx, dW1, db1, dW2, db2)


def softmax_cross_entropy(logits, y, label_smoothing=0.0):
    scores = np.array(logits, dtype=float)
    n, c = scores.shape
    if n < 1:
        raise ValueError("N = 0")
    lse = np.logaddexp.reduce(scores, axis=1)
    nll = lse - scores[np.arange(n), y]
    uniform = (lse[:, None] - scores).mean(axis=1)
    value = (1 - label_smoothing) * nll.mean() + label_smoothing * uniform.mean()
    grad = np.exp(scores - lse[:, None])
    for i in range(n):
        grad[i, y[i]] -= 1 - label_smoothing
    grad -= label_smoothing / c
    return (max(float(value), 0.0), grad / n)


def vanilla_dropout_forward(x, p, rng, training=True):
    x = np.array(x, dtype=x.dtype if x.dtype.kind == "f" else float)
    if not training:
        return ((1 - p) * x, ("eval", p))
    dropped = rng.uniform(size=x.shape) < p
    out = x.copy()
    out[dropped] = 0
    return (out, ("train", dropped))


def vanilla_dropout_backward(d_out, cache):
    mode, what = cache
    if mode == "eval":
        return (1 - what) * d_out
    dx = np.array(d_out, copy=True)
    dx[what] = 0
    return dx


def dropout_forward(x, *, p, rng, training=True):
    if p < 0 or p > 1:
        raise ValueError
    x = np.asarray(x)
    if x.dtype.kind != "f":
        x = x.astype(np.float64)
    if not training:
        return (x.copy(), (None, 1.0))
    keep_mask = rng.binomial(1, 1 - p, size=x.shape).astype(bool)
    keep = 1.0 - p if p < 1 else 1.0
    return (np.where(keep_mask, x / keep, 0).astype(x.dtype), (keep_mask, keep))


def dropout_backward(d_out, cache):
    keep_mask, keep = cache
    if keep_mask is None:
        return np.array(d_out)
    return np.where(keep_mask, d_out / keep, 0)


def _sigmoid_f(x):
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(float)


def sigmoid(x):
    x = _sigmoid_f(x)
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


def _tanh_f(x):
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(float)


def tanh(x):
    x = _tanh_f(x)
    return 2 / (1 + np.exp(-2 * x)) - 1


def _relu_f(x):
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(float)


def relu(x):
    x = _relu_f(x)
    return np.where(x > 0, x, x.dtype.type(0))


def _leaky_relu_f(x):
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(float)


def leaky_relu(x, *, negative_slope=0.01):
    x = _leaky_relu_f(x)
    return np.where(x > 0, x, x.dtype.type(negative_slope) * x)


def _sigmoid_grad_f(x):
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(float)


def sigmoid_grad(x):
    s = 0.5 * (np.tanh(_sigmoid_grad_f(x) / 2) + 1)
    return s * (1 - s)


def _tanh_grad_f(x):
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(float)


def tanh_grad(x):
    e = np.exp(-2 * np.abs(_tanh_grad_f(x)))
    return 4 * e / (1 + e) ** 2


def _relu_grad_f(x):
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(float)


def relu_grad(x):
    return np.sign(np.maximum(_relu_grad_f(x), 0))


def _leaky_relu_grad_f(x):
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(float)


def leaky_relu_grad(x, *, negative_slope=0.01):
    x = _leaky_relu_grad_f(x)
    return np.where(x > 0, x.dtype.type(1), x.dtype.type(negative_slope))


def sigmoid_jacobian(x):
    n = len(x)
    J = np.zeros((n, n))
    for i, v in enumerate(x):
        s = 0.5 * (1 + np.tanh(0.5 * float(v)))
        J[i, i] = s * (1 - s)
    return J


def sigmoid_vjp(x, grad):
    s = (np.tanh(np.asarray(x, dtype=float) / 2) + 1) / 2
    return np.multiply(grad, s) * (1 - s)


def softmax(logits, *, temperature=1.0):
    if not temperature > 0:
        raise ValueError("temperature must be positive")
    z = np.asarray(logits, dtype=float) / temperature
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def binary_cross_entropy_with_logits(logits, y):
    z = np.asarray(logits, dtype=float)
    t = np.asarray(y, dtype=float)
    e = np.exp(-np.abs(z))
    loss = np.maximum(z, 0) - t * z + np.log1p(e)
    s = np.where(z >= 0, 1 / (1 + e), e / (1 + e))
    return (float(loss.mean()), (s - t) / z.size)


def residual_block_forward(inp, A, a, B, b, scale=1.0):
    pre = np.einsum("ni,ih->nh", inp, A) + a
    act = np.where(pre > 0, pre, 0.0)
    branch = np.einsum("nh,ho->no", act, B) + b
    return (scale * branch + inp, {"inp": inp, "act": act, "A": A, "B": B, "s": scale})


def residual_block_backward(g, cache):
    on = (cache["act"] > 0) * 1.0
    s = cache["s"]
    g_pre = np.einsum("no,ho->nh", g, cache["B"]) * on
    grads = (g_pre @ cache["A"].T, cache["inp"].T @ g_pre, g_pre.sum(0), cache["act"].T @ g, g.sum(0))
    dx, dA, da, dB, db = [s * v for v in grads]
    return (g + dx, dA, da, dB, db)


def global_norm(grads):
    entries = [np.abs(np.asarray(g, dtype=float)).ravel() for g in grads]
    flat = np.concatenate(entries) if entries else np.zeros(0)
    if flat.size == 0:
        return 0.0
    if not np.isfinite(flat).all():
        return float("nan")
    top = flat.max()
    if top == 0:
        return 0.0
    return float(top * np.sqrt(np.sum((flat / top) ** 2)))


def _clip_by_global_norm_norm(grads):
    flat = np.concatenate([np.abs(np.asarray(g, dtype=float)).ravel() for g in grads] + [np.zeros(1)])
    if not np.isfinite(flat).all():
        return float("nan")
    top = flat.max()
    return float(top * np.sqrt(np.sum((flat / top) ** 2))) if top > 0 else 0.0


def clip_by_global_norm(grads, *, max_norm):
    if not max_norm > 0:
        raise ValueError("max_norm must be positive")
    norm = _clip_by_global_norm_norm(grads)
    if not np.isfinite(norm) or norm <= max_norm:
        return ([np.array(g, dtype=float) for g in grads], norm)
    factor = max_norm / norm
    return ([np.asarray(g, dtype=float) * factor for g in grads], norm)


def clip_by_value(tensors, clip_value):
    clipped = []
    for t in tensors:
        t = np.minimum(t, float(clip_value))
        clipped.append(np.maximum(t, -float(clip_value)))
    return clipped


def rnn_forward(inputs, h_start, Wx, Wh, b):
    proj = np.einsum("btd,dh->bth", inputs, Wx) + b
    states = [np.array(h_start, dtype=float)]
    for t in range(inputs.shape[1]):
        states.append(np.tanh(proj[:, t] + states[-1].dot(Wh)))
    H = np.stack(states, axis=1)
    return (H[:, 1:].copy(), (inputs, H, Wx, Wh))


def rnn_backward(d_out, cache, truncate=None):
    inputs, H, Wx, Wh = cache
    T = inputs.shape[1]
    k = T if truncate is None else min(truncate, T)
    dZ = np.zeros(d_out.shape)
    dh = np.zeros((H.shape[0], H.shape[2]))
    for t in range(T - 1, T - k - 1, -1):
        dh = dh + d_out[:, t]
        dZ[:, t] = dh * (1 - H[:, t + 1]) * (1 + H[:, t + 1])
        dh = dZ[:, t] @ Wh.T
    dh0 = dh if k == T else 0.0 * dh
    return (
        np.einsum("bth,dh->btd", dZ, Wx),
        dh0,
        np.einsum("btd,bth->dh", inputs, dZ),
        np.einsum("bti,btj->ij", H[:, :-1], dZ),
        dZ.sum(axis=(0, 1)),
    )


def weight_norm_forward(v, g):
    v = np.asarray(v, dtype=float)
    norm = np.sqrt((v**2).sum(axis=0))
    if (norm == 0).any():
        raise ValueError("zero column")
    vhat = v / norm
    return (g * vhat, (vhat, norm, np.array(g, dtype=float)))


def weight_norm_backward(d_out, cache):
    vhat, norm, g = cache
    dg = (d_out * vhat).sum(axis=0)
    dv = g / norm * (d_out - vhat * dg)
    return (dv, dg)


def train_one_epoch(weights, inputs, targets, lr):
    weights = np.array(weights, dtype=float, copy=True)
    history = []
    for features, target in zip(inputs, targets):
        prediction = np.sum(features * weights)
        error = prediction - target
        history.append(error**2 / 2)
        weights -= lr * error * features
    return (weights, np.array(history, dtype=float))


def running_train_loss(step_losses):
    losses = np.asarray(step_losses, dtype=float)
    if losses.size == 0:
        raise ValueError("no losses")
    return float(losses.mean())


def weighted_batch_mean(means, sizes):
    n = np.array([int(s) for s in sizes], dtype=float)
    if n.size == 0 or n.sum() == 0:
        raise ValueError("sum of sizes is 0")
    kept = np.flatnonzero(n)
    stack = np.stack([np.asarray(means[i], dtype=float) for i in kept])
    return np.tensordot(n[kept], stack, axes=1) / n.sum()


def perplexity(losses):
    if len(losses) == 0:
        raise ValueError("no tokens")
    bits = sum((float(v) / np.log(2) for v in losses)) / len(losses)
    return float(2.0 ** np.float64(bits))


def early_stop(losses, *, patience, min_delta=0.0):
    if len(losses) == 0 or patience < 1 or min_delta < 0:
        raise ValueError("bad input")
    best = float("inf")
    best_epoch = 0
    wait = 0
    for epoch, loss in enumerate(losses):
        if loss < best - min_delta:
            best = loss
            best_epoch = epoch
            wait = 0
        else:
            wait += 1
            if wait >= patience:
                return (epoch, best_epoch)
    return (None, best_epoch)


def generalization_loss(val):
    out = []
    low = None
    for v in val:
        v = float(v)
        if not v > 0:
            raise ValueError("a loss must be greater than zero")
        if low is None or v < low:
            low = v
        out.append(100.0 * (v - low) / low)
    return np.array(out)


def minibatch_gradient(per_example_grads, indices):
    if len(indices) == 0:
        raise ValueError("empty")
    total = np.zeros(np.shape(per_example_grads)[1:])
    for i in indices:
        total = total + per_example_grads[i]
    return total


def least_squares_loss(w, x, y):
    if len(x) == 0:
        raise ValueError("empty")
    loss, dw = (0.0, np.zeros(len(w)))
    for row, target in zip(x, y):
        e = float(row @ w) - float(target)
        loss += 0.5 * e * e
        dw = dw + e * row
    return (loss, dw)


def epoch_batches(n, *, batch_size, rng, replacement=False, drop_last=False):
    if batch_size < 1:
        raise ValueError("batch_size")
    if n == 0:
        return []
    if replacement:
        k = n // batch_size if drop_last else -(-n // batch_size)
        return [rng.integers(0, n, size=batch_size) for _ in range(k)]
    order = rng.permutation(n)
    stop = n - n % batch_size if drop_last else n
    return [order[i : i + batch_size] for i in range(0, stop, batch_size)]


def _average_weights_running(members):
    mean = np.array(members[0], dtype=float)
    for k, member in enumerate(members[1:], start=2):
        mean = mean + (np.asarray(member, dtype=float) - mean) / k
    return mean


def average_weights(weights):
    if not len(weights):
        raise ValueError("k = 0")
    if isinstance(weights[0], list):
        return [_average_weights_running([w[i] for w in weights]) for i in range(len(weights[0]))]
    return _average_weights_running(weights)


def ema_update(average, w, *, decay=0.999):
    return decay * average + (1 - decay) * w


def ema_corrected(average, *, decay, t):
    if not t >= 1:
        raise ValueError("no update yet")
    total = 0.0
    for k in range(int(t)):
        total += (1.0 - decay) * decay**k
    return np.divide(average, total)


def warmup_lr(step, *, lr, warmup_steps):
    if warmup_steps == 0:
        return lr
    return lr * min(1.0, (step + 1) / warmup_steps)


def batch_norm_forward(x, gamma, beta, *, eps=1e-05):
    n, d = x.shape
    if n < 1:
        raise ValueError("a batch needs an example")
    x = np.array(x, dtype=np.float64)
    mu = np.sum(x, axis=0) / n
    xmu = x - mu
    var = np.sum(xmu**2, axis=0) / n
    std = np.sqrt(var + eps)
    ivar = 1.0 / std
    normal = xmu * ivar
    return (
        normal * gamma + beta,
        dict(normal=normal, xmu=xmu, ivar=ivar, std=std, gamma=np.array(gamma, dtype=float), n=n),
    )


def batch_norm_backward(d_out, cache):
    n = cache["n"]
    dbeta = np.sum(d_out, axis=0)
    dgamma = np.einsum("nd,nd->d", d_out, cache["normal"])
    dnormal = d_out * cache["gamma"]
    divar = np.sum(dnormal * cache["xmu"], axis=0)
    dstd = -divar / cache["std"] ** 2
    dvar = 0.5 * dstd / cache["std"]
    dxmu = dnormal * cache["ivar"] + 2.0 * cache["xmu"] * dvar / n
    dx = dxmu - np.sum(dxmu, axis=0) / n
    return (dx, dgamma, dbeta)


def layer_norm_forward(x, gamma, beta, *, eps=1e-05):
    out, stored = (np.zeros(x.shape), [])
    for n, row in enumerate(np.asarray(x, dtype=float)):
        z = row - np.mean(row)
        r = np.sqrt(np.mean(np.square(z)) + eps)
        out[n] = gamma * z / r + beta
        stored.append((z / r, r))
    return (out, (stored, np.array(gamma)))


def layer_norm_backward(d_out, cache):
    stored, gamma = cache
    D = len(gamma)
    dx = np.zeros(np.shape(d_out))
    dgamma, dbeta = (np.zeros(D), np.zeros(D))
    for n, (u, r) in enumerate(stored):
        J = (np.eye(D) - 1.0 / D - np.outer(u, u) / D) / r
        dx[n] = J @ (gamma * d_out[n])
        dgamma = dgamma + d_out[n] * u
        dbeta = dbeta + d_out[n]
    return (dx, dgamma, dbeta)


def update_running_stats(mean, var, x, *, momentum=0.1):
    n = x.shape[0]
    if n <= 1:
        raise ValueError("unbiased variance of fewer than two examples")
    m = np.add.reduce(x, axis=0) / n
    s = np.einsum("nd,nd->d", x - m, x - m) / (n - 1)
    return (mean + momentum * (m - mean), var + momentum * (s - var))


def batch_norm_eval(x, gamma, beta, running_mean, running_var, *, eps=1e-05):
    return gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta


def _squared_l2_penalty_floats(w):
    w = np.asarray(w)
    return w * 1.0 if w.dtype.kind != "f" else w.copy()


def squared_l2_penalty(weights, strength):
    flat = np.ravel(_squared_l2_penalty_floats(weights))
    value = strength / 2 * float(np.dot(flat, flat))
    return (value, (flat * strength).reshape(np.shape(weights)))


def _l2_norm_penalty_floats(w):
    w = np.asarray(w)
    return w * 1.0 if w.dtype.kind != "f" else w.copy()


def l2_norm_penalty(w, *, strength):
    w = _l2_norm_penalty_floats(w)
    norm = np.sqrt(np.sum(w**2))
    if norm == 0:
        return (0.0, np.zeros_like(w))
    return (float(strength * norm), strength * w / norm)


def weight_decay_step(w, g, *, lr, weight_decay):
    return (1 - lr * weight_decay) * w - lr * g


def cosine_lr(step, *, lr, total_steps, min_lr=0.0):
    if total_steps < 1:
        raise ValueError("no steps")
    rate = lr
    for s in range(1, step + 1):
        if s >= total_steps:
            return float(min_lr)
        rate = (1 + math.cos(math.pi * s / total_steps)) / (1 + math.cos(math.pi * (s - 1) / total_steps)) * (
            rate - min_lr
        ) + min_lr
    return float(rate)


def scaled_lr(lr, *, base_batch_size, batch_size, rule="linear"):
    powers = {"linear": 1.0, "sqrt": 0.5}
    if rule not in powers:
        raise ValueError(f"no rule {rule!r}")
    if min(base_batch_size, batch_size) < 1:
        raise ValueError("a batch holds at least one example")
    return float(lr * np.power(batch_size / base_batch_size, powers[rule]))


def adagrad_step(w, g, sum_squares, *, lr, eps=1e-10):
    history = sum_squares + (1.0 * g) ** 2
    scale = history**0.5 + eps
    scale = np.where(scale == 0, 1.0, scale).astype(scale.dtype)
    return (w - lr * (g / scale), history)


def rmsprop_step(w, g, v, *, lr, alpha=0.99, eps=1e-08):
    v = alpha * v + (1 - alpha) * g * g
    root = np.sqrt(v) + eps
    return (w - lr * np.divide(g, root, out=np.zeros_like(root), where=root > 0), v)


def momentum_step(w, g, v, *, lr, momentum=0.9, dampening=0.0, nesterov=False):
    v = momentum * v - lr * (1 - dampening) * g
    if nesterov:
        return (w + momentum * v - lr * g, v)
    return (w + v, v)


def _adam_step_safe_ratio(a, b):
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)


def adam_step(param, grad, exp_avg, exp_avg_sq, t, lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.0):
    if not t >= 1:
        raise ValueError(f"step must be at least 1, got {t}")
    beta1, beta2 = betas
    grad = np.asarray(grad) * 1.0
    if weight_decay:
        grad = grad + weight_decay * param
    exp_avg = exp_avg + (1.0 - beta1) * (grad - exp_avg)
    exp_avg_sq = exp_avg_sq * beta2 + (1.0 - beta2) * np.square(grad)
    c1 = 1.0 - beta1**t
    c2 = 1.0 - beta2**t
    denom = np.sqrt(exp_avg_sq) / c2**0.5 + eps
    return (param - lr / c1 * _adam_step_safe_ratio(exp_avg, denom), exp_avg, exp_avg_sq)


def adamw_step(theta, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.01):
    if t < 1:
        raise ValueError("t counts from one")
    beta1, beta2 = (betas[0], betas[1])
    m_new = beta1 * m + grad - beta1 * grad
    v_new = beta2 * v + np.square(grad) * (1.0 - beta2)
    m_hat = m_new * (1.0 / (1.0 - np.power(beta1, float(t)).item()))
    v_hat = v_new * (1.0 / (1.0 - np.power(beta2, float(t)).item()))
    root = np.sqrt(v_hat) + eps
    safe = np.where(root > 0, root, 1)
    update = np.where(root > 0, m_hat / safe, 0)
    return (theta - lr * (update + weight_decay * theta), m_new, v_new)


def async_sgd(w0, grad_fn, schedule, lr, workers):
    order = [int(s) for s in schedule]
    if any((s < 0 or s >= workers for s in order)):
        raise ValueError("schedule names a worker that does not exist")
    n = len(order)
    w0 = np.asarray(w0, dtype=np.float64)
    traj = np.empty((n + 1,) + w0.shape)
    traj[0] = w0
    read_at = np.zeros(workers, dtype=int)
    stale = np.zeros(n, dtype=int)
    for t in range(n):
        who = order[t]
        stale[t] = t - read_at[who]
        traj[t + 1] = traj[t] - lr * np.asarray(grad_fn(traj[read_at[who]].copy(), who))
        read_at[who] = t + 1
    return (traj[n].copy(), stale, n - read_at, traj)


def collapse_linear(W1, b1, W2, b2):
    return (W1 @ W2, b1 @ W2 + b2)


def lift_to_relu(W, b):
    C = W.shape[1]
    I = np.eye(C)
    return (np.hstack([W, -W]) * 1.0, np.concatenate([b, -b]) * 1.0, np.vstack([I, -I]), np.zeros(C))


def xor_network():
    W1 = np.array([[1.0, -1.0], [-1.0, 1.0]])
    return (W1, np.zeros(2), np.ones((2, 1)), np.zeros(1))


def _mlp_gradients_sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))


_mlp_gradients_act = {
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0),
    "leaky_relu": (lambda z: np.where(z > 0, z, 0.01 * z), lambda z: np.where(z > 0, 1, 0.01)),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "sigmoid": (_mlp_gradients_sigmoid, lambda z: _mlp_gradients_sigmoid(z) * _mlp_gradients_sigmoid(-z)),
    "silu": (
        lambda z: z * _mlp_gradients_sigmoid(z),
        lambda z: _mlp_gradients_sigmoid(z) * (1 + z * _mlp_gradients_sigmoid(-z)),
    ),
    "softplus": (lambda z: np.logaddexp(0, z), _mlp_gradients_sigmoid),
    "linear": (lambda z: z, np.ones_like),
}


def mlp_gradients(params, x, y, *, activation="relu", loss="cross_entropy"):
    phi, dphi = _mlp_gradients_act[activation]
    a, acts, zs = (np.asarray(x, dtype=float), [], [])
    for k, (W, b) in enumerate(params):
        acts.append(a)
        z = a @ W + b
        zs.append(z)
        a = z if k == len(params) - 1 else phi(z)
    n, c = a.shape
    y = np.asarray(y)
    target = np.eye(c)[y] if y.ndim == 1 else y
    if loss == "cross_entropy":
        p = np.exp(a - a.max(axis=1, keepdims=True))
        p = p / p.sum(axis=1, keepdims=True)
        delta = (p * target.sum(axis=1, keepdims=True) - target) / n
    elif loss == "mse":
        delta = (a - target) / n
    else:
        delta = np.sign(a - target) / n
    grads = []
    for k in range(len(params) - 1, -1, -1):
        grads.append((acts[k].T @ delta, delta.sum(axis=0)))
        if k:
            delta = delta @ params[k][0].T * dphi(zs[k - 1])
    return grads[::-1]


def he_std(fan_in, *, negative_slope=0.0):
    if fan_in < 1:
        raise ValueError("fan_in must be positive")
    return float(np.sqrt(2.0 / ((1.0 + negative_slope**2) * fan_in)))


def init_mlp(layer_sizes, rng, negative_slope=0.0):
    gain = np.sqrt(2.0) / np.hypot(1.0, negative_slope)
    net = []
    i = 0
    while i + 1 < len(layer_sizes):
        n, k = (layer_sizes[i], layer_sizes[i + 1])
        bound = gain * np.sqrt(3.0 / n)
        net.append((rng.uniform(-bound, bound, (n, k)), np.zeros((k,))))
        i += 1
    return net


def random_streams(seed, *names):

    def key(name):
        raw = str(name).encode("utf-8")
        return (len(raw), *raw)

    return {
        name: np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key(name)))) for name in names
    }


def stochastic_round(x, *, rng):
    x = np.asarray(x, dtype=np.float64)
    near = x.astype(np.float16)
    back = near.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        down = np.nextafter(near, np.float16(-np.inf))
        up = np.nextafter(near, np.float16(np.inf))
    low = np.where(back <= x, near, down)
    high = np.where(back >= x, near, up)
    l, h = (low.astype(np.float64), high.astype(np.float64))
    gap = np.where(h > l, h - l, 1.0)
    p = np.where(h > l, (x - l) / gap, 0.0)
    return np.where(rng.random(x.shape) < p, high, low).astype(np.float16)


def dead_units(pre):
    pre = np.asarray(pre)
    active = np.zeros(pre.shape[1], dtype=int)
    for row in np.maximum(pre, 0):
        active += row != 0
    return active == 0


def dead_units_streaming(batches):
    it = iter(batches)
    try:
        first = next(it)
    except StopIteration:
        raise ValueError("at least one batch is needed") from None
    best = np.max(first, axis=0, initial=-np.inf)
    for z in it:
        best = np.maximum(best, np.max(z, axis=0, initial=-np.inf))
    return best <= 0


def magnitude_mask(weights, sparsity):
    if sparsity < 0 or sparsity > 1:
        raise ValueError(sparsity)
    flat = [abs(float(v)) for v in np.ravel(weights)]
    n_drop = int(sparsity * len(flat))
    order = sorted(range(len(flat)), key=lambda i: (flat[i], -i))
    dropped = set(order[:n_drop])
    return np.array([i not in dropped for i in range(len(flat))], dtype=bool).reshape(np.shape(weights))


def remove_units(W1, b1, W2, b2, keep, *, constant=0.0):
    keep = np.asarray(keep, dtype=bool)
    c = np.broadcast_to(np.asarray(constant, dtype=float), keep.shape)
    return (W1[:, keep], b1[keep], W2[keep], b2 + c[~keep] @ W2[~keep])


def recover_input(W_before, b_before, W_after, b_after):
    dW = np.subtract(W_after, W_before, dtype=float)
    db = np.subtract(b_after, b_before, dtype=float)
    scale = np.max(np.abs(db), initial=0.0)
    if scale == 0:
        return None
    u = db / scale
    return dW / scale @ u / np.sum(u * u)


def clip_per_example(G, max_norm):
    G = np.asarray(G, dtype=float)
    norms = np.sqrt(np.einsum("ij,ij->i", G, G))
    factor = np.where(norms > max_norm, max_norm / np.where(norms > 0, norms, 1.0), 1.0)
    return factor[:, None] * G


def dp_aggregate(per_example_grads, *, max_norm, noise_multiplier, rng):
    g = np.asarray(per_example_grads, dtype=float)
    norms = np.linalg.norm(g, axis=1)
    factor = np.minimum(1.0, max_norm / np.where(norms > 0, norms, max_norm or 1.0))
    total = (g * factor[:, None]).sum(axis=0)
    noise = rng.normal(size=total.shape) * noise_multiplier * max_norm
    return (total + noise) / len(g)


def distillation_loss(student, teacher, temperature=1.0):
    student = np.array(student, dtype=float)
    teacher = np.array(teacher, dtype=float)
    n = student.shape[0]
    if n == 0 or not temperature > 0:
        raise ValueError("bad input")
    grad = np.empty_like(student)
    total = 0.0
    for k in range(n):
        a = (teacher[k] - np.max(teacher[k])) / temperature
        c = (student[k] - np.max(student[k])) / temperature
        za, zc = (np.sum(np.exp(a)), np.sum(np.exp(c)))
        p, q = (np.exp(a) / za, np.exp(c) / zc)
        total += float(np.sum(p * (a - c))) + float(np.log(zc / za))
        grad[k] = q - p
    return (temperature * temperature * total / n, grad * (temperature / n))
