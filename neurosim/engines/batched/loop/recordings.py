"""What a loop records, as text: at the beginning of a step, of spikes once they are known."""

from __future__ import annotations

from neurosim.engines.batched.loop.expressions import Value
from neurosim.engines.batched.loop.junctions import place_of
from neurosim.engines.batched.loop.layout import Names
from neurosim.engines.batched.loop.lines import Lines, alone, block
from neurosim.engines.batched.loop.neurons import Neuron
from neurosim.engines.records import Record, size_of


def begun(names: Names) -> Lines:
    """What is recorded of the step's beginning."""
    lines: Lines = []
    for record in names.needs.recorded:
        owner = record.name.rpartition(".")[0]
        if owner in names.needs.plan.models:
            neuron = Neuron(names, owner)
            value = neuron.read(record.name)
            lines += _sample(names, record, neuron.lines, Value(neuron.use(value), truth=value.truth))
        else:
            stored = place_of(names, owner, record.name).partition("[")[0]
            lines += _sample(names, record, [], Value(f"{stored}[{names.of('places', record.text)}[a]]"))
    return lines


def spiked(names: Names) -> Lines:
    """What is recorded of some spikes, or of their sum; all by themselves are noted where they are listed."""
    lines: Lines = []
    for record in names.needs.stretch.record:
        population = record.name.rpartition(".")[0]
        if record.spikes and record.over and not record.chosen:
            share = f" / {names.still.number(names.size(population))}" if record.over == "mean" else ""
            lines.append(f"{names.of('record', record.text)}[s, k, 0] = f(count{names.number(population)}){share}")
        elif record.spikes and (record.chosen or record.over):
            value = f"spiked{names.number(population)}[i]"
            lines += _sample(names, record, [], Value(f"({value} != 0)", truth=True))
    return lines


def _sample(names: Names, record: Record, lines: Lines, value: Value) -> Lines:
    """Keep a value of each neuron ``i`` or synapse that is recorded, or what is over them all."""
    size = size_of(names.needs.plan.circuit, record.name)
    first, _, step = record.slice.indices(size)
    count = len(record.places(size))
    row = "s" if record.every == 1 else "row"
    array = names.of("truths" if value.truth and not record.over else "record", record.text)
    head = [f"for a in range({count}):", f"    i = {first} + a * {step}"]
    if not record.over:
        kept = [*head, *(f"    {line}" for line in [*lines, f"{array}[{row}, k, a] = {value.text}"])]
    else:
        number = f"f({value.text})" if value.truth else value.text
        share = f" / {names.still.number(count)}" if record.over == "mean" else ""
        inner = [*lines, f"active = active + {number}"]
        kept = [f"active = {names.still.number(0.0)}", *head, *(f"    {line}" for line in inner)]
        kept.append(f"{array}[{row}, k, 0] = active{share}")
    if record.every > 1:
        number = f"row = (begin + s) // {record.every} - (begin + {record.every - 1}) // {record.every}"
        kept = block(f"if (begin + s) % {record.every} == 0:", number, *kept)
    return alone(names, kept)
