"""The normals of the kernels: published known answers, moments, tails, correlations."""

import math

import numpy as np
import pytest
from scipy import stats

from limitlab.solvers.core import random
from limitlab.solvers.core.compile import load
from limitlab.theory.core.errors import InvalidInput, InvalidType

# two-sided 6.8e-6: about 60 statistics in this file give a false alarm with probability 4e-4
Z = 4.5


@pytest.fixture(scope="module")
def kernels():
    return load("", random._KERNELS)


@pytest.fixture(scope="module")
def sample():
    return random.normals(np.random.SeedSequence(2024), 2**22).astype(np.float64)


@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [
        ((0, 0, 0, 0), (0, 0), (0x5F6FB709, 0x0D893F64, 0x4F121F81, 0x4F730A48)),
        (
            (0xFFFFFFFF,) * 4,
            (0xFFFFFFFF,) * 2,
            (0x5207DDC2, 0x45165E59, 0x4D8EE751, 0x8C52F662),
        ),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0x4DFCCABA, 0x190A87F0, 0xC47362BA, 0xB6B5242A),
        ),
    ],
)
def test_philox_gives_the_published_answers(kernels, counter, key, answer):
    words = kernels.philox(*(np.uint32(word) for word in counter + key))
    assert tuple(int(word) for word in words) == answer


def moment_z(z, order):
    """Error of a raw moment in standard errors of the normal law."""
    exact = 0.0 if order % 2 else float(math.prod(range(order - 1, 0, -2)))
    variance = float(math.prod(range(2 * order - 1, 0, -2))) - exact**2
    return (np.mean(z**order) - exact) / math.sqrt(variance / z.size)


@pytest.mark.parametrize("order", range(1, 9))
def test_moments(sample, order):
    assert abs(moment_z(sample, order)) < Z


@pytest.mark.parametrize("order", [2, 4, 6])
def test_moments_notice_a_scale_off_by_half_a_percent(sample, order):
    assert abs(moment_z(1.005 * sample, order)) > Z


def test_distribution(sample):
    assert stats.kstest(sample, "norm").pvalue > 1e-4
    assert stats.kstest(sample + 0.005, "norm").pvalue < 1e-6


def tail_p_value(z, bound):
    return stats.binomtest(int(np.sum(np.abs(z) > bound)), z.size, 2 * stats.norm.sf(bound)).pvalue


@pytest.mark.parametrize("bound", [2.0, 3.0, 4.0, 4.7])
def test_tails(sample, bound):
    assert tail_p_value(sample, bound) > 1e-4


def test_tails_notice_a_cut(sample):
    assert tail_p_value(np.clip(sample, -4.5, 4.5), 4.6) < 1e-4


@pytest.mark.parametrize("lag", [1, 2, 3, 63, 64, 128, 192, 256, 4096])
@pytest.mark.parametrize("power", [1, 2])
def test_numbers_at_a_lag_are_uncorrelated(sample, lag, power):
    x = sample**power
    assert abs(correlation_z(x[:-lag], x[lag:])) < Z


def correlation_z(x, y):
    return np.corrcoef(x, y)[0, 1] * math.sqrt(x.size)


def test_correlation_test_notices_one_half_percent(sample):
    mixed = sample[1:] + 0.005 * sample[:-1]
    assert abs(correlation_z(mixed, sample[:-1])) > Z


@pytest.mark.parametrize("power", [1, 2])
def test_runs_groups_and_streams_are_uncorrelated(power):
    parent, n = np.random.SeedSequence(5), 2**20
    first = random.normals(random.child(parent, 0), n).astype(float) ** power
    others = [
        random.normals(random.child(parent, 1), n),
        random.normals(random.child(parent, 0), n, group=1),
        random.normals(random.child(parent, 0), n, group=2**40),
        random.normals(random.child(parent, 0), n, stream=1),
    ]
    for other in others:
        assert abs(correlation_z(first, other.astype(float) ** power)) < Z


def reference(u, v):
    """Box-Muller in float64 on the same words: radius and angle."""
    radius = math.sqrt(-2 * math.log((u >> 1) * 2.0**-31 + 2.0**-32) + 2.0**-25)
    quarter = ((((v << 2) & 0xFFFFFFFF) ^ 0x80000000) - 0x80000000) >> 2
    a = (quarter + 0.5) * 2.0**-30 * math.pi / 2
    pair = [math.sin(a), math.cos(a)] if not v & 0x40000000 else [math.cos(a), math.sin(a)]
    signs = (-1 if v >> 31 else 1, -1 if (v >> 31) ^ (v >> 30 & 1) else 1)
    return radius * pair[0] * signs[0], radius * pair[1] * signs[1]


def test_box_muller_is_accurate_to_float32(kernels):
    words = np.random.default_rng(0).integers(0, 2**32, (4000, 2), dtype=np.uint64)
    words[:40, 0] = 1 << np.arange(40) % 32
    words[40:44, 0] = [0, 2**31, 2**31 - 1, 2**32 - 2**9]
    for u, v in words.astype(int):
        got = kernels.box_muller(np.uint32(u), np.uint32(v))
        exact = reference(int(u), int(v))
        # u is rounded to 2^-25 near 1: absolute error 2^-24 in the square of the radius
        radius = math.hypot(*exact)
        slack = 4e-7 * radius + 2.0**-24 / radius
        assert np.all(np.abs(np.subtract(got, exact)) <= slack), (u, v)


def test_the_normals_reach_as_far_as_documented(kernels):
    farthest = max(abs(z) for z in kernels.box_muller(np.uint32(0), np.uint32(0)))
    assert farthest == pytest.approx(math.sqrt(64 * math.log(2)), rel=1e-6)
    largest = kernels.box_muller(np.uint32(2**32 - 1), np.uint32(0))
    assert 0 < max(abs(z) for z in largest) < 2e-4


def test_no_normal_is_zero(sample):
    assert np.all(sample != 0)


def test_angles_are_uniform(sample):
    pairs = sample.reshape(-1, 4, 64)
    angle = np.arctan2(pairs[:, 0], pairs[:, 1]).ravel() / (2 * np.pi) + 0.5
    assert stats.kstest(angle, "uniform").pvalue > 1e-4


def test_uniforms(kernels):
    out = np.empty(2**20)
    kernels.fill_uniforms(np.uint64(3), np.uint64(0), np.uint32(2), out)
    assert out.min() > 0 and out.max() < 1
    assert stats.kstest(out, "uniform").pvalue > 1e-4
    assert stats.kstest(out**1.01, "uniform").pvalue < 1e-4


def test_a_longer_call_begins_with_a_shorter_one():
    sequence = np.random.SeedSequence(1)
    long = random.normals(sequence, 5000)
    for n in (1, 255, 256, 257, 4096):
        np.testing.assert_array_equal(random.normals(sequence, n), long[:n])


def test_children_leave_the_parent_alone_and_match_a_fresh_spawn():
    parent = np.random.SeedSequence(7, spawn_key=(3,))
    children = [random.child(parent, k).generate_state(4).tolist() for k in range(3)]
    assert parent.n_children_spawned == 0
    spawned = np.random.SeedSequence(7, spawn_key=(3,)).spawn(3)
    assert children == [s.generate_state(4).tolist() for s in spawned]


@pytest.mark.parametrize(
    ("seed", "error"),
    [(-1, InvalidInput), (1.5, InvalidType), (True, InvalidType), ("1", InvalidType)],
)
def test_bad_seeds_are_refused(seed, error):
    with pytest.raises(error, match="seed"):
        random.seed_sequence(seed)


def test_the_cross_stream_test_notices_a_shared_part():
    parent, n = np.random.SeedSequence(5), 2**20
    first, second = (random.normals(random.child(parent, k), n).astype(float) for k in (0, 1))
    assert abs(correlation_z(first, second + 0.01 * first)) > Z


@pytest.mark.parametrize("lag", [1, 64, 256])
def test_squares_at_a_lag_would_show_a_common_scale(sample, lag):
    scale = 1 + 0.1 * np.sign(sample)
    x = sample[lag:] * scale[:-lag]
    assert abs(correlation_z(x**2, scale[:-lag])) > Z


def test_the_angle_test_notices_one_normal_three_percent_too_large(sample):
    pairs = sample.reshape(-1, 4, 64)
    angle = np.arctan2(1.03 * pairs[:, 0], pairs[:, 1]).ravel() / (2 * np.pi) + 0.5
    assert stats.kstest(angle, "uniform").pvalue < 1e-4


def test_adjacent_keys_and_groups_differ_in_half_of_their_bits(kernels):
    """Avalanche: one bit of key or counter flips each of 128 output bits half of the time."""
    base = [np.uint32(word) for word in (5, 0, 0, 0, 7, 0)]
    words = np.array(kernels.philox(*base), dtype=np.uint32)
    flips = []
    for place in range(6):
        for bit in range(32):
            changed = list(base)
            changed[place] = np.uint32(int(base[place]) ^ (1 << bit))
            other = np.array(kernels.philox(*changed), dtype=np.uint32)
            flips.append(np.unpackbits((words ^ other).view(np.uint8)))
    flips = np.array(flips)
    assert abs(flips.mean() - 0.5) < Z * 0.5 / math.sqrt(flips.size)
    assert np.max(np.abs(flips.mean(axis=0) - 0.5)) < (Z + 1) * 0.5 / math.sqrt(len(flips))
