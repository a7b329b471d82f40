"""A circuit as readable text."""

from __future__ import annotations

from dataclasses import replace

from neurosim.circuit.composition import LOSS_CHANGE, uses_change
from neurosim.circuit.description import SPIKING, Initial, Pathway, Phase, Population
from neurosim.circuit.pair_text import PairText
from neurosim.circuit.per_synapse import PerSynapse, Values
from neurosim.circuit.roles import implied_role
from neurosim.circuit.wiring import Wiring
from neurosim.equations.lines import statement_lines
from neurosim.units import format_quantity
from neurosim.untyped import UserValue


def circuit_text(circuit: Wiring) -> str:
    """Populations with their equations, pathways with their rules, phases with what they hold and learn."""
    blocks = [f"circuit {circuit.name}"]
    seen: dict[str, str] = {}
    for population in circuit.populations:
        blocks.append(_population(population, seen))
    blocks += [_pathway(pathway, circuit) for pathway in circuit.pathways]
    blocks += [_phase(phase) for phase in circuit.phases]
    if circuit.carry:
        blocks.append("state carries over from one presentation to the next")
    if circuit.readout is not None:
        readout = circuit.readout
        blocks.append(
            f"readout of {circuit.output} = y: {readout.name}\n    loss = sum over output neurons of "
            + (f"mask*({readout.loss}), summed over time" if circuit.over_time else readout.loss)
        )
        blocks[-1] += f"\n    error = {f'mask*({readout.error})' if circuit.over_time else readout.error}"
        for name, text in readout.pairwise.items():
            blocks[-1] += f"\n    {name}_post = sum over output neurons of {text}"
        if uses_change(circuit):
            blocks[-1] += f"\n    {LOSS_CHANGE} = sum over output neurons of {readout.change}"
            for name, text in readout.change_pairwise.items():
                blocks[-1] += f"\n    {name}_post = sum over output neurons of {text}"
    return "\n".join(blocks)


def _population(population: Population, seen: dict[str, str]) -> str:
    image = f"{' x '.join(map(str, population.shape))} = " if population.shape else ""
    head = f"population {population.name} ({image}{population.size})"
    body = str(population.neuron).split("\n", 1)
    extra = [f"    + {line.strip()}" for line in population.equations.splitlines() if line.strip()]
    if population.parameters:
        extra.append(f"    where {', '.join(f'{name} = {value}' for name, value in population.parameters.items())}")
    starts = {name: value for name, value in population.neuron.initial.items() if _is_told(value)}
    starts |= dict(population.initial)
    if starts:
        extra.append(f"    begins with {', '.join(f'{name} = {value}' for name, value in starts.items())}")
    if population.drawn_as:
        extra.append(f"    its values are drawn as those of {population.drawn_as}")
    for label in SPIKING:
        if (text := getattr(population, label)) is not None:
            extra.append(f"    {label}: {'; '.join(source.text.strip() for source in statement_lines(text))}")
    if population.method:
        extra.append(f"    method: {population.method}")
    extra += [f"    {name} := {text}" for name, text in population.bind.items()]
    if population.noise:
        extra.append(f"    noise: {', '.join(population.noise)}")
    if population.lots:
        extra.append(f"    drawn for each presentation: {', '.join(population.lots)}")
    # Equal neurons are printed once.
    first = seen.setdefault(str(population.neuron), population.name)
    lines = [body[1]] if len(body) > 1 and first == population.name else [f"    as {first}"]
    return "\n".join([f"{head}: {population.neuron.name}", *lines, *extra])


def _is_told(start: UserValue) -> bool:
    """Whether an initial value differs from zero, the default."""
    return isinstance(start, str) or not isinstance(start, int | float) or start != 0


def _pathway(pathway: Pathway, circuit: Wiring) -> str:
    shape = " x ".join(map(str, circuit.weights_shape(pathway.name)))
    connectivity = circuit.connectivity(pathway.name)
    line = (
        f"pathway {pathway.name}{f' ({shape})' if connectivity.weighted else ''}: {pathway.source} -> {pathway.target}"
    )
    line += f"  {connectivity}" if str(connectivity) else ""
    if pathway.tie is not None:
        line += f"  weights of {pathway.tie.pathway}{' transposed' if pathway.tie.transposed else ''}"
    elif not connectivity.weighted:
        line += "  without weights"
        line += f", chosen by {pathway.chosen_by}" if pathway.chosen_by else ""
    elif pathway.derived is not None:
        line += f"  {pathway.derived}, own weights {_initial(pathway.start)}"
    else:
        line += f"  {_initial(pathway.start)}"
    if pathway.sigma is not None:
        line += f"  noise {pathway.sigma:g}"
    line += f"  in every {pathway.every} batches" if pathway.every > 1 else ""
    line += {None: "", True: "  optimised", False: "  not optimised"}[pathway.optimised]
    line += f"  noise of updates {pathway.update_noise:g}" if pathway.update_noise is not None else ""
    line += f"  rule {pathway.synapse.name}{'' if pathway.synapse.local else ' (not local)'}"
    line += "".join(moment.note for moment in pathway.synapse.moments)
    if pathway.role is not None and pathway.role is not implied_role(circuit, pathway):
        line += f"  as {pathway.role}"
    lines = [line, *_texts(pathway)]
    values = ", ".join(f"{name} = {value:g}" for name, value in pathway.rule_parameters.items())
    if values:
        lines.append(f"    where {values}; {pathway.reduction} over trials")
        lines[-1] += f", {pathway.positions} over positions" if connectivity.shared else ""
    return "\n".join(lines)


def _delay(delay: UserValue) -> str:
    """A delay in seconds, whether or not it was given with a unit."""
    if isinstance(delay, Values) and not delay.array.ndim:
        return format_quantity(float(delay.array), "second")
    return str(delay)


def _texts(pathway: Pathway) -> list[str]:
    """Lines that describe the synapse of a pathway."""
    synapse, lines = pathway.synapse, list[str]()
    if pathway.delay is not None:
        lines.append(f"delay {_delay(pathway.delay)}")
    if pathway.delivers is not None:
        lines.append(f"delivers {pathway.delivers}")
    if pathway.bounds is not None:
        least, greatest = (f"{b:g}" if isinstance(b, int | float) else b for b in pathway.bounds)
        lines.append(f"bounds {least} to {greatest}")
    written = {equation.name: equation for rule in synapse.local_rules for equation in rule.written}
    lines += [str(equation) for equation in written.values() if equation.kind != "parameter"]
    lines += [f"{name} starts at {value}" for name, value in synapse.initial.items()]
    lines += [str(statement) for rule in synapse.updates for statement in rule.statements]
    for side in ("on_pre", "on_post"):
        statements = (s for rule in synapse.local_rules for s in (rule.at_pre if side == "on_pre" else rule.at_post))
        lines += [f"{side}: {statement}" for statement in statements]
    return [f"    {line}" for line in lines]


def _initial(initial: Initial | PerSynapse) -> str:
    if not isinstance(initial, Initial):
        return f"{'~ ' if isinstance(initial, PairText) and initial.draws else ''}{initial}"
    if initial.adjusted is not None:
        beside = f" (beside {', '.join(initial.beside)})" if initial.beside else ""
        return f"{initial.adjusted}{beside} of {_initial(replace(initial, adjusted=None))}"
    if initial.law == "constant":
        return f"{initial.scale:g}"
    counts = {"in": "n_pre", "out": "n_post", "both": "n_pre + n_post", "all": "n_all"}
    fan = f"/sqrt({counts[initial.fan]})" if initial.fan else ""
    return f"~ {initial.law}({initial.scale:g}{fan})"


def _phase(phase: Phase) -> str:
    switches = ", ".join(f"{name} = {value:g}" for name, value in phase.switches.items())
    head = f"phase {phase.name}: {format_quantity(phase.seconds, 'second')}"
    head += f", {switches}" if switches else ""
    head += ", from rest" if phase.restart else ""
    head += ", fresh noise" if phase.draw_noise else ""
    head += f" at most, until {phase.until[0]} < {phase.until[1]:g}" if phase.until else ""
    lines = [head, *(f"    at its end {held}" for held in phase.hold)]
    if phase.learn:
        lines.append(f"    learn {', '.join(phase.learn)}")
    return "\n".join(lines)
