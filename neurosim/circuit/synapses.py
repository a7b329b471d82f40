"""What a pathway joins, and the synapses that it makes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Height, width and channels of a population whose neurons are the pixels of an image, channels running fastest.
Image = tuple[int, int, int]


@dataclass(frozen=True)
class Ends:
    """The two populations that a pathway joins: their sizes and, if they have one, their images."""

    n_pre: int
    n_post: int
    pre: Image | None = None
    post: Image | None = None

    @property
    def reversed(self) -> Ends:
        """The same, the other way round."""
        return Ends(self.n_post, self.n_pre, self.post, self.pre)

    @property
    def pre_image(self) -> Image:
        """The image of the source, of a pathway that has been checked."""
        assert self.pre is not None, "the circuit is checked before it is used"
        return self.pre

    @property
    def post_image(self) -> Image:
        """The image of the target, of a pathway that has been checked."""
        assert self.post is not None, "the circuit is checked before it is used"
        return self.post


@dataclass(frozen=True, eq=False)
class Synapses:
    """All synapses of a pathway, one by one.

    Attributes
    ----------
    pre, post
        The numbers of the neurons that each synapse joins.
    weight
        Which of the pathway's weights, counted in C order, each synapse has; none if it has no weights of its own.
    strength
        Then the strength of each synapse.
    """

    pre: np.ndarray
    post: np.ndarray
    weight: np.ndarray | None
    strength: np.ndarray | None = None


def size_of(image: Image) -> int:
    """The number of neurons of an image."""
    return image[0] * image[1] * image[2]
