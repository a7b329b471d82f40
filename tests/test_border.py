"""Arguments of public functions are checked, and other libraries' exceptions become ours with their cause."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from neurosim import border
from neurosim.border import COUNT, FLAG, NAMES, PATH, PRECISION, SEED, TIME, number, optional, public
from neurosim.errors import ArgumentError, DataError, NeurosimError


@public(n=COUNT, seed=SEED, dtype=PRECISION, dt=TIME, names=optional(NAMES), quiet=FLAG, share=number(0, 1))
def _asked(
    n: Any = 1,
    seed: Any = 0,
    dtype: Any = "float64",
    dt: Any = 1e-3,
    names: Any = None,
    quiet: Any = False,
    share: Any = 0.5,
) -> Any:
    return n, seed, dtype, dt, names, quiet, share


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *(("n", value) for value in (0, -2, 2.5, "3", None, True, np.float64(2.0), np.nan)),
        *(("seed", value) for value in (-1, None, 1.0, 2**64, "0")),
        *(("dtype", value) for value in ("float16", np.float32, None)),
        *(("dt", value) for value in (0, -1.0, np.nan, np.inf, "0 ms", "-1 ms", None, True, [1])),
        *(("names", value) for value in ("v", [1], 3)),
        *(("quiet", value) for value in (1, "yes", None)),
        *(("share", value) for value in (1.5, -0.1, np.nan, "0.5")),
    ],
)
def test_wrong_arguments_are_refused_by_name(name, wrong):
    with pytest.raises(ArgumentError, match=rf"^{name}: got .*expected"):
        _asked(**{name: wrong})


def test_right_arguments_come_in_the_form_the_package_uses():
    assert _asked(np.int32(3), dt="1 ms", names=["v"]) == (3, 0, "float64", 1e-3, ("v",), False, 0.5)


def test_paths_are_absolute_and_know_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert PATH("out", "~/x") == tmp_path / "x" == PATH("out", "x")
    with pytest.raises(ArgumentError, match="out"):
        PATH("out", "a\0b")


def test_a_check_for_an_argument_that_is_not_there_is_found_when_defined():
    with pytest.raises(TypeError, match="absent"):
        public(absent=COUNT)(lambda present: present)


def _in_the_package(run):
    """A function of one line whose code is said to be the package's own."""
    namespace: dict = {"run": run, "pd": pd, "np": np}
    exec(compile("def call():\n    return run()\n", "<neurosim call>", "exec"), namespace)
    return public()(namespace["call"])


def test_an_exception_of_a_library_becomes_ours_with_its_cause():
    with pytest.raises(DataError, match="pandas failed: EmptyDataError") as caught:
        namespace: dict = {"pd": pd}
        source = "import io\ndef call():\n    return pd.read_csv(io.StringIO(''))\n"
        exec(compile(source, "<neurosim call>", "exec"), namespace)
        public()(namespace["call"])()
    assert isinstance(caught.value.__cause__, pd.errors.EmptyDataError)


def test_a_fault_of_our_own_asks_to_be_reported():
    namespace: dict = {}
    exec(compile("def call():\n    return {}['absent']\n", "<neurosim call>", "exec"), namespace)
    with pytest.raises(NeurosimError, match=r"this is a fault of neurosim"):
        public()(namespace["call"])()


def test_exceptions_of_the_users_own_code_pass_as_they_are():
    def callback():
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        _in_the_package(callback)()


def test_the_sentence_is_that_of_the_first_cause():
    try:
        try:
            raise ValueError("the cause")
        except ValueError as cause:
            raise RuntimeError("outer") from cause
    except RuntimeError as error:
        assert border.root_sentence(error) == "ValueError: the cause"
