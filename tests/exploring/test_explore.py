"""`neurosim.explore`: fixed points against closed forms, what diverges, what notebooks get."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurosim
from neurosim import registry
from neurosim.exploring.explorer import Explorer
from neurosim.exploring.fixed_points import fixed_points
from neurosim.exploring.view import spans_of, starts_of, values_of, view_of

FITZHUGH_NAGUMO = neurosim.NeuronModel(
    "dv/dt = (v - v**3/3 - w + i_ext)/tau : 1\ndw/dt = 0.08*(v + 0.7 - 0.8*w)/tau : 1\ni_ext : 1",
    parameters={"tau": "1 ms"},
    method="rk4",
    name="FitzHugh and Nagumo",
)
CUBIC = neurosim.NeuronModel("dv/dt = v**3/tau + i_ext/tau : 1\ni_ext : 1", parameters={"tau": "10 ms"}, name="cubic")


def found(neuron: neurosim.NeuronModel, **inputs: float) -> list[tuple[dict[str, float], str]]:
    view = view_of(neuron, None, None)
    spans = spans_of(neuron, view, inputs)
    scales = {name: high - low for name, (low, high) in spans.items()}
    points = fixed_points(neuron, values_of(neuron, inputs), starts_of(neuron, view, spans), scales)
    return [(dict(point.values), point.kind) for point in points]


@pytest.mark.parametrize("current", [0.0, 0.5, 1.0])
def test_fixed_points_are_the_roots_of_the_cubic(current: float) -> None:
    (values, kind), *others = found(FITZHUGH_NAGUMO, i_ext=current)
    # w = (v + 0.7)/0.8 into v - v**3/3 - w + i = 0.
    roots = np.roots([-1 / 3, 0, 1 - 1 / 0.8, current - 0.7 / 0.8])
    real = roots[abs(roots.imag) < 1e-9].real
    assert not others and values["v"] == pytest.approx(real[0], rel=1e-5)
    jacobian = np.array([[1 - values["v"] ** 2, -1], [0.08, -0.064]])
    assert kind.startswith("stable" if (np.linalg.eigvals(jacobian).real < 0).all() else "unstable")


def test_a_double_well_has_two_stable_points_and_one_between() -> None:
    wells = neurosim.NeuronModel("dv/dt = (v - v**3 + i_ext)/tau : 1\ni_ext : 1", parameters={"tau": "10 ms"})
    assert [(round(v["v"], 6), kind) for v, kind in found(wells, i_ext=0.0)] == [
        (-1.0, "stable node"),
        (0.0, "unstable node"),
        (1.0, "stable node"),
    ]


def test_no_neuron_rests_above_its_threshold() -> None:
    module = registry.load("neurons", "lif")
    lif = module.build(module.Config())
    assert [round(values["v"], 6) for values, _ in found(lif, i_ext=0.5)] == [0.5]
    assert found(lif, i_ext=1.5) == []


@pytest.mark.parametrize(
    ("name", "plane"),
    [
        ("leaky_rate", ("v",)),
        ("lif", ("v",)),
        ("adaptive_lif", ("v",)),
        ("izhikevich", ("v", "u")),
        ("adex", ("v", "w")),
        ("hodgkin_huxley", ("v", "n")),
    ],
)
def test_the_plane_is_the_one_that_papers_draw(name: str, plane: tuple[str, ...]) -> None:
    module = registry.load("neurons", name)
    assert view_of(module.build(module.Config()), None, None).plane == plane


def _said(explorer: Explorer) -> str:
    return " ".join(text.get_text().replace("\n", " ") for ax in explorer.figure.axes for text in ax.texts)


@pytest.mark.parametrize(
    "name",
    [
        "adex",
        *(pytest.param(each, marks=pytest.mark.slow) for each in ("leaky_rate", "lif", "adaptive_lif", "izhikevich")),
        pytest.param("hodgkin_huxley", marks=pytest.mark.slow),
    ],
)
def test_every_panel_of_a_shipped_neuron_is_drawn(name: str) -> None:
    module = registry.load("neurons", name)
    explorer = neurosim.explore(module.build(module.Config()))
    assert all(ax.axison and ax.lines for ax in explorer.figure.axes), _said(explorer)
    assert explorer._repr_png_().startswith(b"\x89PNG")


def test_a_neuron_that_diverges_says_so_beside_the_plot() -> None:
    explorer = neurosim.explore(CUBIC)
    assert "The neuron diverges" in _said(explorer)
    assert any(ax.lines for ax in explorer.figure.axes)


def test_sliders_are_the_parameters_and_there_is_a_figure_without_a_kernel() -> None:
    widgets = pytest.importorskip("ipywidgets", reason="sliders need ipywidgets")
    explorer = neurosim.explore(CUBIC, inputs={"i_ext": 0.0})
    assert set(explorer._repr_mimebundle_()) == {"text/plain", "image/png"}
    columns, image = explorer.sliders().children
    sliders = {box.children[0].description: box.children[0] for column in columns.children for box in column.children}
    assert set(sliders) == {"tau", "i_ext"} and isinstance(image, widgets.Image)
    before = image.value
    sliders["i_ext"].value = 0.9
    assert explorer.inputs["i_ext"] == pytest.approx(0.9) and image.value != before


def test_names_that_the_neuron_lacks_are_refused_with_a_suggestion() -> None:
    slips: list[tuple[dict[str, Any], str]] = [
        ({"plane": ("vv",)}, "did you mean 'v'"),
        ({"current": "i_exd"}, "did you mean 'i_ext'"),
        ({"inputs": {"taw": 1}}, "did you mean 'tau'"),
    ]
    for arguments, said in slips:
        with pytest.raises(neurosim.NeurosimError, match=said):
            neurosim.explore(CUBIC, **arguments)
