"""The demo: learned feedback on the digits, held against feedback alignment and against expected.toml."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosim.model_files.model_file import load
from neurosim.studies.collection import collect
from neurosim.studies.reproduce import reproduce

SEEDS = (0, 1, 2)
HIDDEN = ("hidden1", "hidden2")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def summaries(folder):
    def of(name: str) -> list[dict[str, Any]]:
        model = load(f"lansdell2020/{name}")
        attempts = collect([(model, seed) for seed in SEEDS], folder)
        return [dict(attempt.run.summary) for attempt in attempts.values() if attempt.run is not None]

    return functools.cache(of)


def _mean(summaries: list[dict[str, Any]], name: str) -> float:
    def value(summary: Any) -> float:
        for step in name.split("."):
            summary = summary[step]
        return summary

    return float(np.mean([value(summary) for summary in summaries]))


def test_accuracy_is_at_least_96_percent(summaries):
    assert _mean(summaries("digits"), "test_accuracy") >= 96


@pytest.mark.parametrize("layer", HIDDEN)
def test_the_delivered_signal_is_within_40_degrees_of_the_gradient(summaries, layer):
    assert max(summary["layers"][layer]["signal_angle_deg"] for summary in summaries("digits")) <= 40


@pytest.mark.parametrize("layer", HIDDEN)
def test_it_is_10_degrees_closer_than_with_fixed_feedback(summaries, layer):
    name = f"layers.{layer}.signal_angle_deg"
    assert _mean(summaries("digits_fa"), name) - _mean(summaries("digits"), name) >= 10


def test_what_the_folder_expects_is_what_comes_out(folder, summaries):
    # After the others, so that their runs are reused.
    assert {len(summaries(model)) for model in ("digits", "digits_fa")} == {len(SEEDS)}
    for model in ("digits", "digits_fa"):
        verdicts = reproduce(f"lansdell2020/{model}", out=folder)
        assert verdicts and all(set(SEEDS) <= set(verdict.row.seeds) for verdict in verdicts)
        assert [verdict.row.fact for verdict in verdicts if verdict.verdict != "met"] == []


def test_both_models_share_network_data_and_training():
    learned, fixed = load("lansdell2020/digits"), load("lansdell2020/digits_fa")
    assert learned.network == fixed.network
    assert learned.task_config == fixed.task_config
    assert learned.engine == fixed.engine
    assert learned.training.model_copy(update={"feedback_warm_up": 0}) == fixed.training
    assert learned.resolve()["scheme"]["learning_rate"] == fixed.resolve()["scheme"]["learning_rate"]
