"""Parts of the layered network: settings, links between layers, populations, pathways, phases."""
