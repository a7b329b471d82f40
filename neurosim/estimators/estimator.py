"""A classifier and a regressor for scikit-learn, with any scheme, level and engine.

``settings`` takes any section of a model file; the other parameters are those that change most often.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from neurosim.errors import ConfigError
from neurosim.estimators.data import refuse_no_inputs, refuse_no_labels, refuse_no_numbers
from neurosim.estimators.fitted import FittedNetwork
from neurosim.tasks._scaling import unscaled
from neurosim.untyped import UserValue


def _gives_probabilities(estimator: Any) -> bool:
    if hasattr(estimator, "_fit"):
        readout = estimator._fit.readout
    else:
        settings = estimator.settings if isinstance(estimator.settings, Mapping) else {}
        network = settings.get("network", {})
        readout = network.get("readout", estimator.readout) if isinstance(network, Mapping) else estimator.readout
    if readout != "cross_entropy":
        raise AttributeError(
            f"predict_proba needs readout='cross_entropy', got '{readout}', whose outputs are no probabilities; "
            "decision_function has them"
        )
    return True


class NeurosimClassifier(ClassifierMixin, FittedNetwork):
    """A network that learns classes by any scheme of credit assignment, on any level and engine.

    Parameters
    ----------
    hidden
        Sizes of the hidden layers, or the size of a single one.
    scheme, level, engine, readout
        As in a model file: names of ``neurosim list schemes`` and ``readouts``; the level ``steady``, ``rate`` or
        ``spiking``; the engine ``batched`` or ``brian``. With ``spiking`` the neurons are those of the model
        ``lansdell2020/spiking_digits``, unless `settings` say otherwise.
    epochs
        Passes through the data; by default as many as make 3,000 updates of the weights, at least 20 and at most 200.
    batch_size, learning_rate, learning_rate_decay
        As in a model file, in which no rate means Adam with small steps; a batch is at most the whole data set.
    sigma
        Standard deviation of the perturbing noise; by default that of the neuron or the scheme, and without a learning
        rate, at the level ``steady``, less the more hidden neurons there are.
    standardise
        Whether to centre and scale each input by the training data.
    validation_fraction
        Fraction of the data held out to follow learning, in `history_`. Nothing is chosen by it.
    settings
        All other settings, as sections of a model file: ``{"scheme": {"topology": "direct"}}``. A table that names a
        ``kind`` replaces the component whole.
    random_state
        An integer is the seed of the run; a RandomState or Generator draws one.

    Attributes
    ----------
    classes_, n_features_in_, feature_names_in_
        Properties of the data.
    state_
        Weights and parameters, see `neurosim.engines.state`.
    history_
        Measurements of each epoch, an `xarray.Dataset`.
    loss_, loss_curve_, n_iter_
        The last evaluation, on held-out data if there are any; the training loss of each epoch; the number of epochs.
    model_, circuit_
        The fitted model and circuit. Changing parameters afterwards changes neither them nor predictions, and a fit
        that fails keeps the previous one.
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

    def fit(self, X: UserValue, y: UserValue) -> NeurosimClassifier:
        """Learn from inputs ``(n, d)`` and labels ``(n,)``.

        Raises
        ------
        ValueError
            The data have one class only, or are no numbers.
        ConfigError
            Faulty parameters.
        NumericalError
            Learning diverges.
        """
        return self._refitted(X, y)

    def _learn(self, X: UserValue, y: UserValue) -> None:
        refuse_no_inputs(X)
        refuse_no_labels(y)
        inputs, labels = validate_data(self, X, y, dtype=np.float64)
        labels = column_or_1d(labels, warn=True)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ConfigError(f"y: got 1 class ({self.classes_[0]!r}), expected at least two classes to tell apart")
        self._train(np.asarray(inputs), codes, self.classes_)

    def predict(self, X: UserValue) -> np.ndarray:
        """The class of each input, shape ``(n,)``."""
        outputs = self._outputs(X)
        return self.classes_[outputs.argmax(axis=1)]

    def decision_function(self, X: UserValue) -> np.ndarray:
        """The outputs, shape ``(n, classes)``; for two classes their difference, shape ``(n,)``."""
        outputs = self._outputs(X)
        return outputs[:, 1] - outputs[:, 0] if len(self.classes_) == 2 else outputs

    @available_if(_gives_probabilities)
    def predict_proba(self, X: UserValue) -> np.ndarray:
        """The probability of each class, shape ``(n, classes)``: the softmax of the outputs."""
        outputs = self._outputs(X)
        weights = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return weights / weights.sum(axis=1, keepdims=True)


class NeurosimRegressor(RegressorMixin, FittedNetwork):
    """A network that learns a regression by any scheme of credit assignment, on any level and engine.

    Parameters
    ----------
    hidden, scheme, level, engine, readout, epochs, batch_size, learning_rate, learning_rate_decay, sigma
        As for `NeurosimClassifier`.
    standardise
        Concerns the targets, too: the network learns them in units of their standard deviation in the training data,
        and answers in their own. `loss_` and `history_` are in the network's units.
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
        hidden: Sequence[int] | int = (48, 32),
        *,
        scheme: str = "node_perturbation",
        level: Literal["steady", "rate", "spiking"] = "steady",
        engine: str = "batched",
        readout: str = "squared_error",
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

    def fit(self, X: UserValue, y: UserValue) -> NeurosimRegressor:
        """Learn from inputs ``(n, d)`` and targets ``(n,)`` or ``(n, k)``; see `NeurosimClassifier.fit`."""
        return self._refitted(X, y)

    def _learn(self, X: UserValue, y: UserValue) -> None:
        refuse_no_inputs(X)
        refuse_no_numbers("y", y)
        inputs, targets = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        targets = np.asarray(targets, dtype=np.float64)
        self._one_dimensional = targets.ndim == 1
        targets = targets.reshape(len(targets), -1)
        self._train(np.asarray(inputs), targets, None)

    def predict(self, X: UserValue) -> np.ndarray:
        """The predictions, shape ``(n,)`` or ``(n, k)`` like the targets."""
        outputs = unscaled(self._outputs(X), self.target_mean_, self.target_scale_)
        return outputs[:, 0] if self._one_dimensional else outputs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
