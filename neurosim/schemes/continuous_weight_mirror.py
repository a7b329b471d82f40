"""Weight mirror in continuous time: slow noise in the layers below, and what the layers above make of it.

Every hidden neuron carries Ornstein-Uhlenbeck noise in a mirror phase, or always. A feedback synapse averages what its
postsynaptic neuron shows of its own noise times how far its presynaptic neuron is from its running mean (Akrout,
Wilson, Humphreys, Lillicrap & Tweed 2019, NeurIPS; always on: Max et al. 2024, Nature Machine Intelligence).

The membrane of the presynaptic neuron lags behind: for noise of correlation time ``tau_x`` at the rate and a membrane
of ``tau_m`` the mean of the product is ``tau_x/(tau_x + tau_m)`` times the variance and the transposed weight. That
rescales all weights of a neuron alike. `neurosim.schemes._continuous.covariance` computes it, with all other filters,
and `normalised` divides by it, for leaky rate neurons.

For spiking neurons the factor is the deviation of the neuron's own filtered spike train from its mean. Neurons that
fire more vary more, and their weights would be larger by that; `normalised` divides by each neuron's running variance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import PERTURB, Pathway, Phase, Population
from neurosim.errors import CircuitError
from neurosim.networks import Relation, Sized, layered
from neurosim.neurons._model import NeuronModel
from neurosim.neurons._quantities import TimeConstant
from neurosim.schemes import _continuous
from neurosim.schemes._continuous import Filters, covariance
from neurosim.units import format_quantity, parse_quantity
from neurosim.untyped import Array

GRADIENT = Relation.LIMIT
NETWORKS = (layered.Config,)
#: Why not on other networks, by their kind.
NOT_ON = {
    "recurrent": (
        "a mirror lies between two layers that settle, and recurrent neurons answer their own past; use scheme.kind = "
        "'eprop', with feedback = 'mirror'"
    ),
}

#: Switches: whether the mirror's running means go on, and whether the input shows its stimulus.
MIRROR, SHOWN = "mirror", "shown"


class Config(BaseModel):
    """Settings of the weight mirror in continuous time.

    Attributes
    ----------
    mode
        ``phase``: after each stimulus a mirror phase, in which the input is silent, noise is on, and only feedback
        learns; ``always``: one phase in which everything happens.
    factor
        What a neuron shows of its noise: the ``noise`` itself, or the ``deviation`` of its output from its running
        mean, for which nobody has to know the noise. Only the former keeps several noisy layers apart.
    trace
        Whether the factor is filtered like the membrane above, which then lags no more behind it; a delay costs less.
    normalised
        Whether weights settle at ``amp/decay`` times the transposed weights, because the factor is divided by the
        noise's variance (of a deviation, by its running variance, neuron by neuron) and by what filters take away.
        Otherwise it is the noise as it enters, or the deviation as it is.
    carry
        Whether state carries over from one presentation to the next; otherwise each starts from rest.
    learning_rate, feedback_learning_rate
        Learning rates of forward and feedback weights per second, for the mean over a batch.
    amp, decay
        Coefficients of the feedback weights' primitives.
    feedback_weights
        Standard deviation of the initial feedback weights times the root of the number of neurons they reach.
    tau_noise, tau_mean
        Correlation time of the noise; time constant of running means and variances.
    least_variance
        Added to a running variance before it divides.
    background
        Constant part of the noise of all layers, in units of the neuron's sigma: it brings spiking neurons to their
        threshold in a mirror phase.
    delay, delay_stages
        Mean conduction delay of the response, there and back, and how many low-passes in a row make it up: the more,
        the sharper.
    duration, mirror_duration
        Durations of a presentation and of the mirror phase after it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    mode: Literal["phase", "always"] = "phase"
    factor: Literal["noise", "deviation"] = "noise"
    trace: bool = True
    normalised: bool = True
    carry: bool = True
    learning_rate: PositiveFloat = 1.0
    feedback_learning_rate: PositiveFloat = 0.5
    amp: PositiveFloat = 1.0
    decay: PositiveFloat = 1.0
    feedback_weights: NonNegativeFloat = 1.0
    tau_noise: TimeConstant = "20 ms"
    tau_mean: TimeConstant = "200 ms"
    least_variance: PositiveFloat = 1e-3
    background: NonNegativeFloat = 0.0
    delay: TimeConstant | None = None
    delay_stages: int = Field(default=10, gt=0, le=100)
    duration: str = "100 ms"
    mirror_duration: str = "100 ms"


def build(config: Config, network: layered.Config, task: Sized) -> Circuit:
    """Rules act at every step; where there is a mirror phase, feedback learns in it and the rest before it.

    Raises
    ------
    CircuitError
        With feedback to the input, which has no noise of its own here.
    """
    if network.feedback_to_input:
        raise CircuitError.at("network.feedback_to_input", "got true, expected false with 'continuous_weight_mirror'")
    layered.refuse_normalisation(network, "a trace of noise cannot be turned into one of the drive")
    layered.refuse_skips(network, "layers also answer to what noise further down makes of the layers in between")
    layers = network.hidden_layers
    plain = layered.populations(network, task, noise=False)
    populations = {p.name: _silenced(p) if p.name == "input" else _continuous.named_now(p) for p in plain}
    models = {name: populations[name].neuron for name in (*layers, "output")}
    for layer in layers:
        above = _continuous.layers_above(models, layer)[0]
        populations[layer] = _mirrored(populations[layer], config, above)
    for name in (*layers[1:], "output"):
        populations[name] = _responding(populations[name], config)
    if config.background:
        populations["output"] = replace(
            populations["output"], bind={**populations["output"].bind, "noise": f"{config.background}"}
        )
    forward = tuple(_from_shown(p) for p in layered.forward_pathways(network, config.learning_rate, "step_delta"))
    settings: dict[str, Any] = {
        "rule": layered.rule_of("step_mirror"),
        "parameters": {"learning_rate": config.feedback_learning_rate, "c_amp": config.amp, "c_decay": config.decay},
        "initial": layered.feedback_law(network, config.feedback_weights),
    }
    feedback = layered.feedback_pathways(network, "layerwise", settings)
    return layered.assembled(
        "continuous_weight_mirror",
        network,
        tuple(populations.values()),
        (*forward, *feedback),
        _phases(config, layered.learning(forward), layered.learning(feedback)),
        carry=config.carry,
    )


def _phases(config: Config, forward: tuple[str, ...], feedback: tuple[str, ...]) -> tuple[Phase, ...]:
    mirroring = {PERTURB: 1.0, MIRROR: 1.0}
    if config.mode == "always":
        return (Phase("always", config.duration, {**mirroring, SHOWN: 1.0}, learn=(*forward, *feedback)),)
    engaged = Phase("engaged", config.duration, {SHOWN: 1.0}, learn=forward)
    return engaged, Phase("mirror", config.mirror_duration, mirroring, learn=feedback)


def _silenced(population: Population) -> Population:
    """The input, which shows its stimulus only where a switch is on."""
    seen = f"seen = {SHOWN}*{population.neuron.ports['output']} : 1\n{SHOWN} : 1 (shared)"
    return _continuous.named_now(replace(population, equations=seen), rate="seen")


def _from_shown(pathway: Pathway) -> Pathway:
    return replace(pathway, source="input.seen") if pathway.pre == "input" else pathway


def _mirrored(population: Population, config: Config, above: NeuronModel) -> Population:
    """A layer with noise, and what it shows of it."""
    neuron = population.neuron
    _continuous.require_noise(neuron)
    normaliser = _normaliser(neuron, config, above) if config.normalised else 1.0
    lines = ["dfluctuation/dt = -fluctuation/tau_noise + sqrt(2/tau_noise)*xi : 1"]
    values: dict[str, Any] = {"tau_noise": config.tau_noise, "normaliser": normaliser}
    if config.factor == "noise":
        source = "fluctuation/(sigma*normaliser)" if config.normalised else "sigma*fluctuation"
    else:
        output = neuron.ports["output"]
        lines.append(f"drunning_mean/dt = {MIRROR}*({output} - running_mean)/tau_mean : 1")
        lines.append(f"{MIRROR} : 1 (shared)")
        values["tau_mean"] = config.tau_mean
        source = f"({output} - running_mean)"
        if config.normalised:
            # The variance starts at one: from zero, it would let the first deviations count without measure.
            lines.append(f"dmissing/dt = {MIRROR}*(1 - {source}**2 - missing)/tau_mean : 1")
            values["least_variance"] = config.least_variance
            source += "/((1 - missing + least_variance)*normaliser)"
    if config.trace:
        lines.append(f"dtrace/dt = ({source} - trace)/tau_trace : 1")
        _continuous.membrane_of(above)
        values["tau_trace"] = above.parameters["tau_m"]
        source = "trace"
    lines.append(f"factor = {source} : 1")
    noise = f"fluctuation + {config.background}" if config.background else "fluctuation"
    return _extended(population, lines, values, {"noise": noise})


def _responding(population: Population, config: Config) -> Population:
    """A layer that tells how far it is from its running mean, after a delay if there is one."""
    signal, lines, values = population.neuron.ports["output"], [], {"tau_response": config.tau_mean}
    if config.delay is not None:
        values["tau_delay"] = format_quantity(_stage(config), "second")
        for number in range(1, config.delay_stages + 1):
            lines.append(f"dconducted{number}/dt = ({signal} - conducted{number})/tau_delay : 1")
            signal = f"conducted{number}"
    lines.append(f"dresponse_mean/dt = {MIRROR}*({signal} - response_mean)/tau_response : 1")
    lines.append(f"response = {signal} - response_mean : 1")
    if f"{MIRROR} : 1 (shared)" not in population.equations:
        lines.append(f"{MIRROR} : 1 (shared)")
    return _extended(population, lines, values, {})


def _extended(
    population: Population, lines: list[str], values: Mapping[str, Array], bind: Mapping[str, str]
) -> Population:
    return replace(
        population,
        equations="\n".join([population.equations, *lines]).strip(),
        parameters={**population.parameters, **values},
        bind={**population.bind, **bind},
        method="euler",
    )


def _stage(config: Config) -> float:
    assert config.delay is not None
    return parse_quantity(config.delay, "second") / config.delay_stages


def _normaliser(neuron: NeuronModel, config: Config, above: NeuronModel) -> float:
    """The mean of factor times response for a weight of one and noise of variance one; of a deviation, over its own."""
    noise, mean = parse_quantity(config.tau_noise, "second"), parse_quantity(config.tau_mean, "second")
    own = (_continuous.membrane_of(neuron),) if neuron.ports["site"] == neuron.ports["drive"] else ()
    membrane = _continuous.membrane_of(above)
    delay = () if config.delay is None else (_stage(config),) * config.delay_stages
    trace = (membrane,) if config.trace else ()
    response = Filters((*own, membrane, *delay), (mean,))
    if config.factor == "noise":
        return covariance(Filters(trace), response, noise)
    shown = Filters(own, (mean,))
    return covariance(Filters((*own, *trace), (mean,)), response, noise) / covariance(shown, shown, noise)
