"""A lock on a folder, held by a living process and naming it."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from neurosim.atomic import refuse_shared
from neurosim.errors import ConfigError, DataError
from neurosim.gate.texts import parsed_json
from neurosim.runs.folder import LOCK


@contextlib.contextmanager
def locked(folder: Path, name: str = LOCK) -> Iterator[None]:
    """Hold the lock of an existing folder, in the file `name`.

    The operating system releases it when the process dies, however it dies.

    Raises
    ------
    ConfigError
        Another process holds it; names its process id and host.
    DataError
        The file system allows no lock here.
    """
    path = folder / name
    handle = _acquire(path)
    try:
        yield
    finally:
        # Removed while held; a process that opened it before notices in `_acquire`.
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(handle)


def holder(folder: Path) -> str | None:
    """The holder of a folder's lock, in words; ``None`` if it is free."""
    path = folder / LOCK
    try:
        handle = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return None
    try:
        return None if _try(handle) else _named(handle)
    finally:
        os.close(handle)


def _acquire(path: Path) -> int:
    for _ in range(100):
        try:
            # A link in a stranger's folder must not make us write elsewhere.
            handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        except OSError as error:
            raise DataError(f"{path}: cannot be locked ({error.strerror or error})") from error
        try:
            refuse_shared(path, os.fstat(handle))
        except DataError:
            os.close(handle)
            raise
        # `holder` takes the lock for an instant, too.
        if not any(_try(handle) or time.sleep(0.02) for _ in range(3)):
            named = _named(handle)
            os.close(handle)
            raise ConfigError(f"{path.parent} is in use by {named}")
        if _is_at(handle, path):
            _write_name(handle)
            return handle
        # Its last holder removed it between our opening and our locking.
        os.close(handle)
    raise DataError(f"{path}: cannot be locked, it keeps being removed")


def _write_name(handle: int) -> None:
    name = {"pid": os.getpid(), "host": platform.node(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
    with contextlib.suppress(OSError):  # a full disk spoils the name, not the lock
        os.ftruncate(handle, 0)
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, json.dumps(name).encode())


def _named(handle: int) -> str:
    # The holder writes its name just after locking.
    for _ in range(5):
        os.lseek(handle, 0, os.SEEK_SET)
        try:
            named = parsed_json(os.read(handle, 4096), "the lock")
            return f"process {int(named['pid'])} on host {str(named['host'])[:100]!r}"
        except (ValueError, KeyError, TypeError, OverflowError, OSError):
            time.sleep(0.05)
    return "another process"


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.lstat(path))
    except OSError:
        return False


if sys.platform == "win32":

    def _try(handle: int) -> bool:
        import msvcrt

        # Lock a byte far behind the name: on Windows others cannot read what is locked.
        os.lseek(handle, 1 << 20, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(handle, 0, os.SEEK_SET)
        return True

else:

    def _try(handle: int) -> bool:
        import fcntl

        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise DataError(f"the file system has no locks ({error.strerror or error})") from error
        return True
