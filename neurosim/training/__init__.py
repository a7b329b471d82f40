"""Training: epochs over the data, with evaluation and measurements in between."""
