"""The steps of an SDE ensemble and the normals that drive them."""

from __future__ import annotations

import numpy as np

from limitlab.solvers.core import random
from limitlab.solvers.streaming.sde_steps import Plan, joined, noise_blocks, substeps

TIMES = np.array([0.0, 1.0, 2.0])


def test_a_block_of_normals_is_a_function_of_its_key_and_its_step():
    key = random.key(np.random.SeedSequence(3))
    whole = np.concatenate([block.copy() for _, block in noise_blocks(key, 300, 200)])
    part = np.concatenate([block.copy() for _, block in noise_blocks(key, 300, 70)])
    assert whole.shape == (200, 300) and np.array_equal(part, whole[:70])
    halves = np.concatenate([block for _, block in joined(noise_blocks(key, 300, 200))])
    assert np.allclose(halves, (whole[::2] + whole[1::2]) / np.sqrt(2), atol=1e-6)
    assert abs(np.corrcoef(whole[:-1].ravel(), whole[1:].ravel())[0, 1]) < 5 / np.sqrt(199 * 300)


def test_steps_follow_the_change_of_the_risk():
    times, flat = np.array([0.0, 1.0, 2.0]), np.ones(3)
    assert substeps(times, flat, 0.3).tolist() == [4, 4]
    assert substeps(times, flat, 0.4).tolist() == [4, 4]  # 3 would do; pairs are joined
    assert substeps(times, flat, None).tolist() == [100, 100]
    assert substeps(times, np.exp([0.0, -4.0, -4.0]), None).tolist() == [200, 100]
    assert substeps(times, flat, None, fastest=100.0).tolist() == [400, 400]
    assert substeps(times, flat, None, shortest=1 / 20).tolist() == [20, 20]


def test_a_plan_covers_the_time_and_joins_in_pairs():
    plan = Plan.of(TIMES, np.array([2, 4]))
    assert np.allclose(plan.starts, [0, 0.5, 1, 1.25, 1.5, 1.75])
    assert plan.record.tolist() == [-1, 1, -1, -1, -1, 2]
    half = plan.joined()
    assert np.allclose(half.starts + half.sizes, [1, 1.5, 2])
    assert half.record.tolist() == [1, -1, 2]
