"""What the layered network is made of: settings, links between layers, populations, pathways, phases."""
