"""The base of the estimators: fitting a network and keeping the result."""

from __future__ import annotations

import copy
import functools
import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from neurosim import registry
from neurosim.border import translated
from neurosim.engines._engine import Engine
from neurosim.engines.state import State
from neurosim.errors import ConfigError, NeurosimWarning
from neurosim.estimators.data import refuse_no_inputs
from neurosim.estimators.parameters import checked, sections_of, seed_of
from neurosim.model_files.engine_section import make_engine
from neurosim.model_files.model_file import Model, load
from neurosim.model_files.readout_targets import refuse_targets
from neurosim.random import stream
from neurosim.tasks._scaling import lost, moments, scaled
from neurosim.tasks._task import Sizes, Split, Task, _one_hot, _stratified
from neurosim.training.config import Config
from neurosim.training.evaluation import answers
from neurosim.training.history import EpochReport
from neurosim.training.loop import train
from neurosim.training.troubles import Troubles
from neurosim.untyped import UserValue

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray


@dataclass(frozen=True)
class _Fit:
    """The fitted model, independent of later changes of parameters.

    Attributes
    ----------
    sections
        Sections of the model, as JSON.
    sizes
        Numbers of inputs and outputs.
    readout
        Readout of the outputs.
    """

    sections: str
    sizes: Sizes
    readout: str

    @property
    def engine(self) -> Engine:
        scheme = json.loads(self.sections)["scheme"]["kind"]
        return _engine_of(self.sections, self.sizes, registry.load("schemes", scheme))


class FittedNetwork(BaseEstimator):
    """The network of a classifier or a regressor."""

    if TYPE_CHECKING:
        # Set by fit.
        n_features_in_: int
        state_: State
        target_mean_: np.ndarray
        target_scale_: np.ndarray
        history_: xarray.Dataset
        seed_: int
        _fit: _Fit

    def __init__(
        self,
        hidden: Sequence[int] | int = (48, 32),
        *,
        scheme: str = "node_perturbation",
        level: Literal["steady", "rate", "spiking"] = "steady",
        engine: str = "batched",
        readout: str = "cross_entropy",
        epochs: int | None = None,
        batch_size: int = 16,
        learning_rate: float | None = None,
        learning_rate_decay: float | None = None,
        sigma: float | None = None,
        standardise: bool = True,
        validation_fraction: float = 0.0,
        settings: Mapping[str, UserValue] | None = None,
        random_state: UserValue = None,
    ) -> None:
        self.hidden = hidden
        self.scheme = scheme
        self.level = level
        self.engine = engine
        self.readout = readout
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_decay = learning_rate_decay
        self.sigma = sigma
        self.standardise = standardise
        self.validation_fraction = validation_fraction
        self.settings = settings
        self.random_state = random_state

    @property
    def model_(self) -> Model:
        """The fitted model; before a fit, the model that the parameters describe."""
        fit: _Fit | None = getattr(self, "_fit", None)
        sections = sections_of(checked(self.get_params(deep=False))) if fit is None else json.loads(fit.sections)
        return load(sections, data_given=True)

    @property
    def circuit_(self) -> Any:
        """The fitted circuit."""
        check_is_fitted(self)
        return self._fit.engine.circuit

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_fit")

    def _refitted(self, X: UserValue, y: UserValue) -> Self:
        """The same estimator after a fit; a fit that fails leaves it unchanged."""
        fresh = copy.copy(self)
        for name in [name for name in vars(fresh) if name == "_fit" or name.endswith("_")]:
            delattr(fresh, name)
        fresh._learn(X, y)
        vars(self).clear()
        vars(self).update(vars(fresh))
        return self

    def _learn(self, X: UserValue, y: UserValue) -> None:
        """Set all attributes of a fit."""
        raise NotImplementedError

    def _train(self, inputs: np.ndarray, targets: np.ndarray, classes: np.ndarray | None) -> None:
        """Learn from inputs (n, d) and classes (n,), or targets (n, k) in their own units."""
        given = checked(self.get_params(deep=False))
        self.seed_ = seed_of(self.random_state)
        labels = None if classes is None else targets
        fraction, names = given["validation_fraction"], None if classes is None else classes.tolist()
        kept, held_out = _split(len(inputs), labels, fraction, self.seed_, names)
        self.mean_, self.scale_ = column_moments(inputs, kept, given["standardise"])
        made = in_units("X", inputs, self.mean_, self.scale_)
        if classes is None:
            self.target_mean_, self.target_scale_ = column_moments(targets, kept, given["standardise"])
            outputs = in_units("y", targets, self.target_mean_, self.target_scale_)
        else:
            outputs = _one_hot(targets, len(classes))

        def part(rows: np.ndarray) -> Split:
            return Split(made[rows], outputs[rows], None if labels is None else labels[rows])

        trained, judged = part(kept), part(held_out)
        kind = "regression" if labels is None else "classification"
        # Testing is up to the caller; here the last evaluation uses the data at hand.
        task = Task("data", trained, judged, judged if len(judged) else trained, kind=kind)
        sections = sections_of(given, len(trained))
        model = load(sections, data_given=True)
        readout: str = getattr(model.network, "readout", self.readout)
        refuse_targets(readout, task)
        config = model.training.model_copy(update={"batch_size": min(model.training.batch_size, len(trained))})
        fit = _Fit(json.dumps(sections, sort_keys=True), Sizes(task.n_inputs, task.n_outputs), readout)
        with translated():
            result = train(fit.engine, task, config, seed=self.seed_, on_epoch=[_warning(fit.engine, config)])
        self.state_, self.history_ = result.state, result.history
        self.loss_ = result.test.loss
        self.loss_curve_ = [float(loss) for loss in result.history.train_loss.values[1:]]
        self.n_iter_ = len(self.loss_curve_)
        self._fit = fit

    def _outputs(self, X: UserValue) -> np.ndarray:
        check_is_fitted(self)
        refuse_no_inputs(X)
        inputs = np.asarray(validate_data(self, X, reset=False, dtype=np.float64))
        made = in_units("X", inputs, self.mean_, self.scale_)
        with translated():
            return answers(self._fit.engine, self.state_, made).astype(np.float64)


def _warning(engine: Engine, config: Config) -> Callable[[EpochReport], None]:
    """Warns of what a measurement says goes wrong."""
    troubles = Troubles(engine.circuit, config)

    def warn(report: EpochReport) -> None:
        for text in troubles.add(report):
            warnings.warn(text, NeurosimWarning, stacklevel=2)

    return warn


@functools.lru_cache(maxsize=64)
def _engine_of(sections: str, sizes: Sizes, *modules: Any) -> Engine:
    """The engine for a model and sizes. Modules of files of one's own that are registered again are new ones."""
    model = load(json.loads(sections), data_given=True)
    return make_engine(model.engine, model.build(sizes), model.training.optimiser)


def _split(
    count: int, labels: np.ndarray | None, fraction: float, seed: int, names: Sequence[UserValue] | None
) -> tuple[np.ndarray, np.ndarray]:
    rows = np.arange(count)
    if not fraction:
        return rows, rows[:0]
    generator = stream(seed, "validation")
    alike = np.zeros(count, dtype=int) if labels is None else labels
    return _stratified(rows, alike, fraction, generator, "validation_fraction", names)


def column_moments(array: np.ndarray, rows: np.ndarray, wanted: bool) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each column; 0 and 1 unless `wanted`."""
    count = array.shape[1]
    return moments(array, rows, count) if wanted else (np.zeros(count), np.ones(count))


def in_units(name: str, array: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Numbers in the units of the network."""
    numbers = scaled(array, mean, scale)
    if fault := lost(array, numbers, mean, scale):
        raise ConfigError(f"{name}: expected, {fault}")
    return numbers
