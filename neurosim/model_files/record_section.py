"""Check the section ``[training.record]`` against the trained circuit."""

from __future__ import annotations

from neurosim.circuit.circuit import Circuit
from neurosim.model_files.checking import Faults, shown
from neurosim.suggestions import nearest
from neurosim.training.config import RecordSettings

_MOST_SNAPSHOTS = 100_000


def check_record(model: str, record: RecordSettings, epochs: int, circuit: Circuit, *, steady: bool) -> None:
    """Refuse variables that a circuit does not have, or whose course cannot be recorded.

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
    """The fault of a name, as a clause to follow it; empty if there is none."""
    # Late: it reads equations and so imports Brian2.
    from neurosim.engines.unrecordable import why_not
    from neurosim.recording.variables import traces, weights

    courses, synapses = traces(circuit), weights(circuit)
    if name in synapses:
        return ""
    instead = f"expected weights, such as '{synapses[0]}'"
    if name not in courses and (reason := why_not(circuit, name)) is not None:
        return f": {reason}"
    if name not in courses:
        near = nearest(name, [*courses, *synapses])
        owners = dict.fromkeys(each.split(".")[0] for each in (*courses, *synapses))
        hint = f"did you mean '{near}'?" if near else f"there are variables of {', '.join(owners)}"
        return f", expected a name such as 'hidden1.v' or 'W1.w'; {hint}"
    if steady:
        return f" with engine.level 'steady', where nothing has a course over time; {instead}, or another level"
    early = next((phase.name for phase in circuit.phases if phase.until is not None), None)
    if early is not None:
        return f", but phase '{early}' ends as soon as it has settled; {instead}, or a scheme without that threshold"
    return ""
