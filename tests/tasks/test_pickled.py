"""Pickles are read without being run: plain ones as Python reads them, all else refused."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from neurosim.errors import DataError
from neurosim.tasks._pickled import read_pickled

HERE = Path("batch")
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31 - 1) | st.text(max_size=20) | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=8), PLAIN, max_size=5), st.sampled_from([2, 3, 4]))
def test_plain_containers_are_read_as_python_reads_them(content, protocol):
    data = pickle.dumps(content, protocol)
    if b"c_codecs\n" in data or b"c__builtin__\n" in data:
        # How Python 3 writes bytes for Python 2: as a call, which is refused.
        with pytest.raises(DataError, match="nothing of it was run"):
            read_pickled(HERE, data)
        return
    assert read_pickled(HERE, data) == content


@given(arrays.arrays(np.uint8, arrays.array_shapes(max_dims=3, max_side=6)), st.sampled_from([3, 4]))
def test_arrays_of_bytes_are_read(array, protocol):
    found = read_pickled(HERE, pickle.dumps({b"data": array, "labels": [1, 2]}, protocol))
    np.testing.assert_array_equal(found["data"], array)
    assert found["data"].dtype == np.uint8
    assert found["labels"] == [1, 2]


def python2(array: np.ndarray, **lists: list[int]) -> bytes:
    """What Python 2 wrote: protocol 2, text as bytes."""

    def text(value: bytes) -> bytes:
        return b"U" + bytes([len(value)]) + value

    def number(value: int) -> bytes:
        return b"K" + bytes([value]) if value < 256 else b"M" + value.to_bytes(2, "little")

    rows, columns = array.shape
    written = b"\x80\x02}q\x00(" + text(b"data") + b"q\x01cnumpy.core.multiarray\n_reconstruct\nq\x02"
    written += b"cnumpy\nndarray\nq\x03K\x00\x85" + text(b"b") + b"\x87R(K\x01" + number(rows) + number(columns)
    written += b"\x86cnumpy\ndtype\nq\x04" + text(b"u1") + b"K\x00K\x01\x87R(K\x03" + text(b"|") + b"NNN"
    written += b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T" + array.size.to_bytes(4, "little") + array.tobytes()
    written += b"tb"
    for name, values in lists.items():
        written += text(name.encode()) + b"](" + b"".join(map(number, values)) + b"e"
    return written + b"u."


def test_what_python_2_wrote_is_read_as_the_unpickler_reads_it():
    array = np.arange(12, dtype=np.uint8).reshape(3, 4) + 200
    data = python2(array, labels=[3, 1, 2])
    # Written here, so that it may be run: the unpickler agrees that this is a pickle of Python 2.
    expected = pickle.loads(data, encoding="bytes")
    found = read_pickled(HERE, data)
    np.testing.assert_array_equal(found["data"], expected[b"data"])
    assert found["labels"] == expected[b"labels"] == [3, 1, 2]


class Hostile:
    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call


RAN: list[str] = []


def ran(word: str) -> str:
    RAN.append(word)
    return word


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "content",
    [
        {"data": Hostile(os.system, ("exit 3",))},
        {"data": Hostile(eval, ("1",))},
        {"data": Hostile(ran, ("ran",))},
        {"data": Hostile(np.load, ("file",))},
        {"data": np.array([object()], dtype=object)},
        {"data": np.zeros(3)},
        {"data": Path("a")},
        {"data": HERE.read_bytes},
        {"data": pytest},
        Hostile(ran, ("ran",)),
        {Hostile(ran, ("ran",)): 1},
    ],
    ids=[
        "os",
        "eval",
        "function",
        "numpy",
        "object_array",
        "array",
        "path",
        "bound_method",
        "module",
        "alone",
        "as_key",
    ],
)
def test_what_could_run_something_is_refused(content, protocol):
    try:
        data = pickle.dumps(content, protocol)
    except (TypeError, pickle.PicklingError):
        data = pickle.dumps({"data": Hostile(ran, ("ran",))}, protocol)
    with pytest.raises(DataError, match=r"batch: .*nothing of it was run"):
        read_pickled(HERE, data)
    assert not RAN


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "broken pickle"),
        (b"\x80\x04.", "too few values"),
        (b"\x80\x04]q\x00.", "got a pickled list, expected a dictionary"),
        (b"cos\nsystem\n(S'true'\ntR.", "at byte 0: got the name os.system"),
        (b"(S'true'\nios\nsystem\n.", "got the instruction STRING"),
        (b"\x80\x02cnumpy\ndtype\nU\x02O8\x85R.", "got a pickled _Dtype"),
        (b"\x80\x02cnumpy\nndarray\nK\x05\x85R.", "got a call"),
        (b"\x80\x02\x8c\x02os\x8c\x06system\x93.", "got the name os.system"),
        (b"\x80\x02Pid\n.", "got the instruction PERSID"),
        (b"\x80\x02\x82\x01.", "got the instruction EXT1"),
        (b"\x80\x02}]K\x01s.", "got a list as a key"),
        (python2(np.zeros((2, 3), np.uint8)).replace(b"K\x02K\x03", b"K\x02K\x04"), "shape .2, 4. with 6 bytes"),
        (python2(np.zeros((2, 3), np.uint8)).replace(b"U\x02u1", b"U\x02i1"), "got an array of another kind"),
    ],
)
def test_what_is_broken_is_named(data, message):
    with pytest.raises(DataError, match=message):
        read_pickled(HERE, data)


WHOLE = python2(np.arange(64, dtype=np.uint8).reshape(4, 16), labels=[0, 1, 2, 3])


@given(st.data())
def test_whatever_is_changed_runs_nothing(data):
    changed = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(changed)))
    for variant in (bytes(changed), bytes(changed[:cut])):
        try:
            found = read_pickled(HERE, variant)
        except DataError:
            continue
        assert isinstance(found, dict)
    if cut < len(WHOLE):
        with pytest.raises(DataError):
            read_pickled(HERE, WHOLE[:cut])
