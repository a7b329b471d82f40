"""``neurosim.explore(neuron)``: one figure, with sliders where a notebook runs."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from neurosim.border import NAMES, instance, optional, public
from neurosim.border.arguments import MAPPING, NAME
from neurosim.errors import ArgumentError
from neurosim.exploring.panels import figure_of
from neurosim.exploring.view import View, view_of
from neurosim.neurons._model import NeuronModel
from neurosim.suggestions import hint
from neurosim.units import format_quantity, parse_quantity
from neurosim.untyped import UserValue

_DPI = 110


class Explorer:
    """A neuron that is looked at: ``figure`` is what is seen, `set` changes parameters.

    Attributes
    ----------
    neuron, view
        The neuron, and what is looked at of it.
    inputs
        Parameters that were set, in SI units.
    figure
        A Figure of Matplotlib: ``explorer.figure.savefig("neuron.pdf")``.
    """

    def __init__(self, neuron: NeuronModel, view: View, inputs: Mapping[str, float]) -> None:
        self.neuron, self.view, self.inputs = neuron, view, dict(inputs)
        self.figure: Figure = figure_of(neuron, view, self.inputs)

    def set(self, **parameters: UserValue) -> Explorer:
        """Set parameters, quantities such as ``"0.5 nA"`` or numbers in SI units, and draw again.

        Raises
        ------
        ArgumentError, UnitError
            There is no such parameter, or its unit is another.
        """
        self.inputs |= _inputs(self.neuron, parameters)
        self.figure = figure_of(self.neuron, self.view, self.inputs)
        return self

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.figure.savefig(file, format="png", dpi=_DPI)
        return file.getvalue()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """Sliders for who has a kernel; the figure for pages and files without one."""
        bundle: dict[str, Any] = {"text/plain": repr(self), "image/png": self._repr_png_()}
        widget = self.sliders() if _kernel() else None
        return {**bundle, **widget._repr_mimebundle_()} if widget is not None else bundle

    def __repr__(self) -> str:
        return f"<Explorer of {self.neuron.name}: {', '.join(self.view.plane)}>"

    def sliders(self) -> Any:
        """The figure below one slider a parameter, as a widget of ipywidgets; none where that is not installed."""
        try:
            import ipywidgets
        except ImportError:
            return None
        image = ipywidgets.Image(value=self._repr_png_(), format="png")
        units = {each.name: each.unit for each in self.neuron.equation_set.of("parameter")}
        controls = []
        for name in self.neuron.parameter_values:
            if name in self.neuron.per_neuron:
                continue
            low, high, value = self._range(name)
            control = ipywidgets.FloatSlider(
                value=value,
                min=low,
                max=high,
                step=(high - low) / 100,
                description=name,
                continuous_update=False,
                readout=False,
            )
            told = ipywidgets.Label(format_quantity(value, units[name]))

            def moved(change: Any, name: str = name, told: Any = told) -> None:
                told.value = format_quantity(change["new"], units[name])
                image.value = self.set(**{name: change["new"]})._repr_png_()

            control.observe(moved, names="value")
            controls.append(ipywidgets.HBox([control, told]))
        half = (len(controls) + 1) // 2
        columns = ipywidgets.HBox([ipywidgets.VBox(controls[:half]), ipywidgets.VBox(controls[half:])])
        return ipywidgets.VBox([columns, image])

    def _range(self, name: str) -> tuple[float, float, float]:
        """From where to where a slider runs, and where it stands."""
        usual = self.neuron.parameter_values[name]
        value = self.inputs.get(name, usual)
        if name == self.view.current:
            low, high = 0.0, self.view.largest
        elif usual > 0:
            # Time constants and capacitances divide.
            low, high = 0.1 * usual, 3.0 * usual
        else:
            low, high = (2.0 * usual, 0.0) if usual else (-1.0, 1.0)
        return min(low, value), max(high, value), value


def _kernel() -> bool:
    """Whether a notebook's kernel runs this."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def _inputs(neuron: NeuronModel, given: Mapping[str, UserValue]) -> dict[str, float]:
    units = {each.name: each.unit for each in neuron.equation_set.of("parameter")}
    for name in given:
        if name not in units:
            raise ArgumentError("inputs", name, f"a parameter: {', '.join(units) or 'none'}{hint(name, units)}")
    return {name: parse_quantity(value, units[name]) for name, value in given.items()}


@public(
    neuron=instance(NeuronModel, expected="a NeuronModel"),
    plane=optional(NAMES),
    current=optional(NAME),
    inputs=optional(MAPPING),
)
def explore(
    neuron: NeuronModel,
    *,
    plane: tuple[str, ...] | None = None,
    current: str | None = None,
    inputs: Mapping[str, UserValue] | None = None,
) -> Explorer:
    """Look at a neuron: trace, phase plane with nullclines, f-I curve, fixed points over the input.

    In a running notebook there is a slider for each parameter; elsewhere it is the figure alone. What cannot be
    drawn, as of a neuron that diverges, is said in its place.

    Parameters
    ----------
    neuron
        A neuron of yours, or one that ships with neurosim.
    plane
        One or two of its variables, for the phase plane; by default the one that makes it spike, and the last that
        this drives and is driven by.
    current
        The parameter that is its input; by default ``i_ext``, ``drive`` or the like.
    inputs
        Parameters to set: ``{"i_ext": "0.5 nA"}``. By default the input is half of the largest that is shown.

    Returns
    -------
    Explorer
        With ``figure``, and shown by notebooks.

    Raises
    ------
    ArgumentError, UnitError
        Names that the neuron does not have, or a wrong unit.

    Notes
    -----
    Fixed points are found by Newton's method from a grid of starts, so that some may be missed; their stability is
    that of the Jacobian's eigenvalues. Noise is at its mean in both.

    Examples
    --------
    >>> import neurosim
    >>> text = "dv/dt = (i_ext - v)/tau : 1\\ni_ext : 1"
    >>> leaky = neurosim.NeuronModel(text, parameters={"tau": "10 ms"}, name="leaky")
    >>> neurosim.explore(leaky)
    <Explorer of leaky: v>
    """
    view = view_of(neuron, tuple(plane) if plane is not None else None, current)
    given = _inputs(neuron, inputs or {})
    if view.current is not None:
        given.setdefault(view.current, 0.5 * view.largest)
    return Explorer(neuron, view, given)
