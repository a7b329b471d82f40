"""How the increments of forward weights become steps: plainly, with momentum, by Adam, or all of one length."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

#: Beginning of the names, in the state, of an optimiser's memory: ``optimiser.mu.W1.w``.
MEMORY = "optimiser."

Fraction = Annotated[float, Field(ge=0, lt=1)]


class Optimiser(BaseModel):
    """Settings of the optimiser of forward weights; feedback weights follow their own rule unless a scheme asks for it.

    Attributes
    ----------
    kind
        ``sgd`` (the rules' increments as they are), ``momentum``, ``adam`` (Kingma & Ba 2015) or ``normalised``: the
        direction of each matrix's increment alone, every step as long as the learning rate.
    momentum
        Fraction of the last step that is kept, for the kind ``momentum``.
    beta1, beta2, epsilon
        Parameters of the kind ``adam``.
    clip
        The most by which a weight changes in a step, learning rate included; no limit by default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["sgd", "momentum", "adam", "normalised"] = "sgd"
    momentum: Fraction = 0.9
    beta1: Fraction = 0.9
    beta2: Fraction = 0.999
    epsilon: PositiveFloat = 1e-8
    # Left out where it is not used, so that a model's hash stays what it was before there was any.
    clip: PositiveFloat | None = Field(default=None, exclude_if=lambda clip: clip is None)

    @property
    def plain(self) -> bool:
        """Whether the rules' increments are the steps."""
        return self.kind == "sgd" and self.clip is None


PLAIN = Optimiser()


def is_memory(name: str) -> bool:
    """Whether a name of the state is that of something an optimiser remembers."""
    return name.startswith(MEMORY)
