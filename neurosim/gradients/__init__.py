"""True gradients by automatic differentiation, and how far from them what feedback delivers is."""
