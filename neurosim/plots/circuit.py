"""A circuit as a diagram: populations as boxes, pathways as arrows."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Role
from neurosim.circuit.roles import drives, role
from neurosim.plots._arguments import drawing
from neurosim.plots._style import COLOURS

_WIDTH, _HEIGHT = 1.1, 0.62
_STEP = 2.1
_COLOURS = {"forward": COLOURS[0], "feedback": COLOURS[1], "other": "0.45"}


@drawing()
def circuit_diagram(circuit: Circuit, ax: Axes) -> Axes:
    """Draw populations from left to right in the order of their forward pathways, the others above.

    Forward pathways run along the middle, feedback below. Solid arrows learn, dashed ones do not. Biases, from a
    unit that is always on, are left out.

    Parameters
    ----------
    circuit
        What to draw.
    ax
        Where to draw; its axes are switched off.
    """
    places = _places(circuit)
    for name, (x, y) in places.items():
        population = circuit.population[name]
        ax.add_patch(
            FancyBboxPatch(
                (x - _WIDTH / 2, y - _HEIGHT / 2),
                _WIDTH,
                _HEIGHT,
                boxstyle="round,pad=0.02,rounding_size=0.12",
                facecolor="white",
                edgecolor="0.25",
                linewidth=1.2,
                zorder=3,
            )
        )
        size = f"{population.size} neuron" + ("s" if population.size != 1 else "")
        ax.text(x, y + 0.09, name, ha="center", va="center", fontsize="medium", zorder=4)
        ax.text(x, y - 0.14, size, ha="center", va="center", fontsize="x-small", color="0.35", zorder=4)
    drawn: dict[tuple[str, str, str], list[Pathway]] = {}
    for pathway in circuit.pathways:
        if pathway.pre in places and pathway.post in places:
            drawn.setdefault((pathway.pre, pathway.post, _kind(circuit, pathway)), []).append(pathway)
    seen, lowest = set(), 0.0
    for (pre, post, kind), pathways in drawn.items():
        learns = any(pathway.synapse.learns for pathway in pathways)
        lowest = min(lowest, _arrow(ax, places[pre], places[post], pathways, kind, learns=learns))
        seen.add((kind, learns))
    handles = [
        Line2D([], [], color=_COLOURS[kind], linestyle="-" if learns else "--", label=_said(kind, learns))
        for kind, learns in sorted(seen)
    ]
    xs, ys = [x for x, _ in places.values()], [y for _, y in places.values()]
    ax.set_xlim(min(xs) - 0.8, max(xs) + 0.8)
    ax.set_ylim(lowest - 0.35, max(ys) + 0.7)
    ax.set_aspect("equal")
    ax.set_axis_off()
    if handles:
        ax.legend(
            handles=handles, frameon=False, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=2, fontsize="small"
        )
    return ax


def _said(kind: str, learns: bool) -> str:
    return f"{kind}, {'learns' if learns else 'fixed'}"


def _kind(circuit: Circuit, pathway: Pathway) -> str:
    if role(circuit, pathway) is Role.FEEDBACK:
        return "feedback"
    return "forward" if drives(circuit, pathway) else "other"


def _places(circuit: Circuit) -> dict[str, tuple[float, float]]:
    """The position of each population."""
    reached = {pathway.post for pathway in circuit.pathways}
    biases = {
        p.name
        for p in circuit.populations
        if p.neuron.name == "constant" and p.name not in reached and _from(circuit, p.name)
    }
    forward = [w for w in circuit.pathways if _kind(circuit, w) == "forward" and w.pre not in biases]
    chained = {w.pre for w in forward} | {w.post for w in forward}
    depth = dict.fromkeys((p.name for p in circuit.populations), 0)
    # In a loop of pathways, depths would grow without end.
    for _ in circuit.populations:
        for pathway in forward:
            if pathway.pre != pathway.post:
                depth[pathway.post] = min(max(depth[pathway.post], depth[pathway.pre] + 1), len(depth) - 1)
    places, column = {}, {}
    for population in circuit.populations:
        name = population.name
        if name in chained or not forward:
            level = depth[name] if forward else len(places)
            row = column.get(level, 0)
            column[level] = row + 1
            places[name] = (_STEP * level, 1.1 * row)
    top = max((y for _, y in places.values()), default=0.0)
    others = [p.name for p in circuit.populations if p.name not in places and p.name not in biases]
    for number, name in enumerate(others):
        places[name] = (_STEP * (number + 0.5), top + 1.5)
    return places


def _from(circuit: Circuit, population: str) -> list[Pathway]:
    return [pathway for pathway in circuit.pathways if pathway.pre == population]


def _arrow(
    ax: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    pathways: list[Pathway],
    kind: str,
    *,
    learns: bool,
) -> float:
    """One arrow for all pathways of a kind between two populations; the lowest point it reaches."""
    (x0, y0), (x1, y1) = start, end
    if start == end:
        bend, begin, finish = 1.4, (x0 + 0.2, y0 + _HEIGHT / 2), (x0 - 0.2, y0 + _HEIGHT / 2)
    elif kind == "feedback":
        reach = abs(x1 - x0)
        bend = -0.25 if reach < 1.5 * _STEP else -0.3
        begin, finish = (x0 - 0.15, y0 - _HEIGHT / 2), (x1 + 0.15, y1 - _HEIGHT / 2)
    elif y0 != y1:
        down = -1 if y1 < y0 else 1
        bend, begin, finish = 0.0, (x0, y0 + down * _HEIGHT / 2), (x1, y1 - down * _HEIGHT / 2)
    else:
        right = 1 if x1 > x0 else -1
        near = abs(x1 - x0) < 1.5 * _STEP
        bend = 0.0 if near else -0.3
        begin, finish = (x0 + right * _WIDTH / 2, y0), (x1 - right * _WIDTH / 2, y1)
        if not near:
            begin, finish = (x0, y0 + _HEIGHT / 2), (x1, y1 + _HEIGHT / 2)
    ax.add_patch(
        FancyArrowPatch(
            begin,
            finish,
            connectionstyle=f"arc3,rad={bend}",
            arrowstyle="-|>",
            mutation_scale=11,
            color=_COLOURS[kind],
            linestyle="-" if learns else "--",
            linewidth=1.5,
            zorder=2,
        )
    )
    # The middle of the arc: arc3 bends by its part of the distance, to the right of the way.
    dx, dy = finish[0] - begin[0], finish[1] - begin[1]
    middle = ((begin[0] + finish[0]) / 2 + bend * dy / 2, (begin[1] + finish[1]) / 2 - bend * dx / 2)
    below = kind == "feedback"
    names = ", ".join(pathway.name for pathway in pathways[:3]) + (" ..." if len(pathways) > 3 else "")
    shift = -0.12 if below else 0.12
    ax.text(
        middle[0],
        middle[1] + shift,
        names,
        ha="center",
        va="top" if below else "bottom",
        fontsize="small",
        color=_COLOURS[kind],
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
        zorder=2.5,
    )
    return middle[1] - 0.3
