"""The section ``[model]``, and the settings of a model without a task."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class About(BaseModel):
    """Title, description and reference of a model.

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
    """The empty settings of a model without a task."""

    model_config = ConfigDict(frozen=True, extra="forbid")
