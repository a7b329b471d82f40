"""Sphinx builds the site from the pages here, from docstrings, and from what the package itself declares."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

import neurosim

project = "neurosim"
author = copyright = "The neurosim authors"
release = version = neurosim.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_design",
    "generated_pages",
]
exclude_patterns = ["_ext", "_static"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb", ".rst": "restructuredtext"}

# Single backticks in docstrings are names, not always of something that has a page.
default_role = "code"
highlight_language = "none"
nitpicky = True

autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autosummary_generate = False
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_raise_on_error = True
# Of a cell, against what hangs. What was run is kept beside the built site: only changed notebooks are run again.
nb_execution_timeout = 3600
nb_execution_cache_path = str(Path(__file__).parents[1] / "build" / "notebooks")
# A page has no kernel that sliders could ask; notebooks draw what they would show before them.
nb_ipywidgets_js = {}

html_theme = "pydata_sphinx_theme"
html_title = "neurosim"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {
    "navigation_depth": 3,
    "show_toc_level": 2,
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": True,
}
html_context = {"default_mode": "light"}
html_show_sourcelink = False
# Pages without others below them.
html_sidebars = {"*": []}
