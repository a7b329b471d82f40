"""Weight perturbation of an episode: the synapse's held noise times the change of the loss over the presentation."""

from neurosim.rules._rule import Rule

RULE = Rule(
    "w -= learning_rate*(total_loss - quiet_loss)*noise/sigma",
    parameters={"learning_rate": None},
    name="episode_weight_perturbation",
)
