"""Texts of the leaky rate neuron that normalises its drive; `leaky_rate` says what it is.

``mean`` and ``variance`` of the drive are taken over a feature map. ``offset_delta`` is the error at the offset, which
is added after the normalisation. ``delta``, the error at the drive, is the derivative through both means.
"""

from __future__ import annotations

#: Noise after the activation.
RATE = """
    dv/dt = (normal + offset - v)/tau_m : 1
    r = activation + perturb*sigma*noise : 1
    slope = derivative : 1
    da/dt = (feedback - a)/tau_a : 1
    driven = drive : 1
    offset_delta = passed_on : 1
    centred = driven - mean : 1
    scale = 1/sqrt(variance + 1e-5) : 1
    normal = centred*scale : 1
    delta = scale*(offset_delta - error_mean - normal*error_product) : 1
    offset : 1
    mean : 1
    variance : 1
    error_mean : 1
    error_product : 1
    drive : 1
    feedback : 1
    noise : 1
    perturb : 1 (shared)
"""
#: Noise as an input to the soma.
CURRENT = """
    dv/dt = (normal + offset - v)/tau_m : 1
    r = activation : 1
    slope = derivative : 1
    da/dt = (feedback - a)/tau_a : 1
    driven = drive + perturb*sigma*noise : 1
    offset_delta = passed_on : 1
    centred = driven - mean : 1
    scale = 1/sqrt(variance + 1e-5) : 1
    normal = centred*scale : 1
    delta = scale*(offset_delta - error_mean - normal*error_product) : 1
    offset : 1
    mean : 1
    variance : 1
    error_mean : 1
    error_product : 1
    drive : 1
    feedback : 1
    noise : 1
    perturb : 1 (shared)
"""
#: Of the drive, forward; of the error, back.
MEANS = {
    "mean": "driven_pre",
    "variance": "centred_pre**2",
    "error_mean": "offset_delta_pre",
    "error_product": "offset_delta_pre*normal_pre",
}
