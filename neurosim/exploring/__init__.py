"""One neuron at a glance: trace, phase plane, f-I curve and fixed points, with sliders in a notebook."""
