"""One selection by hand in NumPy: the gain of every task in network mode, from last-layer loss gradients.

What somebody would write without this project: float64, whole arrays, a loop over blocks. For all pairs x = (state, task) of
n demonstrations with h (d_h numbers) and g (d_a), k(x, x') = <g, g'> <h, h'>. Conditioned on the held pairs, each block
B (demonstration j under task c') explains k(x, B) [k(B, B) + sigma^2 I]^-1 k(B, x) of the variance of each pair, and the
gain is d_a / n^2 times the weighted sum of that. It is a check of the daemon, too: nothing here comes from it.
"""
import numpy as np


def kernel(g, h, others_g, others_h):
    return (g @ others_g.T) * (h @ others_h.T)


def explained(cross, block, noise):
    """Column sums of squares of chol(block + noise^2 I)^-1 cross: what the block explains of each pair."""
    factor = np.linalg.cholesky(block + noise**2 * np.eye(len(block)))
    return np.sum(np.linalg.solve(factor, cross) ** 2, axis=0)


def select(h, g, own, noise, weights, conditioned):
    """Gains of all tasks.

    h: n x C x H x d_h; g: n x C x H x d_a; own: the task of each demonstration. weights: n x C, of demonstration i under
    task c. conditioned: on every held pair, or on nothing but the block.
    """
    n, tasks, steps, actions = g.shape
    used = np.argwhere(weights > 0)
    pairs_h = h[used[:, 0], used[:, 1]].reshape(-1, h.shape[-1])
    pairs_g = g[used[:, 0], used[:, 1]].reshape(-1, actions)
    omega = np.repeat(weights[used[:, 0], used[:, 1]] / tasks, steps)
    if conditioned:
        held_h = h[np.arange(n), own].reshape(-1, h.shape[-1])
        held_g = g[np.arange(n), own].reshape(-1, actions)
        factor = np.linalg.cholesky(kernel(held_g, held_h, held_g, held_h) + noise**2 * np.eye(n * steps))
        whitened = np.linalg.solve(factor, kernel(held_g, held_h, pairs_g, pairs_h))
    gains = np.zeros(tasks)
    for b, (j, task) in enumerate(used):
        rows = slice(b * steps, (b + 1) * steps)
        cross = kernel(pairs_g[rows], pairs_h[rows], pairs_g, pairs_h)
        if conditioned:
            cross -= whitened[:, rows].T @ whitened
        gains[task] += weights[j, task] * (explained(cross, cross[:, rows], noise) @ omega)
    return actions / n**2 * gains
