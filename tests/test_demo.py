"""The demo: learned feedback on the digits, held against feedback alignment and against expected.toml."""

from __future__ import annotations

import functools
import time
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosim import registry
from neurosim.experiments.model_file import load
from neurosim.experiments.run import train

SEEDS = (0, 1, 2)
HIDDEN = ("hidden1", "hidden2")
EXPECTED = tomllib.loads((registry.model_path("lansdell2020/digits").parent / "expected.toml").read_text())["expected"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def summaries(tmp_path_factory):
    folder: Path = tmp_path_factory.mktemp("demo")

    @functools.cache
    def of(model: str) -> list[dict[str, Any]]:
        return [dict(train(f"lansdell2020/{model}", seed=s, out=folder / f"{model}{s}").summary) for s in SEEDS]

    return of


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


@pytest.mark.parametrize("row", EXPECTED, ids=lambda row: f"{row['model']} {row['name']}")
def test_what_the_folder_expects_is_what_comes_out(summaries, row):
    assert tuple(row["seeds"]) == SEEDS
    assert _mean(summaries(row["model"]), row["name"]) == pytest.approx(row["value"], abs=row["tolerance"])


def test_both_models_share_network_data_and_training():
    learned, fixed = load("lansdell2020/digits"), load("lansdell2020/digits_fa")
    assert learned.network == fixed.network
    assert learned.task_config == fixed.task_config
    assert learned.engine == fixed.engine
    assert learned.training.model_copy(update={"feedback_warm_up": 0}) == fixed.training
    assert learned.resolve()["scheme"]["learning_rate"] == fixed.resolve()["scheme"]["learning_rate"]


def test_one_run_takes_less_than_a_minute(summaries, tmp_path):
    began = time.perf_counter()
    train("lansdell2020/digits", seed=0, out=tmp_path / "run")
    assert time.perf_counter() - began < 60
