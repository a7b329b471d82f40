"""Recurrent populations one behind the other, read out at every step: networks for tasks over time.

Schemes call the functions of this module; `neurosim.networks.recurrence` defines them.
"""

from __future__ import annotations

from neurosim.networks._network import neuron_of as neuron_of
from neurosim.networks._network import rule_of as rule_of
from neurosim.networks.recurrence.assembled import assembled as assembled
from neurosim.networks.recurrence.config import Config as Config
from neurosim.networks.recurrence.neurons import integrators as integrators
from neurosim.networks.recurrence.neurons import key_of as key_of
from neurosim.networks.recurrence.neurons import neuron_at as neuron_at
from neurosim.networks.recurrence.neurons import sent as sent
from neurosim.networks.recurrence.neurons import shown as shown
from neurosim.networks.recurrence.pathways import DrivingLink as DrivingLink
from neurosim.networks.recurrence.pathways import Place as Place
from neurosim.networks.recurrence.pathways import driving_pathways as driving_pathways
from neurosim.networks.recurrence.pathways import feedback_pathways as feedback_pathways
from neurosim.networks.recurrence.pathways import learning as learning
from neurosim.networks.recurrence.pathways import links as links
from neurosim.networks.recurrence.pathways import readout_of as readout_of
from neurosim.networks.recurrence.phases import presentation as presentation
from neurosim.networks.recurrence.populations import SIGNAL as SIGNAL
from neurosim.networks.recurrence.populations import populations as populations
from neurosim.networks.recurrence.populations import with_lines as with_lines
from neurosim.networks.recurrence.populations import with_signal as with_signal
