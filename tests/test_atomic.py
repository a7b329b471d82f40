"""Whatever happens on the way, what is at a path is wholly the old or wholly the new."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from neurosim.atomic import discard, is_temporary, replacing, write_file
from neurosim.errors import DataError


def _write_folder(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.mkdir()
        (temporary / "inner").write_text(text)


def _text(path: Path) -> str:
    return (path / "inner" if path.is_dir() else path).read_text()


WRITERS = {"file": write_file, "folder": _write_folder}


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "No space left on device"), (errno.EIO, "output error")])
def test_what_the_disk_refuses_names_the_file_and_leaves_the_old_one(tmp_path, monkeypatch, kind, call, number, words):
    path = tmp_path / "kept.bin"
    WRITERS[kind](path, "old")

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        with pytest.raises(DataError, match=rf"kept\.bin: cannot be written \(.*{words}"):
            WRITERS[kind](path, "new")
    assert _text(path) == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_comes_back_when_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    path, replace, calls = tmp_path / "store", os.replace, []
    _write_folder(path, "old")

    def second_fails(*names: Path) -> None:
        calls.append(names)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(*names)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", second_fails)
        with pytest.raises(DataError, match="No space left"):
            _write_folder(path, "new")
    assert _text(path) == "old" and list(tmp_path.iterdir()) == [path]
    _write_folder(path, "new")
    assert _text(path) == "new" and list(tmp_path.iterdir()) == [path]


def test_what_the_writer_raises_passes_and_leaves_the_old_one(tmp_path):
    path = tmp_path / "kept"
    write_file(path, "old")
    with pytest.raises(KeyboardInterrupt), replacing(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


# Dies as by SIGKILL: nothing of Python's is tidied up.
_CRASH = """
import os, sys
from pathlib import Path
from neurosim.atomic import write_file
os.replace = lambda *_: os._exit(9)
write_file(Path(sys.argv[1]), "new")
"""


def test_a_crash_before_the_rename_leaves_the_old_file(tmp_path):
    path = tmp_path / "numbers.json"
    write_file(path, "old")
    assert subprocess.run([sys.executable, "-c", _CRASH, str(path)]).returncode == 9
    assert path.read_text() == "old"
    (left,) = (found for found in tmp_path.iterdir() if found != path)
    # Complete, and known for what it is: it is put away when somebody takes the folder.
    assert left.read_text() == "new" and is_temporary(left) and not is_temporary(path)
    discard(left)
    assert list(tmp_path.iterdir()) == [path]


def test_content_is_on_the_disk_before_its_name_and_the_name_before_the_end(tmp_path, monkeypatch):
    path, order = tmp_path / "a.txt", []
    fsync, replace = os.fsync, os.replace

    def synced(handle: int) -> None:
        order.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    def renamed(*names: Path) -> None:
        order.append("rename")
        replace(*names)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    write_file(path, "one")
    assert order == ["file", "rename", "folder"]
    order.clear()
    _write_folder(tmp_path / "store", "two")
    assert order == ["file", "folder", "rename", "folder"]


@pytest.mark.skipif(os.name != "posix", reason="modes and links of POSIX")
def test_files_have_the_usual_mode_and_links_are_replaced_not_followed(tmp_path):
    outside, path = tmp_path / "outside", tmp_path / "link"
    outside.write_text("untouched")
    path.symlink_to(outside)
    before = os.umask(0o027)
    try:
        write_file(path, "new")
    finally:
        os.umask(before)
    assert not path.is_symlink() and stat.S_IMODE(path.stat().st_mode) == 0o640
    assert outside.read_text() == "untouched"


def test_folders_above_are_made_only_if_that_is_asked_for(tmp_path):
    path = tmp_path / "a" / "b" / "c.txt"
    with pytest.raises(DataError, match=r"c\.txt: cannot be written"):
        write_file(path, "x")
    write_file(path, "x", parents=True)
    assert path.read_text() == "x"
