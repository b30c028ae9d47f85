"""The one adaptive loop: how it ends, and that what is not a number ends it, whoever steps."""

from __future__ import annotations

import time

import numpy as np
import pytest

from limitlab.solvers.core.chebyshev import NO_TABLE
from limitlab.solvers.core.compile import built_on, load, template_path
from limitlab.solvers.stepping import adaptive
from limitlab.solvers.stepping.failure import finished
from limitlab.theory.adam.memory import memory_system
from limitlab.theory.core.errors import SolveFailed

pytestmark = pytest.mark.interpreted

TIMES = np.linspace(0.0, 2.0, 5)
#: η(t) that is no number from the start, after a while, or at a risk that is reached after a while
BROKEN = {
    "at once": ("math.nan", "1.0"),
    "at a time": ("(0.5 if t < 0.7 else math.nan)", "1.0"),
    "at a risk": ("0.5", "(1.0 if R > 0.7 else math.nan)"),
}
ADAPTIVE = (
    "streaming/ode",
    "streaming/implicit",
    "streaming/fluctuations",
    "streaming/fluctuations_implicit",
    "streaming/split",
    "streaming/volterra",
    "adam/memory",
)
COEFFICIENT = "@scalar\ndef {}(R, t, p, weights, means, scales):\n    return {}\n"


def source_of(rate, drift):
    """Write A = η drift, B = η²/8 and a unit diagonal noise."""
    parts = {"decay": f"rate(t, p) * {drift}", "source": "0.125 * rate(t, p) ** 2"}
    parts |= {"noise_diagonal": "rate(t, p) ** 2"}
    parts |= dict.fromkeys(("noise_pair", "noise_cross", "noise_source"), "0.0")
    rates = f"@scalar\ndef rate(t, p):\n    return {rate}\n"
    return "\n\n".join([rates, *(COEFFICIENT.format(*part) for part in parts.items())])


def run(template, rate="0.5", drift="1.0", times=TIMES, rtol=1e-6, most_steps=10_000):
    """Solve two modes with a template; return what is watched and the report."""
    source = source_of(rate, drift)
    if template == "adam/memory":
        source = source.split("\n\n")[0] + "\n\n" + memory_system(True).source
    module, empty = load(source, template), np.empty(0)
    law, two = (np.zeros(1), empty, empty, empty), np.array([1.0, 2.0])
    start, control = np.array([0.6, 0.4]), (rtol, most_steps)
    rules, modes = (law, NO_TABLE, np.ones(2)), (two, start, 0.5 * two)
    both, none = np.concatenate([start, np.zeros(4)]), np.empty((0, 0))
    geometry = (two, 0.5 * two, two, np.ones(2), none, none, 2.0)
    adam = (np.array([start, 0 * start, 0 * start, [1.0, 0.0]]), times, (0.5, 3.0, 2.0))
    return {
        "streaming/ode": lambda: module.integrate(*modes, times, *rules, *control),
        "streaming/implicit": lambda: module.integrate(*modes, times, *rules, *control),
        "streaming/fluctuations": lambda: module.integrate(
            both, (two, 0.5 * two, np.ones(2), none), times, rules, np.ones(4), *control
        ),
        "streaming/fluctuations_implicit": lambda: module.integrate_both(
            both, (two, 0.5 * two, np.ones(2), none), times, rules, np.ones(4), *control
        ),
        "streaming/split": lambda: module.integrate(
            start, times, geometry, law, NO_TABLE, (False, 0), *control
        ),
        "streaming/volterra": lambda: module.choose_mesh(modes, times, rules, *control),
        "adam/memory": lambda: module.solve_memory(*adam, two, 0.5 * two, np.zeros(1), *control),
    }[template]()


@pytest.mark.parametrize("template", ADAPTIVE)
def test_every_stepper_comes_to_its_end(template):
    watched, report = run(template)
    assert report[0] == adaptive.DONE and report[2] == TIMES[-1]
    assert np.all(np.isfinite(finished(watched, report)))


@pytest.mark.parametrize("template", ADAPTIVE)
@pytest.mark.parametrize("fault", BROKEN)
def test_what_is_not_a_number_ends_every_solution(template, fault):
    if template == "adam/memory" and fault == "at a risk":
        pytest.skip("Adam's rate does not depend on the risk")
    run(template, *BROKEN[fault])  # compiles
    start = time.process_time()
    watched, report = run(template, *BROKEN[fault])
    assert time.process_time() - start < 1.0
    assert report[0] == adaptive.NOT_A_NUMBER
    with pytest.raises(SolveFailed, match="finite number") as caught:
        finished(watched, report)
    assert 0 <= caught.value.time < 2
    assert np.isfinite(caught.value.step) and np.isfinite(caught.value.state)


@pytest.mark.parametrize("template", ["streaming/ode", "streaming/implicit"])
def test_a_solution_without_a_bound_is_too_large(template):
    assert run(template, drift="(-600.0)", times=10 * TIMES)[1][0] == adaptive.TOO_LARGE


@pytest.mark.parametrize("template", ADAPTIVE)
def test_the_number_of_steps_is_bounded(template):
    watched, report = run(template, most_steps=3)
    assert report[:2] == (adaptive.TOO_MANY_STEPS, 3)
    with pytest.raises(SolveFailed, match="too many steps"):
        finished(watched, report)


def test_a_text_comes_behind_those_it_is_built_on():
    names = [file.stem for file in built_on(template_path("streaming/fluctuations_implicit"))]
    assert len(names) == len(set(names))
    order = ("tabulated", "linear_noise"), ("secant", "stage"), ("kennedy_carpenter", "stage")
    assert all(names.index(first) < names.index(second) for first, second in order)
    assert "interface" not in names and "tsitouras" not in names


def test_no_template_steps_by_itself():
    """A step that is shortened somewhere else is a second loop."""
    for template in ADAPTIVE:
        text = template_path(template).read_text(encoding="utf-8")
        assert "adaptive(" in text and "while " not in text


@pytest.mark.parametrize("template", ["streaming/ode", "streaming/implicit"])
def test_an_explicit_pair_gives_up_where_the_curve_has_settled(template):
    watched, report = run(template, times=np.array([0.0, 1e9]))
    if template == "streaming/implicit":
        # R = B Σ c_i/λ_i /A with A = .5, B = .03125 and the sources of `run`
        assert report[0] == adaptive.DONE
        np.testing.assert_allclose(watched[-1], 0.03125 * 1.0 / 0.5, rtol=1e-5)
    else:
        assert report[0] == adaptive.TOO_MANY_STEPS and report[1] <= 8 * adaptive.WINDOW


def test_a_slow_decay_is_followed_to_its_end():
    """Negative control: 1/(1 + t) has a pace that grows, and a long way is no reason to give up."""
    times = np.array([0.0, 1e4])
    watched, report = run("streaming/ode", rate="0.5 / (1.0 + t)", times=times, rtol=1e-8)
    assert report[0] == adaptive.DONE and report[1] > adaptive.WINDOW / 8
