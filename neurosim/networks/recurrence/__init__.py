"""Parts of the recurrent network: settings, weights, populations, pathways, the phase of a presentation."""
