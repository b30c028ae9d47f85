"""How the site is built: `make docs`. It needs no network, and opens from the file system."""

import sys
from pathlib import Path

import limitlab

sys.path[:0] = [str(Path(__file__).parent)]

project = "limitlab"
author = "limitlab developers"
version = release = limitlab.__version__
project_copyright = "limitlab developers, BSD-3-Clause"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_design",
    "make.pages",
    "make.mathml",
]
# gallery.md is the page that the repository shows; the site prints its own
exclude_patterns = ["gallery.md", "out"]
nb_execution_mode = "off"  # the notebooks are kept with their outputs, which the tests hold to
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

autodoc_member_order = "bysource"
add_module_names = False
autodoc_typehints = "none"  # the docstrings say shapes and units, which types do not
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True  # attributes are one list

html_theme = "pydata_sphinx_theme"
html_title = "limitlab"
# pages that stand alone have no section to be navigated
_ALONE = (
    "start",
    "concepts",
    "conventions",
    "validity",
    "printed/changelog",
    "printed/contributing",
)
html_sidebars = {page: [] for page in _ALONE}
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
