"""The machinery of the benchmarks: works and peers are found, results are written as they are, absent peers listed.

What works measure is not tested here: that is a matter of time, and of `make bench`.
"""

from __future__ import annotations

import socket
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement

from benchmarks import _command, _environments, _measuring, _page, _peers, _table
from benchmarks._results import RESULT, Asked, Curve, Result, Row, Table

WORKS = _command.work_names()
PEERS = _peers.peer_files()

RESULTS = {
    "made_up": Result(
        title="Made up",
        about="Nothing was measured.",
        tables=(
            Table("Time", "ms", (Row("ours", (1.0, 2.0, 3.0), "float32"), Row("theirs | dense", (4.0, 6.0, 15.0)))),
            Table("Speed", "a second", (Row("ours", (8.0,)), Row("theirs", (2.0,))), faster="higher"),
        ),
        asked=(
            Asked("theirs over ours", 2.5, 4.0, True),
            Asked("ours", 1.5, 2.0, False),
            Asked("theirs, if they were here", 40.0, None, True),
        ),
        missing={"Absent": "does not install: no such thing"},
        versions={"theirs": "1.2.3"},
        curves=(Curve("rate", "neurons", (1.0, 10.0), (2.0, 20.0)), Curve("rate", "steps", (1.0, 2.0), (3.0, 4.0))),
        curve_unit="ms",
    )
}

# Echoes what it is given, in the standard library and NumPy alone; its name is that of a package it could import.
PEER = """# /// script
# requires-python = ">=3.11"
# dependencies = [{dependencies}]
#
# [tool.benchmarks]
# label = "Made up"
# works = ["echo"]
# here = {here}
# ///
import os

def echo(data):
    print("noise of a compiler")
    os.system("echo noise of another program")
    rounds = []

    def once():
        rounds.append(1)
        if len(rounds) == 3:
            raise RuntimeError("gone after two rounds")
        return 0.25 * len(rounds)

    return dict(round=once, trials=2, rated=[0], rates=data["rates"][:1].mean(axis=0), note="float64")
"""


def peer(folder: Path, dependencies: str = "", here: bool = True) -> Path:
    file = folder / "numpy.py"
    file.write_text(PEER.format(dependencies=dependencies, here=str(here).lower()), "utf-8")
    return file


def start(file: Path, folder: Path, rates: list[float], pip: tuple[str, ...] = ()):
    data = {"rates": np.array([[0.1, 0.2], [0.3, 0.4]])}
    found = [(file, _environments.read_header(file))]
    settings = {"environments": folder / "environments", "tolerance": (1e-12, 0.5), "pip": pip}
    return _peers.taking_part(found, "echo", data, rates=np.array([rates]), **settings)


class TestWorks:
    def test_some_are_found(self):
        assert WORKS

    @pytest.mark.parametrize("name", WORKS)
    def test_has_the_contract(self, name):
        work = _command.load_work(name)
        assert work.TITLE
        assert callable(work.measure)
        assert f"python -m benchmarks.{name}" in (work.__doc__ or "")

    def test_titles_differ(self):
        assert len({_command.load_work(name).TITLE for name in WORKS}) == len(WORKS)


class TestPeers:
    @pytest.mark.parametrize("file", PEERS, ids=lambda file: file.stem)
    def test_header_is_readable(self, file):
        header = _environments.read_header(file)
        assert header.label
        assert set(header.works) <= set(WORKS)
        for work in header.works:
            assert f"def {work}(" in file.read_text("utf-8")
        # Pinned, or else what is measured here and now.
        assert header.here or all(str(Requirement(text).specifier).startswith("==") for text in header.dependencies)

    def test_labels_differ(self):
        assert len({_environments.read_header(file).label for file in PEERS}) == len(PEERS)

    def test_a_header_has_to_be_there_once(self, tmp_path):
        file = tmp_path / "none.py"
        file.write_text("x = 1\n")
        with pytest.raises(ValueError, match=r"none\.py: got 0 blocks"):
            _environments.read_header(file)

    def test_does_its_rounds_whatever_it_prints(self, tmp_path):
        with start(peer(tmp_path), tmp_path, [0.1, 0.25]) as peers:
            (ready,) = peers.ready
            assert not peers.missing
            assert (ready.label, ready.trials, ready.rates, ready.note) == ("Made up", 2, (0.1, 0.2), "float64")
            assert [ready.round(), ready.round()] == [0.25, 0.5]

    def test_one_that_ends_is_lost_with_its_last_words(self, tmp_path):
        with start(peer(tmp_path), tmp_path, [0.1, 0.2]) as peers:
            contenders = {"ours": lambda: 1.0, "theirs": peers.ready[0].round}
            rounds = _measuring.alternate(contenders, 4)
        assert rounds.seconds == {"ours": (1.0, 1.0, 1.0, 1.0)}
        assert rounds.lost == {"theirs": "ended: RuntimeError: gone after two rounds"}

    def test_one_that_does_other_work_is_not_compared(self, tmp_path):
        with start(peer(tmp_path), tmp_path, [0.11, 0.2]) as peers:
            assert not peers.ready
            assert "does other work" in peers.missing["Made up"]

    def test_one_that_does_not_install_is_listed(self, tmp_path):
        file = peer(tmp_path, dependencies='"there-is-no-such-package==1.0"', here=False)
        with start(file, tmp_path, [0.1, 0.2], pip=("--no-index", "--find-links", str(tmp_path))) as peers:
            assert not peers.ready
            assert "does not install: No matching distribution" in peers.missing["Made up"]
        # A half-made environment is not taken for a whole one.
        assert not list((tmp_path / "environments").glob("*/complete"))

    def test_a_missing_program_is_named(self, tmp_path):
        header = _environments.Header("Made up", (), (), programs=("there-is-no-such-compiler",))
        with pytest.raises(_environments.PeerMissing, match="'there-is-no-such-compiler'"):
            _environments.interpreter(header, tmp_path)

    def test_another_python_is_named(self, tmp_path):
        header = _environments.Header("Made up", (), (), python="<3")
        with pytest.raises(_environments.PeerMissing, match="needs Python <3"):
            _environments.interpreter(header, tmp_path)


class TestNumbers:
    def test_ratios_are_within_rounds(self):
        # The ratio of medians would be 2.
        over, under = Row("", (8.0, 2.0, 4.0)), Row("", (2.0, 1.0, 16.0))
        assert _measuring.ratio(over, under) == 2.0
        assert _measuring.ratio(Row("", (9.0, 1.0, 4.0)), Row("", (1.0, 9.0, 1.0))) == 4.0

    def test_slope_of_a_power(self):
        x = (1.0, 3.0, 10.0, 200.0)
        assert _measuring.slope(x, tuple(5 * value**0.7 for value in x)) == pytest.approx(0.7, abs=1e-12)

    @pytest.mark.parametrize(
        ("value", "text"), [(0, "0"), (0.001234, "0.00123"), (12.345, "12.3"), (98765.4, "98,765"), (np.nan, "nan")]
    )
    def test_three_digits(self, value, text):
        assert _table.number(value) == text

    def test_what_is_asked(self):
        assert [asked.met for asked in RESULTS["made_up"].asked] == [True, False, None]


class TestPage:
    def test_says_what_was_found(self, tmp_path):
        text = _page.page(
            RESULTS, {"broken": "ValueError: why"}, figures=tmp_path / "images", limits={"memory": "7 GB/s"}
        )
        assert "| Made up | theirs over ours | at least 2.5 | 4.00 | yes |" in text
        assert "| Made up | ours | at most 1.5 | 2.00 | no |" in text
        assert "| Made up | theirs, if they were here | at least 40 |  | not measured |" in text
        assert "| ours | 2.00 | 1.50 to 2.50 | 1 | float32 |" in text
        # Ratios of the rounds are 4, 3 and 5.
        assert "| theirs \\| dense | 6.00 | 5.00 to 10.5 | 4.00 (3.50 to 4.50) |  |" in text
        # Slower is above one, whatever the unit.
        assert "| theirs | 2.00 | 2.00 to 2.00 | 4.00 (4.00 to 4.00) |  |" in text
        assert "* Absent: does not install: no such thing" in text
        assert "* broken: ValueError: why" in text
        assert "* memory: 7 GB/s" in text
        assert "Others: theirs 1.2.3." in text
        assert "(images/benchmark_made_up.png)" in text
        assert (tmp_path / "images" / "benchmark_made_up.png").stat().st_size > 1000

    def test_names_the_machine_by_what_it_can_do(self):
        assert "cores" in _page.machine()
        assert socket.gethostname() not in _page.machine()

    def test_results_survive_the_way_from_their_process(self):
        (result,) = RESULTS.values()
        assert RESULT.validate_json(RESULT.dump_json(result)) == result
