"""Classes of settings from the classes that describe a circuit, so that a field is declared and documented once.

A new field of a population, a pathway, a rule or a phase is a key of files as soon as it is there. Only a field whose
type no file can hold needs a line in `neurosim.model_files.circuits.parts`.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import operator
import types
import typing
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, create_model

from neurosim.model_files.circuits.values import Value, read

_PLAIN = (str, float, int, bool, type(None))


class Table(BaseModel):
    """Settings of one part of a circuit; `described` is the class of that part."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
    described: ClassVar[type]

    @property
    def given(self) -> dict[str, Any]:
        """The settings that the file gives, as the class takes them; others have the default of that class."""
        return self.given_without()

    def given_without(self, *left_out: str) -> dict[str, Any]:
        """The same but for some, which are read in another way."""
        names = (name for name in type(self).model_fields if name in self.model_fields_set and name not in left_out)
        return {name: made(getattr(self, name)) for name in names}


def made(value: Any) -> Any:
    """A checked setting as the described class takes it: tables as objects, arrays read."""
    if isinstance(value, Table):
        return value.described(**value.given)
    if isinstance(value, Mapping):
        return {name: made(inner) for name, inner in value.items()}
    return tuple(map(made, value)) if isinstance(value, tuple) else read(value)


def table_of(
    described: type,
    *more: type,
    without: Collection[str] = (),
    instead: Mapping[str, Any] | None = None,
    optional: Collection[str] = (),
) -> type[Table]:
    """The class of settings for a dataclass.

    Parameters
    ----------
    described
        The dataclass.
    more
        Further ones whose fields stand in the same table; of fields that both have, the first counts.
    without
        Fields that no file has, such as functions.
    instead
        Field -> type in files, where it is another one.
    optional
        Fields that files can leave out, though the class cannot.

    Returns
    -------
    type
        A pydantic class; its docstring has the attributes of the dataclasses.

    Raises
    ------
    TypeError
        A field whose type no file can hold, with what to do.
    """
    others, fields = dict(instead or {}), {}
    for each in (described, *more):
        hints = typing.get_type_hints(each)
        for field in dataclasses.fields(each):
            name = field.name
            if name in without or name in fields:
                continue
            kind = others[name] if name in others else in_files(hints[name], f"{each.__name__}.{name}")
            fields[name] = (kind, None if name in optional else _default(field))
    table = create_model(
        f"{described.__name__}Table",
        __base__=Table,
        __module__=__name__,
        __doc__=described.__doc__,
        **fields,
    )
    table.described = described
    return table


def in_files(hint: Any, where: str) -> Any:
    """The type of a setting for the type of a field.

    Raises
    ------
    TypeError
        No file can hold it.
    """
    origin = get_origin(hint)
    if hint is Any:
        return Value
    if hint in _PLAIN or origin is Literal:
        return hint
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return Literal[tuple(str(each.value) for each in hint)]
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return table_of(hint)
    inner = tuple(each if each is Ellipsis else in_files(each, where) for each in get_args(hint))
    if origin in (Union, types.UnionType):
        return functools.reduce(operator.or_, inner)
    if origin is tuple:
        return types.GenericAlias(tuple, inner)
    if origin is Mapping:
        return types.GenericAlias(dict, inner)
    raise TypeError(f"{where} is a {hint}, which no file can hold: say in `parts` how files write it, or leave it out")


def _default(field: dataclasses.Field) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return ...
