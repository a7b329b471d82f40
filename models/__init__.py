"""The models that ship: one folder per paper, installed as neurosim.models."""
