"""Learning from data: epochs, evaluation, and what is measured on the way."""
