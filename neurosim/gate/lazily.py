"""Open a checked store as an xarray Dataset that reads values lazily."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray
from xarray.backends import BackendArray, BackendEntrypoint
from xarray.core import indexing

from neurosim.errors import DataError

if TYPE_CHECKING:
    from neurosim.gate.stores import Store, StoredArray


class _Lazy(BackendArray):
    """An array in the form that xarray needs."""

    def __init__(self, stored: StoredArray) -> None:
        self.stored, self.shape, self.dtype = stored, stored.about.shape, stored.about.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self.stored.read)


class _Opener(BackendEntrypoint):
    """Lets xarray cache values, and write to copies in memory only."""

    def open_dataset(
        self, filename_or_obj: Any, *, drop_variables: str | Iterable[str] | None = None
    ) -> xarray.Dataset:
        store: Store = filename_or_obj
        variables = {
            name: xarray.Variable(each.about.dims, indexing.LazilyIndexedArray(_Lazy(each)), each.about.attrs)
            for name, each in store.arrays.items()
        }
        beside = [store.attrs.pop("coordinates", ""), *(v.attrs.pop("coordinates", "") for v in variables.values())]
        if not all(isinstance(names, str) for names in beside):
            raise DataError(f"{store.path}: damaged, its attribute 'coordinates' is no text")
        coords = {name for names in beside for name in names.split() if name in variables}
        return xarray.Dataset(variables, attrs=store.attrs).set_coords(coords)


def dataset(store: Store) -> xarray.Dataset:
    """The arrays of a store, by name.

    Raises
    ------
    DataError
        They do not fit together.
    """
    try:
        return xarray.open_dataset(store, engine=_Opener, cache=True)  # type: ignore[arg-type]
    except (ValueError, TypeError, KeyError, IndexError, np.exceptions.DTypePromotionError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{store.path}: damaged, its arrays do not fit together ({str(error)[:200]})") from error
