"""A laboratory for credit assignment in networks of rate and spiking neurons."""
