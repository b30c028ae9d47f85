"""LinearModel: three ways to state it, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab.theory.core.errors import InvalidInput, InvalidType, NotAvailable
from limitlab.theory.linear.problem import LinearModel

J = np.random.default_rng(0).normal(size=(4, 7))
Z = np.array([1.0, -2.0, 0.5, 3.0])


def test_jacobian_kernel_and_spectrum_are_one_model():
    kernel = J @ J.T / 4
    values, vectors = np.linalg.eigh(kernel)
    models = (
        LinearModel(jacobian=J, residual=Z),
        LinearModel(kernel=kernel, residual=Z),
        LinearModel(spectrum=values, residual=vectors.T @ Z),
    )
    for model in models:
        assert model.eigenvalues == pytest.approx(values[::-1], rel=1e-12)
        assert model.energies == pytest.approx((vectors.T @ Z)[::-1] ** 2, rel=1e-10)
        assert model.sharpness == pytest.approx(values[-1]) and model.data == 4
        assert model.initial_loss == pytest.approx(Z @ Z / 8)
    assert models[0] == LinearModel(jacobian=J, residual=Z) != models[1]


def test_starts_given_by_a_second_moment():
    moment = np.outer(Z, Z) + np.eye(4)
    model = LinearModel(jacobian=J, residual=moment)
    V = model.eigenvectors
    assert V @ model.start @ V.T == pytest.approx(moment, abs=1e-12)
    assert model.energies.sum() == pytest.approx(np.trace(moment))
    root = np.column_stack([model.residual_from(unit) for unit in np.eye(4)])
    assert root @ root.T == pytest.approx(moment, abs=1e-12)
    assert LinearModel(jacobian=J).initial_loss == 0.5
    assert LinearModel(jacobian=J).residual_from(Z) == pytest.approx(Z)


def test_round_off_of_a_singular_kernel_is_zero():
    model = LinearModel(jacobian=J[:, :2])
    assert np.count_nonzero(model.eigenvalues) == 2 and model.eigenvalues.min() == 0


def test_blocks_of_outputs():
    assert LinearModel(jacobian=J, outputs=2).data == 2
    with pytest.raises(InvalidInput, match="divisor of 4"):
        LinearModel(jacobian=J, outputs=3)


@pytest.mark.parametrize(
    ("fields", "error", "field"),
    [
        ({}, InvalidInput, "jacobian"),
        ({"jacobian": J, "spectrum": [1.0]}, InvalidInput, "jacobian"),
        ({"jacobian": J[0]}, InvalidInput, "jacobian"),
        ({"kernel": J}, InvalidInput, "kernel"),
        ({"kernel": [[1.0, 0.2], [0.1, 1.0]]}, InvalidInput, "kernel"),
        ({"kernel": [[1.0, 2.0], [2.0, 1.0]]}, InvalidInput, "kernel"),
        ({"spectrum": [1.0, -0.1]}, InvalidInput, "spectrum"),
        ({"spectrum": [1.0, np.nan]}, InvalidInput, "spectrum"),
        ({"spectrum": "flat"}, InvalidType, "spectrum"),
        # products of which overflow
        ({"jacobian": 1e150 * J}, InvalidInput, "jacobian"),
        ({"kernel": 1e150 * np.eye(2)}, InvalidInput, "kernel"),
        ({"spectrum": [1e300, 1.0]}, InvalidInput, "spectrum"),
        ({"jacobian": J, "residual": 1e160 * Z}, InvalidInput, "residual"),
        ({"jacobian": J, "residual": Z[:3]}, InvalidInput, "residual"),
        ({"jacobian": J, "residual": np.eye(3)}, InvalidInput, "residual"),
        ({"spectrum": [1.0, 0.5], "residual": np.eye(2)}, NotAvailable, "residual"),
    ],
)
def test_bad_input_names_the_field(fields, error, field):
    with pytest.raises(error) as caught:
        LinearModel(**fields)
    assert caught.value.field == field


def test_a_spectrum_has_no_gram_matrix():
    with pytest.raises(NotAvailable, match="eigenvectors"):
        _ = LinearModel(spectrum=[1.0]).gram
