"""How what a scheme delivers to hidden neurons relates to the gradient: each scheme declares one, as ``GRADIENT``."""

from __future__ import annotations

from enum import StrEnum


class Relation(StrEnum):
    """What the signal is, said of linear networks; slopes, noise and weights that move take it further away."""

    EXACT = "the gradient itself"
    #: Beside forward weights that stay, feedback comes to deliver the gradient up to its length.
    LIMIT = "its direction, once feedback has learned"
    #: Nothing is delivered; the mean of the updates over the noise is along the gradient.
    MEAN = "none; updates follow it in the mean over noise"
    #: Feedback is another matrix than the transposed forward weights, with an angle to them below 90 degrees.
    CORRELATED = "less than 90 degrees from it, once weights have learned"
    #: The change of activity that would bring the change wanted above: the pseudo-inverse in place of the transpose.
    GAUSS_NEWTON = "another direction, that of Gauss and Newton"
    #: In time: the gradient without what goes through other neurons' future, or with part of it.
    TRUNCATED = "part of it: the gradient through time without the future of other neurons"
    OPEN = "whatever its rule makes it"
