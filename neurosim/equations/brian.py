"""What is used of Brian2. Only here and in the engine of that name it is imported, and here first.

Its import changes the process for the good of scripts that are written for it: it takes over `warnings`, reports every
error that ends a program as its own, and handles interrupts. Who imports it by way of neurosim has not asked for
that, so all of it is put back. Who imports Brian2 first gets it as it is.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import threading
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def process_as_it_was() -> Iterator[None]:
    """Put back what an import changes for the whole process."""
    main = threading.current_thread() is threading.main_thread()
    hook, show, set_signal = sys.excepthook, warnings.showwarning, signal.signal
    interrupt = signal.getsignal(signal.SIGINT)
    handlers = logging.getLogger("py.warnings").handlers[:]
    if not main:
        # Only the main thread may set a handler, and an import that tries fails in any other.
        signal.signal = lambda *_: None  # type: ignore[assignment, return-value]
    try:
        yield
    finally:
        signal.signal = set_signal
        if main and interrupt is not None:
            set_signal(signal.SIGINT, interrupt)
        sys.excepthook = hook
        if warnings.showwarning is not show:
            logging.captureWarnings(False)
            warnings.showwarning = show
        logging.getLogger("py.warnings").handlers[:] = handlers


with contextlib.nullcontext() if "brian2" in sys.modules else process_as_it_was():
    import brian2 as brian2
    from brian2.core.functions import DEFAULT_CONSTANTS as DEFAULT_CONSTANTS
    from brian2.core.functions import DEFAULT_FUNCTIONS as DEFAULT_FUNCTIONS
    from brian2.core.namespace import DEFAULT_UNITS as DEFAULT_UNITS
    from brian2.core.variables import Constant as Constant
    from brian2.core.variables import Variable as Variable
    from brian2.equations.equations import Equations as Equations
    from brian2.equations.equations import dimensions_and_type_from_string as dimensions_and_type_from_string
    from brian2.equations.refractory import add_refractoriness as add_refractoriness
    from brian2.parsing.expressions import is_boolean_expression as is_boolean_expression
    from brian2.parsing.expressions import parse_expression_dimensions as parse_expression_dimensions
    from brian2.parsing.rendering import NodeRenderer as NodeRenderer
    from brian2.parsing.sympytools import str_to_sympy as str_to_sympy
    from brian2.parsing.sympytools import sympy_to_str as sympy_to_str
    from brian2.stateupdaters.base import StateUpdateMethod as StateUpdateMethod
    from brian2.stateupdaters.base import UnsupportedEquationsException as UnsupportedEquationsException
    from brian2.units.fundamentalunits import DIMENSIONLESS as DIMENSIONLESS
    from brian2.units.fundamentalunits import DimensionMismatchError as DimensionMismatchError
    from brian2.units.fundamentalunits import get_dimensions as get_dimensions
    from brian2.units.fundamentalunits import get_unit_for_display as get_unit_for_display

if sys.modules.get("pylab", sys) is None:
    # The command line hides it from Brian2 alone.
    del sys.modules["pylab"]
