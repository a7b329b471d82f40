"""Text to equations: Brian2's language, read, checked and made into code on arrays."""

import sys

_hook = sys.excepthook
_loaded = "brian2" in sys.modules

import brian2  # noqa: E402, F401

if sys.modules.get("pylab", sys) is None:
    # The command line hides it from Brian2 alone.
    del sys.modules["pylab"]
if not _loaded:
    # Brian2 reports every error that ends a program as its own, whoever made it. Who imports it first gets that.
    sys.excepthook = _hook
