"""Variants: merged key by key, components replaced whole, applied in order, and checked."""

from __future__ import annotations

from typing import Any

import pytest
import tomli_w

from neurosim import registry
from neurosim.errors import ConfigError, UnknownNameError
from neurosim.model_files.model_file import load, load_variants
from neurosim.model_files.variants import parted, with_variants

MODEL: dict[str, Any] = {
    "model": {"title": "Small"},
    "task": {"kind": "digits", "standardise": True},
    "network": {"hidden": [6], "neuron": {"kind": "leaky_rate", "activation": "tanh", "tau_m": "5 ms"}},
    "scheme": {"kind": "node_perturbation", "learning_rate": 0.3, "feedback_learning_rate": 0.2},
    "engine": {"level": "rate", "dt": "2 ms"},
    "training": {"epochs": 2, "batch_size": 16},
    "variants": {
        "full": {"title": "long", "training": {"epochs": 1000}},
        "fa": {"scheme": {"kind": "feedback_alignment", "learning_rate": 0.1}},
        "slow_neuron": {"network": {"neuron": {"tau_m": "50 ms"}}},
        "spikes": {"network": {"neuron": {"kind": "leaky_rate"}}},
        "brian": {"engine": {"kind": "brian"}},
        "short": {"training": {"epochs": 1}},
    },
}


def test_sections_are_merged_key_by_key():
    full = load(MODEL, variants=["full"])
    assert (full.training.epochs, full.training.batch_size) == (1000, 16)
    assert full.scheme_kind == "node_perturbation"
    neuron = load(MODEL, variants=["slow_neuron"]).resolve()["network"]["neuron"]
    assert neuron["tau_m"] == "50 ms" and neuron["activation"] == "tanh"


def test_a_table_that_names_a_kind_replaces_the_component_whole():
    alignment = load(MODEL, variants=["fa"])
    # feedback_learning_rate, which feedback alignment does not have, is gone.
    assert alignment.scheme_kind == "feedback_alignment"
    assert alignment.resolve()["scheme"]["learning_rate"] == 0.1
    default = load({**MODEL, "network": {}}).resolve()["network"]["neuron"]["tau_m"]
    assert load(MODEL, variants=["spikes"]).resolve()["network"]["neuron"]["tau_m"] == default != "5 ms"


def test_the_engines_kind_is_a_setting_among_others():
    assert load(MODEL, variants=["brian"]).engine.dt == "2 ms"


def test_variants_are_applied_one_after_the_other_and_before_overrides():
    model = load(MODEL, ["training.batch_size=8"], ["full", "fa", "short"])
    assert (model.training.epochs, model.training.batch_size, model.scheme_kind) == (1, 8, "feedback_alignment")
    assert load(MODEL, variants=["short", "full"]).training.epochs == 1000
    assert load(load(MODEL, variants=["fa"]), variants=["full"]) == load(MODEL, variants=["fa", "full"])


def test_the_result_is_a_plain_model_with_a_name_and_a_title():
    model = load(MODEL, variants=["full", "fa"])
    assert model.name == "model+full+fa"
    assert model.about.title == "Small, long"
    assert "variants" not in model.resolve()
    again = load(model.resolve())
    assert again.resolve() == model.resolve() and again.hash == model.hash
    assert load(MODEL).variants == {name: "long" if name == "full" else "" for name in MODEL["variants"]}
    # A variant that is not applied changes nothing.
    assert load(MODEL).hash == load({name: table for name, table in MODEL.items() if name != "variants"}).hash


def test_sections_given_are_left_alone():
    before = tomli_w.dumps(MODEL)
    with_variants(MODEL, ["full", "slow_neuron"], "model")
    assert tomli_w.dumps(MODEL) == before


def test_variants_are_written_after_names_and_paths(tmp_path):
    assert parted("lansdell2020/mnist+fa+full") == ("lansdell2020/mnist", ("fa", "full"))
    assert parted("my.toml+fa") == ("my.toml", ("fa",))
    assert parted("lansdell2020/mnist") == ("lansdell2020/mnist", ())
    path = tmp_path / "a+b.toml"
    path.write_text(tomli_w.dumps(MODEL))
    assert parted(str(path)) == (str(path), ())
    assert parted(f"{path}+fa") == (str(path), ("fa",))
    model = load(f"{path}+fa", variants=["full"])
    assert model.name == "a+b+fa+full" and model.training.epochs == 1000
    assert load(path, variants=["fa", "full"]) == model


def test_an_unknown_variant_comes_with_the_nearest_and_all():
    with pytest.raises(
        UnknownNameError, match=r"unknown variant of model 'ful': did you mean 'full'\? .*brian, fa, full"
    ):
        load(MODEL, variants=["ful"])
    with pytest.raises(UnknownNameError, match="'x': there are none"):
        load("lansdell2020/digits_fa+x")


@pytest.mark.parametrize(
    ("variants", "message"),
    [
        (3, r"variants: got 3, expected tables \[variants.<name>\]"),
        ({"a": 3}, r"variants.a: got 3, expected a table \[variants.a\]"),
        ({"a b": {}}, "variants.a b: expected a name of letters"),
        ({"a": {"trainig": {}}}, "variants.a.trainig: unknown section; did you mean 'training'"),
        ({"a": {"training": 3}}, r"variants.a.training: got 3, expected a table"),
        ({"a": {"title": 3}}, "variants.a.title: got 3, expected a valid string"),
        ({"a": {"variants": {}}}, "variants.a.variants: unknown section"),
    ],
)
def test_tables_of_variants_that_do_not_fit(variants, message):
    with pytest.raises(ConfigError, match=message):
        load({**MODEL, "variants": variants})


def test_keys_of_a_variant_are_checked_when_it_is_applied():
    bad = {**MODEL, "variants": {"one": {"training": {"epoch": 3}}, "two": {"scheme": {"rate": 1}}, "three": {}}}
    load(bad)
    with pytest.raises(ConfigError, match=r"training.epoch: unknown key, got 3; did you mean 'epochs'"):
        load(bad, variants=["one"])
    with pytest.raises(ConfigError) as caught:
        load_variants(bad)
    assert "model+one: 1 fault" in str(caught.value) and "model+two: 1 fault" in str(caught.value)
    assert set(load_variants(MODEL)) == set(MODEL["variants"])


def test_an_override_cannot_change_a_variant():
    with pytest.raises(ConfigError, match="variants are applied before overrides"):
        load(MODEL, ["variants.full.training.epochs=3"])


@pytest.mark.parametrize("name", registry.models())
def test_every_variant_of_every_shipped_model_fits(name):
    assert all(model.name == f"{name}+{variant}" for variant, model in load_variants(name).items())
