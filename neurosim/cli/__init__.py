"""The command line: verbs in `verbs`, output in `printing`, errors in `net`."""

from __future__ import annotations

from neurosim.cli.verbs import app as app
from neurosim.cli.verbs import main as main
