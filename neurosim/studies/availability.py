"""Check, without running a model, whether its runs will have a number."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from neurosim import registry
from neurosim.errors import NeurosimError
from neurosim.model_files.circuits.circuit_file import CircuitFile
from neurosim.probes._findings import number_of
from neurosim.studies.readings import Reading
from neurosim.suggestions import did_you_mean
from neurosim.training.history import QUANTITIES

if TYPE_CHECKING:
    from neurosim.circuit.circuit import Circuit
    from neurosim.model_files.model_file import Model
    from neurosim.tasks._task import Task

# Numbers at the top level of summary.json.
_SUMMARY = ("test_accuracy", "test_loss", "samples_per_second", "wall_s")


def unavailable(reading: Reading, model: Model | CircuitFile) -> tuple[str, str] | None:
    """The key at fault and a sentence, if runs of this model will lack the number; ``None`` otherwise.

    The numbers of a probe that does not declare them are known only after a run.
    """
    if isinstance(model, CircuitFile):
        return _not_in_circuit(reading, model)
    if reading.name is not None:
        return _not_in_summary(reading.name, model)
    if model.probe_kind:
        return None
    of_layers = reading.history not in QUANTITIES
    if of_layers and reading.history not in _measures():
        hint = did_you_mean(str(reading.history), (*QUANTITIES, *_measures()))
        return "history", f"got '{reading.history}', which training does not measure; {hint}"
    if of_layers != (reading.layer is not None):
        return "layer", f"'{reading.history}' is {'of a layer, which is missing' if of_layers else 'of no layer'}"
    if reading.layer is not None and not _has_layer(model, reading.layer):
        return "layer", f"got '{reading.layer}'; {did_you_mean(reading.layer, _usual_layers(model))}"
    quantity = str(reading.history)
    for group in ("test", "perturbed"):
        if quantity in (f"{group}_loss", f"{group}_accuracy") and not getattr(model.training, f"evaluate_{group}"):
            return "history", f"got '{quantity}', which needs training.evaluate_{group} = true"
    if of_layers and (fault := _not_measured(quantity, model)) is not None:
        return "history", fault
    return _not_in_epoch(reading, model, of_layers=of_layers)


def unavailable_in(reading: Reading, model: Model, task: Task) -> tuple[str, str] | None:
    """As `unavailable`, for what depends on the data of the task."""
    if model.probe_kind:
        return None
    key, quantity = ("name", reading.name) if reading.name is not None else ("history", str(reading.history))
    if task.kind == "regression" and quantity.endswith("_accuracy"):
        return key, f"got '{quantity}', expected a loss: '{model.task_kind}' is a regression and has no accuracy"
    if quantity.startswith(("validation_", "perturbed_")) and not len(task.validation):
        return key, (
            f"got '{quantity}', and the validation split of '{model.task_kind}' is empty; give it a share of the "
            "examples (see the settings of the task), or name another number, such as train_loss"
        )
    return None


def _not_in_circuit(reading: Reading, circuit: CircuitFile) -> tuple[str, str] | None:
    """Why a simulated circuit will lack a number."""
    if reading.name is None:
        return "history", f"got '{reading.history}', expected name = 'numbers.<name>': a circuit has no epochs"
    table, _, number = reading.name.partition(".")
    if (table == "numbers" and number in circuit.numbers) or reading.name == "wall_s":
        return None
    hint = did_you_mean(number or table, circuit.numbers)
    return "name", f"got '{reading.name}', expected numbers.<name> of a number that {circuit.name} measures; {hint}"


def _not_measured(measure: str, model: Model) -> str | None:
    """Why a number by layer is not measured."""
    from neurosim.gradients.alignment import GAUSS_NEWTON_NUMBERS, LOOP_NUMBERS

    if not model.training.measure_every:
        return f"got '{measure}', which needs training.measure_every above 0"
    if measure in GAUSS_NEWTON_NUMBERS and model.training.gauss_newton is None:
        return f"got '{measure}', which needs training.gauss_newton"
    if measure in LOOP_NUMBERS and not _without_data(model, lambda circuit: circuit.loops):
        return f"got '{measure}', and the scheme '{model.scheme_kind}' has no control loops"
    return None


def _not_in_epoch(reading: Reading, model: Model, *, of_layers: bool) -> tuple[str, str] | None:
    """Why a number is not measured in the epochs asked for."""
    if reading.epoch is None:
        return None
    first, last = reading.epoch if isinstance(reading.epoch, tuple) else (reading.epoch, reading.epoch)
    training, quantity = model.training, str(reading.history)
    if last > training.epochs:
        return "epoch", f"got {last}, expected at most {training.epochs}, the last epoch of {model.name}"
    while_learning = quantity in ("train_loss", "train_accuracy", "samples_per_second")
    if while_learning:
        return ("epoch", f"got 0, expected 1 or more: '{quantity}' is of learning") if not last else None
    key = "measure_every" if of_layers else "evaluate_every"
    every = getattr(training, key)
    if not any(epoch % every == 0 or epoch == training.epochs for epoch in range(first, last + 1)):
        return (
            "epoch",
            f"got {first}{f' to {last}' * (first != last)}, expected one with a measurement: {key} = {every}",
        )
    return None


def _not_in_summary(name: str, model: Model) -> tuple[str, str] | None:
    group, *rest = name.split(".")
    if model.probe_kind:
        if name == "wall_s":
            return None
        if group == "probe" and rest:
            return _not_of_probe(name.removeprefix("probe."), model)
        return "name", f"got '{name}', expected probe.<number>: {model.name} measures instead of training"
    if group == "layers" and len(rest) == 2:
        layer, measure = rest
        if not _has_layer(model, layer):
            return "name", f"got '{name}': no layer '{layer}'; {did_you_mean(layer, _usual_layers(model))}"
        if measure not in _measures():
            return "name", f"got '{name}': no number '{measure}'; {did_you_mean(measure, _measures())}"
        fault = _not_measured(measure, model)
        return ("name", fault) if fault is not None else None
    if name not in _SUMMARY:
        return "name", f"got '{name}', expected layers.<layer>.<number> or one of {', '.join(_SUMMARY)}"
    return None


def _not_of_probe(number: str, model: Model) -> tuple[str, str] | None:
    """Why a probe that declares its numbers has none of this name."""
    declared = getattr(registry.load("probes", model.probe_kind), "NUMBERS", ())
    if not declared or number_of(declared, number) is not None:
        return None
    # Numbers without their layers.
    known = {each.name.rpartition(".")[2] for each in declared}
    hint = did_you_mean(number.rpartition(".")[2], known)
    return "name", f"got 'probe.{number}', which '{model.probe_kind}' does not measure; {hint}"


def _measures() -> tuple[str, ...]:
    # Late: it imports JAX, and most readings have no layer.
    from neurosim.gradients.alignment import MEASURES

    return MEASURES


def _has_layer(model: Model, layer: str) -> bool:
    if layer in _usual_layers(model):
        return True
    # A scheme may add layers. Their names do not depend on sizes, so no data are needed.
    return bool(_without_data(model, lambda circuit: layer in circuit.population))


def _without_data(model: Model, ask: Callable[[Circuit], Any]) -> Any:
    """A property of a model's circuit that no size changes; ``None`` if the circuit needs the data."""
    try:
        return ask(model.build(SimpleNamespace(n_inputs=8, n_outputs=8)))
    except NeurosimError:
        return None


def _usual_layers(model: Model) -> tuple[str, ...]:
    return model.network.layers if model.written is None else model.written.layers
