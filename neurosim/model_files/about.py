"""The section ``[model]``, and the settings of a task that is not there."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class About(BaseModel):
    """What a model is, for people.

    Attributes
    ----------
    title, description, reference
        One line each, or more for the description.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = ""
    description: str = ""
    reference: str = ""


class NoTask(BaseModel):
    """The settings of a task that a model does not have."""

    model_config = ConfigDict(frozen=True, extra="forbid")
