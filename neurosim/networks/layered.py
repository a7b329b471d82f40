"""Layers one above the other: plain, of feature maps or of pools, with skip connections past others.

Schemes call the functions of this module; `neurosim.networks.layers` defines them.
"""

from __future__ import annotations

from neurosim.networks._network import image_of as image_of
from neurosim.networks._network import neuron_of as neuron_of
from neurosim.networks._network import rule_of as rule_of
from neurosim.networks.layers.assembled import assembled as assembled
from neurosim.networks.layers.config import Config as Config
from neurosim.networks.layers.config import factor_of as factor_of
from neurosim.networks.layers.config import neuron_at as neuron_at
from neurosim.networks.layers.config import ports_of as ports_of
from neurosim.networks.layers.links import Link as Link
from neurosim.networks.layers.pathways import FeedbackEnd as FeedbackEnd
from neurosim.networks.layers.pathways import Topology as Topology
from neurosim.networks.layers.pathways import feedback_ends as feedback_ends
from neurosim.networks.layers.pathways import feedback_law as feedback_law
from neurosim.networks.layers.pathways import feedback_pathways as feedback_pathways
from neurosim.networks.layers.pathways import forward_pathways as forward_pathways
from neurosim.networks.layers.pathways import learning as learning
from neurosim.networks.layers.phases import change_holds as change_holds
from neurosim.networks.layers.phases import clean_phase as clean_phase
from neurosim.networks.layers.phases import error_hold as error_hold
from neurosim.networks.layers.phases import holds as holds
from neurosim.networks.layers.phases import learning_phases as learning_phases
from neurosim.networks.layers.phases import perturbed_phase as perturbed_phase
from neurosim.networks.layers.phases import perturbed_phases as perturbed_phases
from neurosim.networks.layers.populations import populations as populations
from neurosim.networks.layers.refusals import refuse_images as refuse_images
from neurosim.networks.layers.refusals import refuse_normalisation as refuse_normalisation
from neurosim.networks.layers.refusals import refuse_skips as refuse_skips
