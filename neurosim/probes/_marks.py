"""Settings of the probes that look at the weights after given numbers of presentations."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator


class Marked(BaseModel):
    """Shared by probes that measure at marks.

    Attributes
    ----------
    marks
        Numbers of presentations at which the weights are looked at, rising multiples of `batch_size`.
    batch_size
        Trials between two updates, drawn from the training split with replacement.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    marks: tuple[PositiveInt, ...] = Field(min_length=1)
    batch_size: int = Field(default=32, gt=0, le=10**6)

    @model_validator(mode="after")
    def _whole_batches(self) -> Self:
        wrong = [mark for mark in self.marks if mark % self.batch_size]
        if wrong:
            raise ValueError(f"got marks {wrong}, expected multiples of the batch size {self.batch_size}")
        if list(self.marks) != sorted(set(self.marks)):
            raise ValueError(f"got marks {list(self.marks)}, expected them to rise")
        return self
