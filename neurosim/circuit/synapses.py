"""The two ends of a pathway, and its synapses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Height, width and channels of a population whose neurons are the pixels of an image, channels running fastest.
Image = tuple[int, int, int]


@dataclass(frozen=True)
class Ends:
    """The two populations that a pathway joins: their sizes and, if they have one, their images.

    Attributes
    ----------
    n_pre, n_post
        How many neurons send and receive.
    pre, post
        Height, width and channels, if they have them.
    recurrent
        Whether both are one population, so that a neuron may have a synapse with itself.
    """

    n_pre: int
    n_post: int
    pre: Image | None = None
    post: Image | None = None
    recurrent: bool = False

    @property
    def reversed(self) -> Ends:
        """The ends with source and target exchanged."""
        return Ends(self.n_post, self.n_pre, self.post, self.pre, self.recurrent)

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
    repeated
        Whether several may join the same two neurons.
    """

    pre: np.ndarray
    post: np.ndarray
    weight: np.ndarray | None
    strength: np.ndarray | None = None
    repeated: bool = False

    def matrix(self, each: np.ndarray, ends: Ends) -> np.ndarray:
        """A number per synapse as a matrix: zero without a synapse, the sum where several join two neurons.

        Parameters
        ----------
        each
            Shape (..., n_synapses).
        ends
            The populations.

        Returns
        -------
        numpy.ndarray
            Shape (..., n_post, n_pre).
        """
        whole = np.zeros((*each.shape[:-1], ends.n_post, ends.n_pre), each.dtype)
        if not self.repeated:
            whole[..., self.post, self.pre] = each
            return whole
        cells, cell = ends.n_post * ends.n_pre, self.post * ends.n_pre + self.pre
        for row, numbers in zip(whole.reshape(-1, cells), each.reshape(-1, len(cell)), strict=True):
            row += np.bincount(cell, weights=numbers, minlength=cells)
        return whole


def size_of(image: Image) -> int:
    """The number of neurons of an image."""
    return image[0] * image[1] * image[2]
