"""Feedback weights that align with forward weights: what the schemes that are sums of primitives share.

Between engaged phases, in which the task is presented, a mirror phase gives each layer noise of its own to send; the
layer above answers, and the feedback weights between the two learn from both (Akrout et al. 2019, NeurIPS; Kunin et al.
2020, ICML).
``x`` is what a layer sends, ``y`` the answer of the layer above, ``u = B y`` what the feedback weights make of it, and
``p = B^T x`` what they would make of x in reverse. Nothing here depends on how two layers are connected.
(Over 300 lines: one plan, whose parts all ask what the same loops are.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Hold, Initial, Pathway, Phase, Population, Tie, hold
from neurosim.networks import Part, Sized, layered
from neurosim.rules import _primitives
from neurosim.rules._moments import Timing
from neurosim.schemes._alignment import Alignment, Mirror


@dataclass(frozen=True)
class PathwayPair:
    """A forward pathway and the feedback pathway beside it: layer `below`, layer `above`."""

    feedback: str
    forward: str
    source: str
    target: str

    @property
    def below(self) -> str:
        return self.target.split(".")[0]

    @property
    def above(self) -> str:
        return self.source.split(".")[0]


def build(
    name: str,
    config: Alignment,
    coefficients: Mapping[str, float],
    network: layered.Config,
    task: Sized,
    *,
    timing: Timing = "phase_end",
) -> Circuit:
    """The circuit of a scheme that is a sum of primitives.

    Parameters
    ----------
    name
        The scheme's, which is also that of the feedback pathways' rule.
    coefficients
        Coefficients of its primitives, by their names.
    timing
        When the feedback pathways' rule acts.
    """
    plan = _Plan(config, coefficients, network)
    plan.refuse_mixtures()
    populations = tuple(plan.population(p) for p in layered.populations(network, task, noise=False))
    pathways = (*plan.forward(), *plan.feedback(name, timing), *plan.carrying(), *plan.means())
    if plan.means() and not network.bias:
        populations = (*populations, Population("one", 1, layered.neuron_of(Part(kind="constant"))))
    return layered.assembled(
        name,
        network,
        populations,
        pathways,
        plan.phases(),
    )


@dataclass(frozen=True)
class _Plan:
    """Which parts a scheme's circuit needs."""

    config: Alignment
    coefficients: Mapping[str, float]
    network: layered.Config

    @property
    def mirror(self) -> Mirror | None:
        """The settings of the activities, if any primitive reads them."""
        reads = {"amp", "null", "sparse"} & self.coefficients.keys()
        return self.config if reads and isinstance(self.config, Mirror) else None

    @property
    def noisy(self) -> bool:
        """Whether there are mirror phases."""
        return self.mirror is not None and self.mirror.source == "noise"

    @property
    def loops(self) -> tuple[PathwayPair, ...]:
        ends = layered.feedback_ends(self.network, "layerwise")
        return tuple(PathwayPair(name, link.forward, source, target) for name, source, target, link in ends)

    @property
    def turns(self) -> tuple[tuple[PathwayPair, ...], ...]:
        """The loops that learn in each mirror phase."""
        how = self.mirror.turns if self.mirror else "together"
        # A layer sends one noise to all loops it is in.
        senders = tuple(dict.fromkeys(loop.below for loop in self.loops))
        chosen = {
            "together": (senders,),
            "one_by_one": tuple((sender,) for sender in senders),
            "even_odd": (senders[::2], senders[1::2]),
        }[how]
        return tuple(tuple(loop for loop in self.loops if loop.below in turn) for turn in chosen if turn)

    def centred(self, loop: PathwayPair) -> tuple[str, ...]:
        """The roles (``x`` below, ``y`` above) whose running mean is subtracted in a loop."""
        if self.mirror is None or self.mirror.centring != "running":
            return ()
        return ("y",) if self.noisy and self.mirror.noise_reach == "private" else ("x", "y")

    def phases(self) -> tuple[Phase, ...]:
        forward = layered.learning(self.forward())
        late = {loop.forward for loop in self.loops} if self.config.update_forward and self.noisy else set()
        clean = layered.clean_phase(self.network, self.config.duration, [n for n in forward if n not in late])
        if not self.noisy:
            learn = (*clean.learn, *self._learning(self.loops))
            return (replace(clean, hold=(*clean.hold, *self._holds(self.loops)), learn=learn),)
        assert self.mirror is not None
        phases = [clean]
        for number, turn in enumerate(self.turns, start=1):
            several = len(self.turns) > 1
            phases.append(
                Phase(
                    f"mirror{number}" if several else "mirror",
                    self.mirror.mirror_duration,
                    {"mirror": 1.0, **({f"mirror_turn{number}": 1.0} if several else {})},
                    draw_noise=True,
                    hold=self._holds(turn),
                    learn=(*(loop.forward for loop in turn if loop.forward in late), *self._learning(turn)),
                    restart=self.mirror.restart,
                )
            )
        return tuple(phases)

    def forward(self) -> tuple[Pathway, ...]:
        """Weights and biases; they read what layers send, and with `update_forward` learn by the primitives, too."""
        pathways = []
        senders = {loop.below for loop in self.loops} | {"input"} if self.noisy else set()
        loops = {loop.forward: loop for loop in self.loops}
        for pathway in layered.forward_pathways(self.network, self.config.learning_rate):
            changed = replace(pathway, every=self.config.task_every)
            if pathway.pre in senders:
                changed = replace(changed, source=f"{pathway.pre}.mirror_sent")
            if self.config.update_forward and pathway.name in loops:
                layered.refuse_images(
                    self.network, "with update_forward, kernels would learn by sums and by means at once"
                )
                # Both directions move at the rate of the feedback.
                scale = self.config.feedback_learning_rate / self.config.learning_rate
                rule = _primitives.combined(
                    "symmetrised", *self.coefficients, base=layered.rule_of("delta"), of=_primitives.FORWARD
                )
                values = {_primitives.coefficient(n): scale * value for n, value in self.coefficients.items()}
                changed = replace(changed, rule=rule, parameters={**changed.parameters, **values})
            pathways.append(changed)
        return tuple(pathways)

    def feedback(self, rule: str, timing: Timing) -> tuple[Pathway, ...]:
        batch = self.mirror is not None and self.mirror.centring == "batch"
        plain = replace(layered.rule_of(rule), timing=timing)
        learned_by = _primitives.batch_centred(*self.coefficients) if batch else plain
        values = {_primitives.coefficient(name): value for name, value in self.coefficients.items()}
        settings: dict[str, Any] = {
            "rule": learned_by,
            "parameters": {"learning_rate": self.config.feedback_learning_rate, **values},
            "initial": layered.feedback_law(self.network, self.config.feedback_weights),
            "reduction": self.mirror.reduction if self.mirror else "mean",
            "every": self.config.mirror_every,
        }
        return layered.feedback_pathways(self.network, "layerwise", settings)

    def carrying(self) -> tuple[Pathway, ...]:
        """Pathways that use the feedback weights once more: back (u), in reverse (p), back and in reverse (q)."""
        pathways = []
        symmetrised = self.config.update_forward
        for loop in self.loops if self.mirror else ():
            number, below, above = loop.feedback[1:], loop.below, loop.above
            tie, reverse = Tie(loop.feedback), Tie(loop.feedback, transposed=True)
            if "null" in self.coefficients:
                pathways.append(Pathway(f"U{number}", f"{above}.mirror_answer", f"{below}.mirror_carried", tie=tie))
            if "sparse" in self.coefficients or ("amp" in self.coefficients and symmetrised):
                pathways.append(
                    Pathway(f"P{number}", f"{below}.mirror_shown", f"{above}.mirror_projected", tie=reverse)
                )
            if "null" in self.coefficients and symmetrised:
                pathways.append(
                    Pathway(f"Q{number}", f"{below}.mirror_carried", f"{above}.mirror_returned", tie=reverse)
                )
        return tuple(pathways)

    def means(self) -> tuple[Pathway, ...]:
        """Pathways from the unit that is always on, whose weights are running means."""
        assert self.mirror is not None or not any(self.centred(loop) for loop in self.loops)
        by_source = {
            self._mean(loop, role): Pathway(
                self._mean(loop, role),
                "one.r",
                f"{loop.below if role == 'x' else loop.above}.mirror_{role}_mean",
                rule=_primitives.running_mean(role),
                parameters={"learning_rate": self.mirror.centring_rate if self.mirror else 0.0},
                initial=Initial("constant", 0.0, None),
                every=self.config.mirror_every,
            )
            for loop in self.loops
            for role in self.centred(loop)
        }
        return tuple(by_source.values())

    def population(self, population: Population) -> Population:
        """A layer with what it shows to the feedback weights from above, and what it answers to those below."""
        if self.mirror is None or population.name == "one":
            return population
        name, lines = population.name, population.equations.splitlines()
        ports = layered.ports_of(self.network, name)
        below = next((loop for loop in self.loops if loop.below == name), None)
        above = next((loop for loop in self.loops if loop.above == name), None)
        changes: dict[str, Any] = {}
        if self.noisy and (below or name == "input"):
            added, changes = self._sent(name, ports["output"], below)
            lines += added
        if below:
            shown = "mirror_sent" if self.noisy else ports["output"]
            lines += _less_mean("shown", shown, "x", self.centred(below))
            lines += ["mirror_carried : 1"] if "null" in self.coefficients else []
        if above:
            answer = ports["output" if self.mirror.response == "rate" else "drive"]
            lines += _less_mean("answer", answer, "y", self.centred(above))
            targets = {pathway.target for pathway in self.carrying()}
            inputs = ("mirror_projected", "mirror_returned")
            lines += [f"{variable} : 1" for variable in inputs if f"{name}.{variable}" in targets]
        return replace(population, equations="\n".join(lines), **changes)

    def _sent(self, name: str, output: str, loop: PathwayPair | None) -> tuple[list[str], dict[str, Any]]:
        """Lines that a layer sends up: its activity, in mirror phases its noise; none if no feedback reaches it."""
        assert self.mirror is not None
        lines = ["mirror : 1 (shared)"]
        passed = [output] if self.mirror.noise_reach == "propagating" and name != "input" else []
        changes: dict[str, Any] = {}
        if loop is not None:
            drawn = ("mirror_noise",) if self.mirror.noise_law == "normal" else ("mirror_noise", "mirror_noise_too")
            # For two normal numbers a and b, exp(-(a^2 + b^2)/2) is uniform: Box and Muller's transformation, inverted.
            unit = {
                "normal": "mirror_noise",
                "uniform": "sqrt(3)*(2*exp(-0.5*(mirror_noise**2 + mirror_noise_too**2)) - 1)",
            }[self.mirror.noise_law]
            factors = ["mirror_sd", unit]
            if len(self.turns) > 1:
                number = next(n for n, turn in enumerate(self.turns, start=1) if loop in turn)
                factors.insert(0, f"mirror_turn{number}")
                lines.append(f"mirror_turn{number} : 1 (shared)")
            passed.append("*".join(factors))
            lines += [f"{variable} : 1" for variable in drawn]
            changes = {"noise": drawn, "parameters": {"mirror_sd": self.mirror.noise_sd}}
        shown = f" + mirror*({' + '.join(passed)})" if passed else ""
        return [*lines, f"mirror_sent = (1 - mirror)*{output}{shown} : 1"], changes

    def _holds(self, loops: Sequence[PathwayPair]) -> tuple[Hold, ...]:
        if self.mirror is None:
            return ()
        lines = []
        targets = {pathway.target for pathway in self.carrying()}
        for loop in loops:
            lines += [f"{loop.below}.mirror_x = mirror_shown", f"{loop.above}.mirror_y = mirror_answer"]
            inputs = {"u": (loop.below, "carried"), "p": (loop.above, "projected"), "q": (loop.above, "returned")}
            for held, (layer, variable) in inputs.items():
                if f"{layer}.mirror_{variable}" in targets:
                    lines.append(f"{layer}.mirror_{held} = mirror_{variable}")
        return tuple(hold(line) for line in dict.fromkeys(lines))

    def _learning(self, loops: Sequence[PathwayPair]) -> tuple[str, ...]:
        names = (name for loop in loops for name in (loop.feedback, *(self._mean(loop, r) for r in self.centred(loop))))
        return tuple(dict.fromkeys(names))

    def _mean(self, loop: PathwayPair, role: str) -> str:
        """The pathway whose weights are a layer's running mean, called after the first loop it is in."""
        first = next(
            other for other in self.loops if (other.below == loop.below if role == "x" else other.above == loop.above)
        )
        return f"M{role}{first.feedback[1:]}"

    def refuse_mixtures(self) -> None:
        """Refuse skips that would mix the signals that two pathways learn from.

        Raises
        ------
        ConfigError
            Naming the setting of the layer.
        """
        if self.mirror is None:
            return
        if not self.noisy:
            why = "with scheme.source 'activity' layers that answer together are correlated"
            layered.refuse_skips(self.network, why)
        elif self.mirror.noise_reach == "propagating":
            why = "with scheme.noise_reach 'propagating' layers also answer to what the layers in between pass on"
            layered.refuse_skips(self.network, why)
        elif self.carrying():
            why = "a layer reads what all its feedback weights carry together, and each needs its own"
            layered.refuse_skips(self.network, why, but_identities=True)


def _less_mean(name: str, text: str, role: str, centred: Sequence[str]) -> list[str]:
    if role not in centred:
        return [f"mirror_{name} = {text} : 1"]
    return [f"mirror_{name} = {text} - mirror_{role}_mean : 1", f"mirror_{role}_mean : 1"]
