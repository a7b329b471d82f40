"""Settings of all schemes of learning in time: learning rates of each kind of pathway, and the presentation."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, NonNegativeFloat

from neurosim.networks import recurrent


class LearningInTime(BaseModel):
    """Settings of all schemes of learning in time.

    Attributes
    ----------
    learning_rate
        Of recurrent weights, for the mean over a batch of the loss over time (the masked mean).
    input_learning_rate, bias_learning_rate
        Of the weights into recurrent populations from below and of their biases; as that of recurrent weights where
        they are not given.
    output_learning_rate, output_bias_learning_rate
        Of the readout's weights and of its biases; as that of recurrent weights, and as that of the readout's weights.
        What has the rate zero stays as it is drawn.
    duration
        Of a presentation, in place of that of the task's grid and one time step of the engine.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    learning_rate: NonNegativeFloat = 0.1
    input_learning_rate: NonNegativeFloat | None = None
    bias_learning_rate: NonNegativeFloat | None = None
    output_learning_rate: NonNegativeFloat | None = None
    output_bias_learning_rate: NonNegativeFloat | None = None
    duration: str = ""

    def rate_of(self, place: recurrent.Place) -> float:
        """The learning rate of a kind of pathway."""
        given = {
            "recurrent": None,
            "input": self.input_learning_rate,
            "bias": self.bias_learning_rate,
            "output": self.output_learning_rate,
            "output_bias": self.output_bias_learning_rate,
        }[place]
        if given is not None:
            return given
        return self.rate_of("output") if place == "output_bias" else self.learning_rate
