"""Evidence accumulation: the published law of cues and spikes, and what one knows without accumulating."""

from __future__ import annotations

from itertools import product
from typing import cast

import numpy as np
import pytest

from neurosim.tasks import TimedSplit, evidence_accumulation


def test_the_published_evidence() -> None:
    config = evidence_accumulation.Config(n_train=300)
    task = evidence_accumulation.load(config, seed=0)
    split = cast(TimedSplit, task.train)
    assert split.steps == 2250 and split.n_inputs == 40 and config.begins.tolist() == list(range(50, 1000, 150))
    rates = split.inputs.dense().reshape(300, 2250, 4, 10).mean(axis=3) * 1000
    shown = np.stack([rates[:, begin : begin + 100].mean(axis=1) for begin in config.begins], axis=1)
    right = shown[:, :, 1] > shown[:, :, 0]
    assert split.labels is not None
    np.testing.assert_array_equal(split.labels, right.sum(axis=1) > 3)
    active = np.take_along_axis(shown[:, :, :2], right.astype(int)[:, :, None], axis=2)
    assert active.mean() == pytest.approx(40, rel=0.02) and rates[:, :, 3].mean() == pytest.approx(10, rel=0.02)
    assert not np.take_along_axis(shown[:, :, :2], 1 - right.astype(int)[:, :, None], axis=2).any()
    assert not rates[:, :2100, 2].any() and rates[:, 2100:, 2].mean() == pytest.approx(40, rel=0.03)
    assert not rates[:, 1050:, :2].any() and not rates[:, :50, :2].any()
    assert not split.mask[:, :2100].any() and (split.mask[:, 2100:] == 1).all()
    np.testing.assert_array_equal(split.wanted().argmax(axis=1), split.labels)
    share = np.mean([right.mean(axis=1)[split.labels == 1].mean(), 1 - right.mean(axis=1)[split.labels == 0].mean()])
    assert task.floors["one_cue_accuracy"] == pytest.approx(100 * share, abs=2)


def test_the_floors_of_evidence_are_those_of_all_sequences() -> None:
    config = evidence_accumulation.Config(cues=5, probability=0.6)
    sequences = np.array(list(product((0, 1), repeat=5)))
    chance = np.prod(np.where(sequences, 0.6, 0.4), axis=1)
    majority = sequences.sum(axis=1) > 2
    floors = evidence_accumulation.floors(config)
    assert floors["one_cue_accuracy"] == pytest.approx(100 * (chance * (sequences[:, 0] == majority)).sum())
    assert floors["favoured_side_accuracy"] == pytest.approx(100 * chance[majority].sum())
