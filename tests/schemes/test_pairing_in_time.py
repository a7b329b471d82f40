"""A scheme on a kind of network on which it does not build says why, and what to use instead."""

from __future__ import annotations

import re

import pytest

from neurosim import registry
from neurosim.errors import ConfigError
from neurosim.model_files.model_file import load
from neurosim.schemes._pairing import schemes_on, unsuited

NETWORKS = ("layered", "recurrent")
PAIRS = [(s, n) for n in NETWORKS for s in registry.names("schemes") if unsuited(s, n)]


@pytest.mark.parametrize(("scheme", "network"), PAIRS)
def test_each_scheme_has_a_reason_and_a_remedy_that_exists(scheme: str, network: str) -> None:
    said = unsuited(scheme, network)
    reason, remedy = said.partition(": ")[2].split("; use ")
    assert len(reason.split()) > 6, said
    for kind in re.findall(r"scheme\.kind = '(\w+)'", remedy):
        assert kind in schemes_on(network), said
        for feedback in re.findall(r"feedback = '(\w+)'", remedy) if kind == "eprop" else ():
            assert registry.load("schemes", kind).Config(feedback=feedback), said
    assert "scheme.kind" in remedy or "network.kind = 'layered'" in remedy or "circuit file" in remedy, said


def test_a_model_file_says_so_before_anything_is_drawn() -> None:
    given = {"network": {"kind": "recurrent"}, "scheme": {"kind": "node_perturbation"}, "task": {"kind": "sine"}}
    with pytest.raises(ConfigError, match=r"network\.kind: got 'recurrent', .* use scheme\.kind = 'eprop'") as refused:
        load(given)
    assert refused.value.faults[0][0] == "network.kind"


def test_schemes_of_the_two_kinds_are_all_that_there_are() -> None:
    assert {*schemes_on("layered"), *schemes_on("recurrent")} == {*registry.names("schemes")}
