"""The section ``[training.record]`` against the circuit that is trained."""

from __future__ import annotations

import difflib

from neurosim.circuit.description import Circuit
from neurosim.model_files.checking import Faults, shown
from neurosim.training.config import Record

_MOST_SNAPSHOTS = 100_000


def check_record(model: str, record: Record, epochs: int, circuit: Circuit, *, steady: bool) -> None:
    """Refuse what a circuit does not have, or has no course of.

    Raises
    ------
    ConfigError
        With all faults: key path, what was got and what is expected.
    """
    faults = Faults()
    count = epochs // record.every + 1
    if count > _MOST_SNAPSHOTS:
        faults.add(
            "training.record.every",
            f"got {record.every}, which makes {count} recordings, expected at most {_MOST_SNAPSHOTS}",
        )
    for number, name in enumerate(record.variables):
        complaint = _complaint(name, circuit, steady=steady)
        if complaint:
            faults.add(f"training.record.variables.{number}", f"got {shown(name)}{complaint}")
    faults.raise_any(model)


def _complaint(name: str, circuit: Circuit, *, steady: bool) -> str:
    """What is wrong with a name, to be said after it; empty if nothing is."""
    # Late: it asks the equations, and with them Brian2.
    from neurosim.recording.variables import traces, weights

    courses, synapses = traces(circuit), weights(circuit)
    if name in synapses:
        return ""
    instead = f"expected weights, such as '{synapses[0]}'"
    if name not in courses:
        near = difflib.get_close_matches(name, [*courses, *synapses], n=1)
        owners = dict.fromkeys(each.split(".")[0] for each in (*courses, *synapses))
        hint = f"did you mean '{near[0]}'?" if near else f"there are variables of {', '.join(owners)}"
        return f", expected a name such as 'hidden1.v' or 'W1.w'; {hint}"
    if steady:
        return f" with engine.level 'steady', where nothing has a course over time; {instead}, or another level"
    early = next((phase.name for phase in circuit.phases if phase.until is not None), None)
    if early is not None:
        return f", but phase '{early}' ends as soon as it has settled; {instead}, or a scheme without that threshold"
    return ""
