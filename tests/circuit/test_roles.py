"""What part a pathway plays: by its target's ports, or as it declares, and then printed."""

from __future__ import annotations

from neurosim import Circuit, Pathway, Phase, Population, registry
from neurosim.circuit.description import Role
from neurosim.circuit.roles import drives, role, with_role


def built(name: str) -> Population:
    module = registry.load("neurons", name)
    return Population(name, 2, module.build(module.Config()))


def circuit(**declared: Role | str) -> Circuit:
    pathways = (
        Pathway("up", "stimulus.r", "leaky_rate.drive"),
        Pathway("bias", "constant.r", "leaky_rate.drive"),
        Pathway("round", "leaky_rate.r", "leaky_rate.drive"),
        Pathway("back", "stimulus.r", "leaky_rate.feedback", role=declared.get("back")),  # type: ignore[arg-type]
        Pathway("noise", "stimulus.r", "leaky_rate.noise"),
    )
    return Circuit("c", tuple(map(built, ("stimulus", "constant", "leaky_rate"))), pathways, (Phase("p", "1 ms"),))


def test_the_ports_of_the_target_tell_the_role() -> None:
    made = circuit()
    roles = {pathway.name: role(made, pathway) for pathway in made.pathways}
    expected = {"up": "forward", "bias": "bias", "round": "recurrent", "back": "feedback", "noise": "other"}
    assert roles == expected
    assert {name for name in roles if drives(made, name)} == {"up", "bias", "round"}
    assert "  as " not in str(made)


def test_a_declared_role_counts_and_is_printed_where_ports_tell_another() -> None:
    made = circuit(back="lateral")
    assert role(made, "back") is Role.LATERAL and not with_role(made, Role.FEEDBACK)
    assert str(made) != str(circuit()) and "  as lateral" in str(made)
    assert str(circuit(back=Role.FEEDBACK)) == str(circuit())
