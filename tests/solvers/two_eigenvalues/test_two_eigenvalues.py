"""The edge of stability of the two-eigenvalue model: its end, its average, what is flagged."""

from dataclasses import replace

import numpy as np
import pytest

from limitlab.solvers.solve import solve
from limitlab.solvers.two_eigenvalues.edge_offset import edge_offset
from limitlab.theory.core.errors import InvalidInput, NotAvailable, ValidityWarning
from limitlab.theory.core.symbols import t
from limitlab.theory.methods import SGD, GradientDescent
from limitlab.theory.two_eigenvalues.derivation import two_eigenvalue_theory
from limitlab.theory.two_eigenvalues.problem import TwoEigenvalueModel
from limitlab.validation.simulate import simulate

pytestmark = pytest.mark.interpreted
GD = GradientDescent(1.0)


def test_end_of_the_page_to_the_digits_printed():
    offset = edge_offset(TwoEigenvalueModel(0.01, 0.25, (0.05, 2.25)))
    assert f"{float(offset):.7f} {offset.predicted:.5f}" == "0.0063683 0.00625"


@pytest.mark.parametrize("invariant", [0.0, 0.5, 2.0])
def test_end_within_two_percent(invariant):
    offset = edge_offset(TwoEigenvalueModel(0.005, invariant))
    assert offset.state == "ended"
    assert float(offset) == pytest.approx(offset.predicted, rel=0.02)
    # negative control: the universal 2 − ε/2 holds for E = 0 only
    assert (abs(float(offset) / 0.0025 - 1) < 0.02) == (invariant == 0)


def test_gap_of_the_end_is_second_order():
    gaps = []
    for epsilon in (0.02, 0.01):
        offset = edge_offset(TwoEigenvalueModel(epsilon, 0.5))
        gaps.append(float(offset) - offset.predicted)
    assert np.log2(gaps[0] / gaps[1]) == pytest.approx(2, abs=0.1)


def test_end_from_a_start_off_the_slow_manifold():
    """At fixed (Y₀, Z₀) the relative error is O(√ε): a factor 16 in ε is a factor 4 in it."""
    errors = []
    for epsilon in (0.01, 0.000625):
        z = np.sqrt(0.05 * epsilon)
        offset = edge_offset(TwoEigenvalueModel(epsilon, 0.0, (z, 2 + 0.5 * epsilon + 2 * z)))
        errors.append(abs(float(offset) / offset.predicted_from_start - 1))
    assert errors[1] < errors[0] / 3
    # negative control: the end of orbits from large Y
    assert offset.predicted is None and abs(float(offset) / (epsilon / 2) - 1) > 10 * errors[1]


def test_two_cycle_without_second_eigenvalue():
    """ε = 0: z² = y/2 to leading order, at a W that does not move."""
    for y in (0.02, 0.002):
        model = TwoEigenvalueModel(0.0, 0.0, (0.1, 2.2 + y))  # W = 2 + y
        z = np.abs(solve(model, GD, 8 / y, points=2).z[-1])
        assert z**2 / (y / 2) == pytest.approx(1, abs=2 * np.sqrt(y))
    offset = edge_offset(model)
    assert offset.predicted is None and "ε > 0" in offset.remark


def test_average_follows_the_map():
    """At scaled starts the two differ by O(√ε)."""
    gaps = []
    for epsilon in (0.01, 0.000625):
        z = np.sqrt(0.5 * epsilon)
        model = TwoEigenvalueModel(epsilon, 0.0, (z, 2 + 3 * epsilon + 2 * z))
        even = 2 * np.arange(1, 11) * np.rint(0.1 / epsilon)
        exact = solve(model, GD, times=even)
        averaged = solve(model, GD, times=even, limit="averaged")
        gaps.append(np.abs(np.abs(exact.z) - averaged.z).max() / z)
    assert gaps[1] < gaps[0] / 2.5


def test_units_of_the_rate():
    one, half = (solve(TwoEigenvalueModel(0.1, 0), GradientDescent(r), 50) for r in (1.0, 0.5))
    np.testing.assert_array_equal(one.T, half.T)
    np.testing.assert_allclose(half.sharpness * 0.5, half.T)
    np.testing.assert_allclose(half.loss, half.z**2 / 2 * 4)


def test_flow_is_the_map_of_short_steps():
    """z, E ∝ h and T ∝ h: the map of rate h against the flow, first order in h."""
    gaps = []
    for h in (0.04, 0.02):
        model = TwoEigenvalueModel(0.3, 0.5 * h, (0.8 * h, 1.2 * h))
        exact = solve(model, GradientDescent(h), times=[round(1 / h)])
        flow = solve(model, GradientDescent(h), times=[1.0], limit="flow")
        gaps.append(abs(exact.sharpness[-1] - flow.sharpness[-1]))
    assert gaps[0] / gaps[1] == pytest.approx(2, rel=0.15)


def test_ends_of_average_and_flow():
    model = TwoEigenvalueModel(0.01, 0.25, (0.05, 2.15))
    averaged = solve(model, GD, limit="averaged")
    assert averaged.provenance["end"] == pytest.approx(
        averaged.provenance["predicted_end_from_start"], abs=1e-6
    )
    flow = solve(model, GD, limit="flow")
    assert flow.provenance["state"] == "ended" and abs(flow.z[-1]) < 2e-8


def test_given_system_is_the_one_solved():
    theory = two_eigenvalue_theory()
    equations = tuple((a, 1.05 * b if str(a) == "T_next" else b) for a, b in theory.equations)
    changed = replace(theory, equations=equations)
    model = TwoEigenvalueModel(0.01, 0.25)
    own, other = (solve(model, GD, 1, points=2, system=s) for s in (None, changed))
    assert other.T[1] == pytest.approx(1.05 * own.T[1], rel=1e-14)


def test_flags():
    wild = TwoEigenvalueModel(0.01, 0.0, (1.0, 50.0))
    with pytest.warns(ValidityWarning, match="diverged at step"):
        curve = solve(wild, GD, 100)
    assert np.isnan(curve.T[-1]) and curve.provenance["state"] == "diverged"
    with pytest.warns(ValidityWarning, match="had not ended"):
        curve = solve(TwoEigenvalueModel(0.001, 0), GD, most=100)
    assert curve.provenance["state"] == "budget"
    low = TwoEigenvalueModel(0.01, -1.2, (0.05, 3.0))
    offset = edge_offset(low)
    assert offset.predicted is None and "E > −1" in offset.remark
    with pytest.raises(InvalidInput, match="until"):
        solve(low, GD, limit="averaged")
    with pytest.raises(NotAvailable, match="rate"):
        solve(low, GradientDescent(1 / (1 + t)), 5)


def test_a_diverged_orbit_has_no_end():
    """Whether the time is given or not: no end, no prediction, no T above the ceiling."""
    wild = TwoEigenvalueModel(0.01, 0.0, (1.1, 50.0))
    for until in (None, 100):
        with pytest.warns(ValidityWarning, match="diverged at step"):
            curve = solve(wild, GD, until, points=11)
        found = curve.provenance
        assert found["state"] == "diverged" and np.isnan(found["end"]) and np.isnan(curve.T[-1])
        assert np.nanmax(curve.T) < 1e5
        assert found["predicted_end"] is None and found["predicted_end_from_start"] is None
    with pytest.warns(ValidityWarning, match="diverged at step"):
        offset = edge_offset(wild)
    run = simulate(wild, GD)
    assert run.provenance["states"] == ["diverged"] and np.isnan(run.T[-1])
    assert np.isnan(float(offset)) and offset.predicted is None and "diverged" in offset.remark


def test_no_prediction_where_the_expansion_does_not_hold():
    assert edge_offset(TwoEigenvalueModel(0.064, 2.0)).predicted is not None
    steep = edge_offset(TwoEigenvalueModel(0.2, 2.0))
    assert steep.predicted is None and "ε(1 + E)" in steep.remark
    # J₂² = .45 at ε(1 + E) = .2
    large = edge_offset(TwoEigenvalueModel(0.2, 0.0, (0.05, 2.8)))
    assert large.predicted is None and "J₂²" in large.remark
    for z, T, why in ((0.0, 2.25, "nothing moves"), (-0.4, 1.4, "z²"), (0.05, 3.2, "y = 1.1")):
        offset = edge_offset(TwoEigenvalueModel(0.01, 0.25, (z, T)))
        assert offset.predicted_from_start is None and why in offset.remark
    # an orbit that never comes near the edge ends as far from it as it started
    below = edge_offset(TwoEigenvalueModel(0.01, 0.25, (0.05, 1.0)))
    assert below.predicted is None
    assert float(below) == pytest.approx(below.predicted_from_start, rel=0.02)
    # what would have been said is far off
    assert abs(float(steep) / 0.3 - 1) > 0.25


def test_an_offset_that_ran_out_of_steps_is_warned_of():
    with pytest.warns(ValidityWarning, match="budget at step 100: the motion had not ended"):
        assert edge_offset(TwoEigenvalueModel(0.001, 0.0), most=100).state == "budget"


def test_a_budget_is_of_motions_without_a_time():
    for verb in (solve, simulate):
        for time in ({"until": 5}, {"times": [5]}):
            with pytest.raises(NotAvailable, match="most = 100: until or times"):
                verb(TwoEigenvalueModel(0.01, 0.0), GD, most=100, **time)


@pytest.mark.parametrize("rate", [1e-200, 1e200])
def test_units_beyond_what_a_float_holds(rate):
    for verb in (solve, simulate):
        with pytest.raises(InvalidInput, match="rate = .*1e-50 to 1e"):
            verb(TwoEigenvalueModel(0.01, 0.0), GradientDescent(rate), 5)


@pytest.mark.parametrize(
    ("model", "options"),
    [
        (TwoEigenvalueModel(0.01, 0.0, (1.1, 50.0)), {"until": 9}),
        (TwoEigenvalueModel(0.1, 0.1), {"until": 9, "limit": "averaged"}),
    ],
)
def test_warnings_point_to_the_caller(model, options):
    with pytest.warns(ValidityWarning) as caught:
        solve(model, GD, **options)
    assert [w.filename for w in caught] == [__file__]


def test_momentum_is_refused():
    for verb in (solve, simulate):
        with pytest.raises(NotAvailable, match="momentum"):
            verb(TwoEigenvalueModel(0.01, 0.0), SGD(1.0, momentum=0.9), 5)
