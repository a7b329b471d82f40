"""From a model file to a run folder."""
