"""The losses as pure functions of tensors: one value a participant, each with its equation."""

import math
from typing import Any

from keras import ops

Tensor = Any

NORM_EPSILON = 1e-12
FAR = -1e9
"""A logit that takes no part in a softmax."""

PUBLISHED_CLIP = 1e-7
"""Where Keras' cross-entropy clips probabilities; -log of it is 16.118."""


def log_cosh(recordings: Tensor, decoded: Tensor) -> Tensor:
    """Mean over elements of log cosh(d) with d = decoded - recordings.

    Written as |d| + log(1 + exp(-2|d|)) - log 2, which does not overflow.

    Args:
        recordings: (n, ...) in model units.
        decoded: (n, ...) in model units.

    Returns:
        (n,) float32.
    """
    size = ops.abs(ops.cast(decoded, "float32") - ops.cast(recordings, "float32"))
    values = size + ops.log1p(ops.exp(-2.0 * size)) - math.log(2.0)
    return _mean_over_elements(values)


def mean_squared_error(recordings: Tensor, decoded: Tensor) -> Tensor:
    """Mean over elements of (decoded - recordings)².

    Args:
        recordings: (n, ...) in model units.
        decoded: (n, ...) in model units.

    Returns:
        (n,) float32.
    """
    difference = ops.cast(decoded, "float32") - ops.cast(recordings, "float32")
    return _mean_over_elements(ops.square(difference))


def label_errors(labels: Tensor, outputs: Tensor, known: Tensor, is_binary: Tensor) -> Tensor:
    """Mean over the known targets of (o - y)², or of -y log σ(o) - (1 - y) log(1 - σ(o)).

    The cross-entropy is written as log(1 + exp(o)) - y·o, which does not overflow.

    Args:
        labels: (n, targets), standardized, or 0 and 1; any finite value where unknown.
        outputs: (n, targets), standardized, or logits.
        known: (n, targets) 1 where there is a label.
        is_binary: (targets,) 1 where the second formula holds.

    Returns:
        (n,) float32; 0 where no target is known.
    """
    outputs, labels, known = (ops.cast(some, "float32") for some in (outputs, labels, known))
    squares = ops.square(outputs - labels)
    entropies = ops.softplus(outputs) - labels * outputs
    values = squares * (1.0 - is_binary) + entropies * is_binary
    return ops.sum(values * known, axis=1) / ops.maximum(ops.sum(known, axis=1), 1.0)


def cosine_similarities(ecg_latents: Tensor, mri_latents: Tensor) -> Tensor:
    """U Vᵀ of the unit-length latents.

    Args:
        ecg_latents: (n, d).
        mri_latents: (n, d).

    Returns:
        (n, n): row i is ECG i against every MRI.
    """
    return ops.matmul(_unit(ecg_latents), ops.transpose(_unit(mri_latents)))


def info_nce(similarities: Tensor, log_scale: Tensor, paired: Tensor) -> Tensor:
    """Symmetric softmax cross-entropy of s·UVᵀ against the diagonal, s = exp(τ).

    ½ (-log softmax_row(s·UVᵀ)_ii - log softmax_column(s·UVᵀ)_ii), Radhakrishnan et al. 2023.

    Args:
        similarities: (n, n) cosines, rows ECG, columns MRI.
        log_scale: τ, a scalar.
        paired: (n,) 1 where a participant has both recordings; others are no candidates.

    Returns:
        (n,) float32; 0 where unpaired.
    """
    rows, columns = _log_probabilities(similarities, log_scale, paired)
    return -0.5 * (rows + columns) * paired


def published_info_nce(similarities: Tensor, log_scale: Tensor, paired: Tensor) -> Tensor:
    """What the published code trains, with the arguments of its cross-entropy swapped.

    -log(1e-7) · (1 - ½ (p_ii of rows + p_ii of columns)): its gradient vanishes for badly wrong
    pairs. For comparison only.

    Args:
        similarities: (n, n) cosines, rows ECG, columns MRI.
        log_scale: τ, a scalar.
        paired: (n,) 1 where a participant has both recordings.

    Returns:
        (n,) float32; 0 where unpaired.
    """
    rows, columns = _log_probabilities(similarities, log_scale, paired)
    probability = 0.5 * (ops.exp(rows) + ops.exp(columns))
    return -math.log(PUBLISHED_CLIP) * (1.0 - probability) * paired


def sigmoid_pairs(
    similarities: Tensor, log_scale: Tensor, offset: Tensor, paired: Tensor
) -> Tensor:
    """SigLIP: -Σ_j log σ(z_ij (s·u_i·v_j + b)), z = 1 on the diagonal and -1 elsewhere.

    Averaged over the row and the column of a participant. Zhai et al., *Sigmoid Loss for Language
    Image Pre-Training*, ICCV 2023, equation 1 (there the sum is divided by n, as the mean over
    participants does here).

    Args:
        similarities: (n, n) cosines, rows ECG, columns MRI.
        log_scale: log of s, a scalar.
        offset: b, a scalar.
        paired: (n,) 1 where a participant has both recordings.

    Returns:
        (n,) float32; 0 where unpaired.
    """
    logits = ops.exp(log_scale) * similarities + offset
    signs = 2.0 * ops.eye(ops.shape(similarities)[0], dtype="float32") - 1.0
    both = ops.expand_dims(paired, 0) * ops.expand_dims(paired, 1)
    losses = ops.softplus(-signs * logits) * both
    return 0.5 * (ops.sum(losses, axis=1) + ops.sum(losses, axis=0))


def mean_over_participants(values: Tensor, present: Tensor) -> Tensor:
    """Mean of a loss over the participants who have it; 0 if none has.

    Args:
        values: (n,), any finite value where absent.
        present: (n,) 1 or 0.

    Returns:
        A scalar.
    """
    return ops.sum(values * present) / ops.maximum(ops.sum(present), 1.0)


def _mean_over_elements(values: Tensor) -> Tensor:
    return ops.mean(values, axis=tuple(range(1, len(values.shape))))


def _unit(latents: Tensor) -> Tensor:
    latents = ops.cast(latents, "float32")
    return latents * ops.rsqrt(ops.sum(ops.square(latents), axis=-1, keepdims=True) + NORM_EPSILON)


def _log_probabilities(
    similarities: Tensor, log_scale: Tensor, paired: Tensor
) -> tuple[Tensor, Tensor]:
    """Log-softmax of the true pair, among the row's and among the column's candidates."""
    logits = ops.exp(log_scale) * similarities
    absent = FAR * (1.0 - paired)
    rows = ops.log_softmax(logits + ops.expand_dims(absent, 0), axis=1)
    columns = ops.log_softmax(logits + ops.expand_dims(absent, 1), axis=0)
    # An unpaired participant's own entry is FAR: keep it out, so that 0 · FAR never meets exp.
    return ops.diagonal(rows) * paired, ops.diagonal(columns) * paired
