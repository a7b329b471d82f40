"""What Brian2 keeps for the whole process is the user's again after a run, and one run at a time has it."""

from __future__ import annotations

import threading

import brian2
import numpy as np
import pytest

from neurosim import Circuit, NeuronModel, Phase, Population, simulate
from neurosim.engines.brian.failures import told
from neurosim.errors import EngineError

NOISY = NeuronModel("dv/dt = -v/ms + xi*ms**-0.5 : 1", "v > 1", "v = rand()")
SETTINGS = ("codegen.target", "core.default_float_dtype", "core.stop_on_keyboard_interrupt")


@pytest.mark.parametrize("target", ["numpy", pytest.param("cython", marks=pytest.mark.slow)])
def test_random_numbers_settings_and_device_are_as_before(target):
    np.random.seed(5)
    expected = np.random.rand(3).tolist()
    np.random.seed(5)
    before = {name: brian2.prefs[name] for name in SETTINGS}, brian2.get_device()
    found = []
    for _ in range(3):
        found.append(np.random.rand())
        simulate(NOISY, "2 ms", engine="brian", target=target)
    assert found == expected
    assert before == ({name: brian2.prefs[name] for name in SETTINGS}, brian2.get_device())


def test_what_a_run_leaves_behind_after_an_error(monkeypatch):
    before = {name: brian2.prefs[name] for name in SETTINGS}
    monkeypatch.setattr(brian2.Network, "run", lambda *_, **__: 1 / 0)
    # An exception of the user's own code passes as it is.
    with pytest.raises(ZeroDivisionError):
        simulate(NOISY, "2 ms", engine="brian", dtype="float32")
    assert before == {name: brian2.prefs[name] for name in SETTINGS}


def test_a_network_of_the_users_own_goes_on_as_if_nothing_had_run():
    def numbers(between):
        brian2.seed(3)
        group = brian2.NeuronGroup(2, "v : 1")
        group.run_regularly("v = randn()", dt=0.1 * brian2.ms)
        network = brian2.Network(group)
        network.run(1 * brian2.ms)
        between()
        network.run(1 * brian2.ms)
        return np.array(group.v)

    alone = numbers(lambda: None)
    np.testing.assert_array_equal(numbers(lambda: simulate(NOISY, "2 ms", engine="brian")), alone)


def test_threads_each_get_the_numbers_of_their_seed():
    def noise(seed):
        return simulate(NOISY, "5 ms", n=3, seed=seed, engine="brian").v.values

    found = {}
    threads = [threading.Thread(target=lambda seed=seed: found.update({seed: noise(seed)})) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed, values in found.items():
        np.testing.assert_array_equal(values, noise(seed))


@pytest.mark.slow
def test_compiled_code_goes_on_with_its_own_random_numbers(tmp_path):
    given = {"engine": "brian", "target": "cython", "trials": 2, "seed": 4}
    whole = simulate(NOISY, "3 ms", **given).v.values
    simulate(NOISY, "1 ms", store=tmp_path / "end", **given)
    simulate(NOISY, "1 ms", **{**given, "seed": 9})
    np.testing.assert_array_equal(simulate(NOISY, "2 ms", restore=tmp_path / "end", **given).v.values, whole[10:])


def test_what_brian_refuses_is_told_of_the_population():
    circuit = Circuit("c", (Population("cells", 1, NOISY),), phases=(Phase("p", "1 ms"),))
    # As if a text had come through that Brian2 refuses.
    source = (
        "def call():\n"
        "    with told(circuit):\n"
        "        group = brian2.NeuronGroup(1, 'v : 1', threshold='v > 1', reset='v = nothing', name='cells_neurons')\n"
        "        brian2.Network(group).run(1*brian2.ms, namespace={})\n"
    )
    namespace: dict = {"brian2": brian2, "told": told, "circuit": circuit}
    exec(compile(source, "<neurosim call>", "exec"), namespace)
    with pytest.raises(EngineError, match=r"cannot run population 'cells': .*nothing") as caught:
        namespace["call"]()
    assert caught.value.__cause__ is not None
