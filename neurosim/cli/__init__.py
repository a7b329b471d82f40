"""The command line: `verbs` says what there is, `printing` what it looks like, `net` what becomes of errors."""

from __future__ import annotations

from neurosim.cli.verbs import app as app
from neurosim.cli.verbs import main as main
