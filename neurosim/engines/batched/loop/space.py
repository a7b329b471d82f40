"""Arrays that a loop works in, as text: for one trial after the other, or for each trial of a step."""

from __future__ import annotations

from dataclasses import dataclass, field

from neurosim.engines.batched.loop.layout import Names
from neurosim.engines.batched.loop.lines import Lines
from neurosim.engines.batched.loop.together import COLUMNS

#: Kinds of arrays that are made within a loop.
INSIDE = ("buffer", "sent", "sums", "ring", "more", "columns")


@dataclass
class Space:
    """Arrays as text.

    Attributes
    ----------
    each
        Whether each trial has its own.
    lines
        By which they are made.
    rows
        Name -> the statement that takes that of a trial.
    """

    each: bool
    lines: Lines = field(default_factory=list)
    rows: dict[str, str] = field(default_factory=dict)

    def array(self, name: str, *shape: str | int, dtype: str = "f", made: str = "empty") -> None:
        """An array of which each trial has its own."""
        if self.each:
            self.rows[name] = f"{name} = {name}_all[k]"
        sizes = ", ".join(map(str, ("last", *shape) if self.each else shape))
        self.lines.append(f"{name}{'_all' if self.each else ''} = np.{made}(({sizes},), {dtype})")

    def view(self, name: str, of: str, dtype: str) -> None:
        """The same array as other numbers."""
        if self.each:
            self.rows[name] = f"{name} = {name}_all[k]"
        ending = "_all" if self.each else ""
        self.lines.append(f"{name}{ending} = {of}{ending}.view({dtype})")


def of(names: Names) -> Space:
    """All that a loop works in."""
    space = Space(names.needs.together)
    drawn = {key: array for key, (array, _) in names.draws.items()}
    space.lines += [f"{array} = np.empty({names.size(key.split('.')[0])}, np.float32)" for key, array in drawn.items()]
    for name, (kind, key) in names.arguments.items():
        if kind in INSIDE:
            _one(names, space, name, kind, key)
    for population in names.needs.stretch.spiking:
        number, size = names.number(population), names.size(population)
        space.array(f"spiked{number}", size + -size % 8, dtype="np.uint8", made="zeros")
        space.view(f"words{number}", f"spiked{number}", "np.uint64")
        space.array(f"which{number}", size, dtype="np.uint32")
        if space.each:
            space.lines.append(f"many{number} = np.zeros(last, np.int64)")
            space.rows[f"count{number}"] = f"count{number} = many{number}[k]"
    if names.together:
        size = max(names.together)
        space.lines.append("share = f(1) / f(last)")
        space.lines += [f"head = np.full({size}, -1, np.int64)", f"touched = np.empty({size}, np.uint32)"]
        space.lines += [f"{name} = np.empty(last * {size}, np.int64)" for name in ("link", "whose")]
    return space


def _one(names: Names, space: Space, name: str, kind: str, key: str) -> None:
    needs = names.needs
    owner = key.split(".")[0]
    if kind == "buffer":
        space.array(name, names.size(owner))
    elif kind == "ring":
        space.array(name, *needs.slots[key].shape)
    elif kind == "columns":
        space.lines.append(f"{name} = np.zeros(({COLUMNS}, {needs.plan.circuit.shape(owner)[1]}), f)")
    elif kind == "more":
        wires, n_post = needs.wires(owner), needs.plan.circuit.shape(owner)[0]
        size = n_post if wires == "rows" else 1 if wires == "one" else f"{names.of('post', owner)}.shape[0]"
        space.lines.append(f"{name} = np.zeros({size}, f)")
    else:
        depth, (n_post, n_pre) = needs.delay(key).depth + 1, needs.plan.circuit.shape(key)
        if kind == "sums":
            space.array(name, depth * n_post)
        else:
            space.array(name, depth, n_pre, dtype="np.uint32")
            space.array(f"counts{name[4:]}", depth, dtype="np.int64", made="zeros")


def kept(names: Names) -> Lines:
    """How many neurons spike in a trial is kept where other trials come next."""
    if not names.needs.together:
        return []
    numbers = [names.number(population) for population in names.needs.stretch.spiking]
    return [f"many{number}[k] = count{number}" for number in numbers]
