"""Sphinx builds the site from the pages here, from docstrings, and from what the package itself declares."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

import neurosim
import neurosim.registry

project = "neurosim"
author = copyright = "The neurosim authors"
release = version = neurosim.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "mathml",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "generated_pages",
    "whole_pages",
]
exclude_patterns = ["_ext", "_static", "_templates"]
templates_path = ["_templates"]
html_math_renderer = "mathml"
# Source is shown of what has a page.
viewcode_enable_epub = False
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

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "dollarmath", "substitution"]
# Where the source is kept, if the package says so; else the source as these pages show it.
_urls = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"].get("urls", {})
_source = next((url for name, url in _urls.items() if name.lower() in ("source", "repository", "homepage")), "")
myst_substitutions = {
    "version": release,
    "n_schemes": str(len(neurosim.registry.names("schemes"))),
    "source": f"[Source]({_source})" if _source else "[Source](project:/generated/api/index.md#source)",
}
myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_raise_on_error = True
# Of a cell, against what hangs. What was run is kept beside the built site: only changed notebooks are run again.
nb_execution_timeout = 3600
nb_execution_cache_path = str(Path(__file__).parents[1] / "build" / "notebooks")
# A page has no kernel that sliders could ask; notebooks draw what they would show before them.
nb_ipywidgets_js = {}

# What is copied can be run: no prompts, and of a session only what was typed.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "pydata_sphinx_theme"
html_title = "neurosim"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
# Read by the switch of versions, from beside the folders in which versions are published.
html_extra_path = ["versions.json"]
html_theme_options = {
    "navigation_depth": 3,
    "show_toc_level": 2,
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "navbar_end": ["versions", "theme-switcher", "navbar-icon-links"],
    "icon_links": [{"name": "Source", "url": _source, "icon": "fa-solid fa-code-branch"}] if _source else [],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": True,
}
html_context = {"default_mode": "light"}
html_show_sourcelink = False
# Pages without others below them.
html_sidebars = {"*": [], "generated/gallery": [], "generated/circuit-files": []}
