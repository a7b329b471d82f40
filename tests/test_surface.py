"""What Python users see of the package before they run anything."""

from __future__ import annotations

import subprocess
import sys

import pytest
import xarray

import neurosim
from neurosim.probes import Findings

TITLE = "<script>alert(1)</script>"


def test_row_16_packages_are_there_without_an_import_of_their_own() -> None:
    code = (
        "import neurosim\n"
        "assert not {'Any', 'TYPE_CHECKING', 'annotations', 'importlib', '_HOME'} & set(dir(neurosim))\n"
        "assert {'plots', 'metrics', 'stability', 'gradients', 'explore'} <= set(dir(neurosim))\n"
        "for name in ('plots', 'metrics', 'stability', 'gradients'):\n"
        "    assert getattr(neurosim, name).__name__ == f'neurosim.{name}'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_row_16_figures_are_functions_also_after_their_modules_are_imported() -> None:
    import neurosim.plots.fi_curve
    import neurosim.plots.psth
    from neurosim.plots import fi_curve, phase_portrait, psth, raster

    assert all(callable(each) for each in (fi_curve, phase_portrait, psth, raster))
    for name in dir(neurosim.plots):
        assert getattr(neurosim.plots, name) is not None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("simulat", "did you mean 'simulate'"),
        ("NeuronGroup", "docs/coming-from.md"),
        ("Synapses", "docs/coming-from.md"),
    ],
)
def test_row_17_misspelt_names_get_a_suggestion(name: str, said: str) -> None:
    with pytest.raises(AttributeError, match=said):
        getattr(neurosim, name)


def test_row_23_everything_shown_in_notebooks_is_escaped_and_folds() -> None:
    neuron = neurosim.NeuronModel("dv/dt = -v/tau : 1", parameters={"tau": "20 ms"}, name=TITLE)
    population = neurosim.Population("p", 2, neuron)
    rule = neurosim.Rule("w += rate*v_post*int(v_pre < 1)", parameters={"rate": 0.1}, name=TITLE)
    pathway = neurosim.Pathway("W", "p.v", "p.v", rule)
    phase = neurosim.Phase("clean", "5 ms")
    findings = Findings({TITLE: 1.0}, xarray.Dataset())
    for shown in (neuron, population, rule, pathway, phase, findings):
        html = shown._repr_html_()
        assert html.startswith("<details open><summary>") and html.count("<details") == html.count("</details>")
        assert "<script" not in html
    for shown in (neuron, population, rule, pathway, findings):
        assert "&lt;script&gt;" in shown._repr_html_()
    assert "v_pre &lt; 1" in rule._repr_html_()


def test_row_23_a_model_shows_what_differs_from_its_defaults() -> None:
    model = neurosim.load("lansdell2020/schemes")
    shown, _, everything = model._repr_html_().partition("all settings, with defaults")
    assert "feedback_learning_rate" in shown and "batch_size" in shown
    assert len(shown) < 0.75 * len(everything)
    titled = neurosim.load({**model.given, "model": {"title": TITLE}})
    assert "<script" not in titled._repr_html_() and "&lt;script&gt;" in titled._repr_html_()
