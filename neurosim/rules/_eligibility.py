"""Texts of e-prop: eligibility times learning signal, at every step, summed over a presentation.

The eligibility of a synapse is how its weight has moved the output of the neuron behind it along that neuron's own
state alone (Bellec, Scherr, Subramoney, Hajek, Salaj, Legenstein & Maass 2020, Nature Communications 11:3625). What
that is depends on the neuron: `TERMS` has its text by the form of the neuron's dynamics. All variables are those of one
instant, the beginning of a step: a presynaptic filter then holds what was sent up to the step before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from neurosim.rules._rule import Rule

#: The form of a neuron's dynamics.
Form = Literal["rate", "rate_trace", "lif", "alif"]
#: Between a neuron's output and the error: nothing, a leaky output population, or a filter of the neuron's own.
Readout = Literal["instant", "leaky", "kept"]


@dataclass(frozen=True)
class EligibilityTerm:
    """The eligibility of a synapse.

    Attributes
    ----------
    value
        Its value, with ``{pre}`` for the presynaptic variable.
    updates, traces
        What the synapse has to keep for it.
    """

    value: str
    updates: str = ""
    traces: str = ""


#: By the form of the neuron. ``{pre}`` is a filtered rate; of `rate_trace`, the rate itself.
TERMS: dict[Form, EligibilityTerm] = {
    "rate": EligibilityTerm("local_gain_post*{pre}_pre"),
    "rate_trace": EligibilityTerm(
        "local_gain_post*eligibility",
        "eligibility += local_leak_post*eligibility + local_reach_post*{pre}_pre\n",
        "eligibility : 1\n",
    ),
    "lif": EligibilityTerm("psi_post*{pre}_pre"),
    "alif": EligibilityTerm(
        "psi_post*({pre}_pre - beta_post*slow)",
        "slow += psi_post*({pre}_pre - beta_post*slow) + (rho_post - 1)*slow\n",
        "slow : 1\n",
    ),
}


@dataclass(frozen=True)
class _Reach:
    """What an eligibility becomes on the way to the error."""

    value: str
    updates: str = ""
    traces: str = ""
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])


_REACHES: dict[Readout, _Reach] = {
    "instant": _Reach("{term}"),
    "leaky": _Reach(
        "filtered", "filtered += dt*({term} - filtered)/tau_out\n", "filtered : 1\n", parameters={"tau_out": None}
    ),
    "kept": _Reach(
        "(kappa_post*filtered + (1 - kappa_post)*{term})",
        "filtered += (1 - kappa_post)*({term} - filtered)\n",
        "filtered : 1\n",
    ),
}


def eprop(form: Form, *, pre: str = "", readout: Readout = "instant", name: str = "") -> Rule:
    """The rule of weights into a neuron.

    Parameters
    ----------
    form
        Of the neuron behind the synapse.
    pre
        The variable of the neuron before it: its rate (or spikes), filtered as the neuron behind filters what drives
        it; of the form ``rate_trace``, unfiltered.
    readout
        What is between the neuron's output and the error that comes back.
    name
        Of the rule.
    """
    term, reach = TERMS[form], _REACHES[readout]
    named = pre or ("r" if form == "rate_trace" else "zbar" if form.endswith("lif") else "rbar")
    value = term.value.format(pre=named)
    signal = reach.value.format(term=value)
    updates = term.updates.format(pre=named) + reach.updates.format(term=value)
    return Rule(
        f"{updates}w -= dt*learning_rate*learning_signal_post*{signal}",
        traces=(term.traces + reach.traces).strip(),
        parameters={"learning_rate": None, **reach.parameters},
        timing="integral",
        name=name or f"eprop_{form}",
    )


def rate_cost(form: Form, *, pre: str) -> tuple[Rule, Rule]:
    """The rules that bring a spiking neuron's mean rate towards a target: what the synapse keeps, and what it does.

    The mean eligibility of a presentation, unfiltered, times how far the mean rate is from the target, in spikes a time
    step (Bellec et al. 2020, with the mean over trials of the product in place of the product of means).

    Parameters
    ----------
    form, pre
        As of `eprop`.
    """
    term = TERMS[form].value.format(pre=pre)
    kept = Rule(
        f"mean_eligibility += dt/duration*({term})",
        traces=f"mean_eligibility : 1\n{TERMS[form].traces}".strip(),
        parameters={"duration": None},
        timing="integral",
        name="mean_eligibility",
    )
    acts = Rule(
        "w -= learning_rate*rate_cost*dt*(mean_rate_post - rate_target)*mean_eligibility",
        parameters={"learning_rate": None, "rate_cost": None, "rate_target": None},
        name="rate_cost",
    )
    return kept, acts


def readout_delta(pre: str = "r", *, name: str = "integral_delta") -> Rule:
    """The rule of weights into the output: its error times what it reads, at every step.

    Parameters
    ----------
    pre
        The variable that is read, filtered as the output filters what drives it.
    """
    text = f"w -= dt*learning_rate*error_post*{pre}_pre"
    return Rule(text, parameters={"learning_rate": None}, timing="integral", name=name)


def feedback_delta(post: str = "r", *, name: str = "integral_kolen_pollack") -> Rule:
    """The same step for the weight in the other direction.

    Parameters
    ----------
    post
        The variable that the output reads, filtered as the output filters it.
    """
    text = f"w -= dt*learning_rate*{post}_post*error_pre"
    return Rule(text, parameters={"learning_rate": None}, timing="integral", name=name)
