"""Networks whose feedback learns, as scikit-learn's estimators: over any scheme, level and engine.

Whatever a model file may say is in ``settings``, with the sections of a model file; the parameters beside it are those
that one changes most. (Over 300 lines: a third is what scikit-learn's users read about parameters, written out for each
estimator because it looks for them there.)
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from neurosim import registry
from neurosim.engines.state import State
from neurosim.errors import ConfigError
from neurosim.experiments.engine import make_engine
from neurosim.experiments.model_file import Model, load
from neurosim.experiments.variants import merged
from neurosim.random import stream
from neurosim.tasks._task import Sizes, Split, Task, _one_hot, _stratified
from neurosim.training.evaluation import answers
from neurosim.training.loop import train

if TYPE_CHECKING:
    import xarray

# What spiking neurons need to be driven at all, as in the model lansdell2020/spiking_digits.
_SPIKING: dict[str, Any] = {
    "weights": 3.0,
    "neuron": {"kind": "lif", "sigma": 0.3, "tau_r": "20 ms", "width": 0.15},
    "output_neuron": {"kind": "leaky_rate", "activation": "identity", "tau_m": "20 ms"},
}


class _NeurosimEstimator(BaseEstimator):
    """What classifier and regressor share."""

    if TYPE_CHECKING:
        # Set by fit.
        n_features_in_: int
        state_: State
        history_: xarray.Dataset
        seed_: int

    def __init__(
        self,
        hidden: Sequence[int] = (48, 32),
        *,
        scheme: str = "node_perturbation",
        level: Literal["steady", "rate", "spiking"] = "steady",
        engine: Literal["batched", "brian"] = "batched",
        readout: str = "cross_entropy",
        epochs: int = 30,
        batch_size: int = 16,
        learning_rate: float = 0.1,
        learning_rate_decay: float = 1.0,
        sigma: float | None = None,
        standardise: bool = True,
        validation_fraction: float = 0.0,
        settings: Mapping[str, Any] | None = None,
        random_state: Any = None,
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
        """The checked model that the parameters describe."""
        return load(self._sections(), data_given=True)

    @property
    def circuit_(self) -> Any:
        """The circuit that was fitted."""
        check_is_fitted(self)
        return self._engine().circuit

    def _sections(self) -> dict[str, Any]:
        """The sections of a model file."""
        network: dict[str, Any] = {"hidden": [int(n) for n in self.hidden], "readout": self.readout}
        if self.level == "spiking":
            network |= _SPIKING
        sections: dict[str, Any] = {
            "network": network,
            "scheme": {"kind": self.scheme, "learning_rate": float(self.learning_rate)},
            "engine": {"kind": self.engine, "level": self.level},
            "training": {
                "epochs": int(self.epochs),
                "batch_size": int(self.batch_size),
                "learning_rate_decay": float(self.learning_rate_decay),
                "measure_every": 0,
            },
        }
        sections = merged(sections, self.settings or {})
        if self.sigma is not None:
            _set_sigma(sections, float(self.sigma))
        return sections

    def _engine(self) -> Any:
        model = self.model_
        modules = [registry.load("schemes", model.scheme_kind)]
        return _engine_of(json.dumps(self._sections(), sort_keys=True), self.n_features_in_, self._n_outputs, *modules)

    @property
    def _n_outputs(self) -> int:
        raise NotImplementedError

    def _fit(self, inputs: np.ndarray, targets: np.ndarray, labels: np.ndarray | None) -> None:
        if not 0 <= self.validation_fraction < 1:
            raise ConfigError(
                f"validation_fraction: got {self.validation_fraction}, expected 0 or more, and less than 1"
            )
        self.seed_ = _seed(self.random_state)
        kept, held_out = _split(len(inputs), labels, self.validation_fraction, self.seed_)
        # A column that never changes has nothing to divide by.
        self.mean_, self.scale_ = _moments(inputs[kept], self.standardise)
        inputs = (inputs - self.mean_) / self.scale_

        def part(rows: np.ndarray) -> Split:
            return Split(inputs[rows], targets[rows], None if labels is None else labels[rows])

        trained = part(kept)
        kind = "regression" if labels is None else "classification"
        judged = part(held_out)
        # A test is the caller's affair; here the last evaluation says what the data at hand give.
        task = Task("data", trained, judged, judged if len(judged) else trained, kind=kind)
        model = self.model_
        config = model.training.model_copy(update={"batch_size": min(model.training.batch_size, len(trained))})
        result = train(self._engine(), task, config, seed=self.seed_)
        self.state_, self.history_ = result.state, result.history
        self.loss_ = result.test.loss
        self.loss_curve_ = [float(loss) for loss in result.history.train_loss.values[1:]]
        self.n_iter_ = len(self.loss_curve_)

    def _answers(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        inputs = np.asarray(validate_data(self, X, reset=False, dtype=np.float64))
        return answers(self._engine(), self.state_, (inputs - self.mean_) / self.scale_).astype(np.float64)


def _gives_probabilities(estimator: Any) -> bool:
    if estimator.readout != "cross_entropy":
        raise AttributeError(
            f"predict_proba needs readout='cross_entropy', got '{estimator.readout}', whose outputs are no "
            "probabilities; decision_function has them"
        )
    return True


class NeurosimClassifier(ClassifierMixin, _NeurosimEstimator):
    """A network that learns classes by any scheme of credit assignment, on any level and engine.

    Parameters
    ----------
    hidden
        Sizes of the hidden layers.
    scheme, level, engine, readout
        As in a model file: names of ``neurosim list schemes`` and ``readouts``; the level ``steady``, ``rate`` or
        ``spiking``; the engine ``batched`` or ``brian``. With ``spiking`` the neurons are those of the model
        ``lansdell2020/spiking_digits``, unless `settings` say otherwise.
    epochs, batch_size, learning_rate, learning_rate_decay
        As in a model file; a batch is at most all of the data.
    sigma
        Standard deviation of the noise with which schemes perturb; by default that of neuron or scheme.
    standardise
        Centre and scale each input by the training data.
    validation_fraction
        Share of the data that is held out to follow learning, in `history_`. Nothing is chosen by it.
    settings
        All else, as the sections of a model file: ``{"scheme": {"topology": "direct"}}``. A table that names a
        ``kind`` replaces the component whole.
    random_state
        An integer is the seed of the run; a RandomState draws one.

    Attributes
    ----------
    classes_, n_features_in_, feature_names_in_
        Of the data.
    state_
        Weights and parameters, see `neurosim.engines.state`.
    history_
        What was measured in each epoch, an `xarray.Dataset`.
    loss_, loss_curve_, n_iter_
        The last evaluation, on held-out data if there are any; the loss while learning in each epoch; how many epochs.
    model_, circuit_
        The model that the parameters describe, and the circuit that was fitted.
    seed_
        The seed that was used.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> float(NeurosimClassifier((16,), random_state=0).fit(X, y).score(X, y)) > 0.9
    True
    """

    if TYPE_CHECKING:
        classes_: np.ndarray

    def fit(self, X: Any, y: Any) -> NeurosimClassifier:
        """Learn from inputs ``(n, d)`` and labels ``(n,)``.

        Raises
        ------
        ValueError
            Data of one class only, or that are no numbers.
        ConfigError
            Parameters that do not fit.
        NumericalError
            If learning diverges.
        """
        inputs, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(column_or_1d(labels, warn=True), return_inverse=True)
        if len(self.classes_) < 2:
            raise ConfigError(f"y: got 1 class ({self.classes_[0]!r}), expected at least two classes to tell apart")
        self._fit(np.asarray(inputs), _one_hot(codes, len(self.classes_)), codes)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The class of each input, shape ``(n,)``."""
        found = self._answers(X)
        return self.classes_[found.argmax(axis=1)]

    def decision_function(self, X: Any) -> np.ndarray:
        """The outputs, shape ``(n, classes)``; of two classes the difference, shape ``(n,)``."""
        found = self._answers(X)
        return found[:, 1] - found[:, 0] if len(self.classes_) == 2 else found

    @available_if(_gives_probabilities)
    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, shape ``(n, classes)``: the softmax of the outputs."""
        found = self._answers(X)
        weights = np.exp(found - found.max(axis=1, keepdims=True))
        return weights / weights.sum(axis=1, keepdims=True)

    @property
    def _n_outputs(self) -> int:
        return len(self.classes_)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "state_")


class NeurosimRegressor(RegressorMixin, _NeurosimEstimator):
    """A network that learns numbers by any scheme of credit assignment, on any level and engine.

    Parameters
    ----------
    hidden, scheme, level, engine, readout, epochs, batch_size, learning_rate, learning_rate_decay, sigma
        As for `NeurosimClassifier`.
    standardise
        Concerns the targets, too: the network learns them in units of their standard deviation, and answers in their
        own. `loss_` and `history_` are in the network's units.
    validation_fraction, settings, random_state
        As for `NeurosimClassifier`.

    Examples
    --------
    >>> X = np.linspace(-1, 1, 100)[:, None]
    >>> float(NeurosimRegressor((16,), random_state=0, epochs=300).fit(X, X[:, 0] ** 2).score(X, X[:, 0] ** 2)) > 0.8
    True
    """

    def __init__(
        self,
        hidden: Sequence[int] = (48, 32),
        *,
        scheme: str = "node_perturbation",
        level: Literal["steady", "rate", "spiking"] = "steady",
        engine: Literal["batched", "brian"] = "batched",
        readout: str = "squared_error",
        epochs: int = 30,
        batch_size: int = 16,
        learning_rate: float = 0.02,
        learning_rate_decay: float = 1.0,
        sigma: float | None = None,
        standardise: bool = True,
        validation_fraction: float = 0.0,
        settings: Mapping[str, Any] | None = None,
        random_state: Any = None,
    ) -> None:
        super().__init__(
            hidden,
            scheme=scheme,
            level=level,
            engine=engine,
            readout=readout,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_decay=learning_rate_decay,
            sigma=sigma,
            standardise=standardise,
            validation_fraction=validation_fraction,
            settings=settings,
            random_state=random_state,
        )

    def fit(self, X: Any, y: Any) -> NeurosimRegressor:
        """Learn from inputs ``(n, d)`` and targets ``(n,)`` or ``(n, k)``; see `NeurosimClassifier.fit`."""
        inputs, targets = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        targets = np.asarray(targets, dtype=np.float64)
        self._one_dimensional = targets.ndim == 1
        targets = targets.reshape(len(targets), -1)
        self.target_mean_, self.target_scale_ = _moments(targets, self.standardise)
        self._fit(np.asarray(inputs), (targets - self.target_mean_) / self.target_scale_, None)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The answers, shape ``(n,)`` or ``(n, k)`` as the targets were."""
        found = self._answers(X)
        found = found * self.target_scale_ + self.target_mean_
        return found[:, 0] if self._one_dimensional else found

    @property
    def _n_outputs(self) -> int:
        return len(self.target_mean_)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "state_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


@functools.lru_cache(maxsize=64)
def _engine_of(sections: str, n_inputs: int, n_outputs: int, *modules: Any) -> Any:
    """The engine for a model and sizes. Modules of files of one's own that are registered again are new ones."""
    model = load(json.loads(sections), data_given=True)
    return make_engine(model.engine, model.build(Sizes(n_inputs, n_outputs)), model.training.optimiser)


def _set_sigma(sections: dict[str, Any], sigma: float) -> None:
    """Where the noise is: in the scheme, if that says how much it injects, or in the hidden neurons."""
    scheme = registry.load("schemes", sections["scheme"]["kind"])
    if "sigma" in scheme.Config.model_fields:
        sections["scheme"]["sigma"] = sigma
        return
    neurons = sections["network"].get("neuron", {"kind": "leaky_rate"})
    several = isinstance(neurons, list | tuple)
    given = [dict(neuron, sigma=sigma) for neuron in (neurons if several else [neurons])]
    sections["network"]["neuron"] = given if several else given[0]


def _seed(random_state: Any) -> int:
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def _split(count: int, labels: np.ndarray | None, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rows = np.arange(count)
    if not fraction:
        return rows, rows[:0]
    generator = stream(seed, "validation")
    return _stratified(rows, np.zeros(count, dtype=int) if labels is None else labels, fraction, generator)


def _moments(array: np.ndarray, wanted: bool) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each column, or what changes nothing."""
    if not wanted:
        return np.zeros(array.shape[1]), np.ones(array.shape[1])
    mean, spread = array.mean(axis=0), array.std(axis=0)
    return mean, np.where(spread > 1e-12 * np.maximum(1.0, np.abs(mean)), spread, 1.0)
