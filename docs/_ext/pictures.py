"""Pictures of models and circuits: which there are, what they show, and the commands that draw them.

``docs/pictures.toml`` says it; ``docs/draw_pictures.py`` runs the commands. Where none is kept, a model has the
diagram of its circuit, drawn when the site is built.
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path

from neurosim import registry

FOLDER = Path("docs/images/gallery")
#: What is drawn of a circuit: one figure of all that it records.
_OVERVIEW = "overview"


@dataclass(frozen=True)
class Picture:
    """A picture that is kept.

    Attributes
    ----------
    name
        The model or circuit.
    figure
        The stem of a figure of ``neurosim plot``, or ``overview`` for that of ``neurosim simulate --plot``.
    settings
        What the run changes in the model.
    shows
        What is to be seen, for who cannot see it.
    """

    name: str
    figure: str
    settings: tuple[str, ...]
    shows: str

    @property
    def path(self) -> Path:
        """Where it is, from the root of the repository."""
        return FOLDER / f"{self.name.replace('/', '-')}.webp"

    def commands(self, target: str) -> list[list[str]]:
        """What draws it: arguments of ``neurosim``.

        Parameters
        ----------
        target
            A file for a circuit's figure, a folder for a run.
        """
        if self.figure == _OVERVIEW:
            return [["simulate", self.name, *self.settings, "--plot", target]]
        return [["run", self.name, *self.settings, "--seed", "0", "--out", target], ["plot", target]]

    @property
    def told(self) -> str:
        """The commands as one types them."""
        target = "figure.png" if self.figure == _OVERVIEW else f"runs/{self.name.rpartition('/')[2]}"
        return "\n".join(" ".join(["neurosim", *command]) for command in self.commands(target))


@functools.cache
def pictures(repository: Path) -> dict[str, Picture]:
    """All pictures, by the name of their model or circuit.

    Raises
    ------
    ValueError
        A name without a model, or a file that is not there.
    """
    told = tomllib.loads((repository / "docs" / "pictures.toml").read_text())
    circuits = registry.circuits()
    found = {
        name: Picture(
            name,
            row.get("figure", _OVERVIEW if name in circuits else "learning_curve"),
            tuple(row.get("settings", ())),
            " ".join(row["shows"].split()),
        )
        for name, row in told.items()
    }
    unknown = sorted(found.keys() - {*circuits, *registry.models()})
    if unknown:
        raise ValueError(f"docs/pictures.toml: no model or circuit is called {', '.join(unknown)}")
    return found


@functools.cache
def kept(repository: Path) -> dict[str, Picture]:
    """Those whose file is there."""
    return {name: each for name, each in pictures(repository).items() if (repository / each.path).is_file()}
