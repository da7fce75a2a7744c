"""How Sphinx builds the manual. It needs no network: nothing of other projects is looked up."""

from importlib.metadata import version as version_of

from sphinx.ext.napoleon import Config, GoogleDocstring

project = "apscheduler-lite"
copyright = "2026, the apscheduler-lite authors"
version = release = version_of("apscheduler-lite")

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "apscheduler-lite"

myst_heading_anchors = 3
# The README links to the pages as files; within the manual the same links are pages.
myst_all_links_external = False

autodoc_member_order = "bysource"
# The manual is built without the extras; their classes are described all the same.
autodoc_mock_imports = ["sqlalchemy"]
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_typehints_format = "short"
# A name in single backticks becomes a link where it has a page, and is plain code where it has none.
default_role = "any"
suppress_warnings = ["ref.any"]

nitpicky = True
nitpick_ignore_regex = [
    # Other people's names, which have no page here.
    (r"py:.*", r"(abc|asyncio|builtins|collections|concurrent|contextlib|datetime|logging|threading|typing)\..*"),
    # A sentence under "Raises" instead of a class.
    (r"py:exc", r".* .*"),
    # Names that are imported for the type checker alone, which Sphinx cannot look up.
    (r"py:(class|data|exc|obj)", r"[A-Za-z_]\w*"),
]


def read_sections(app, what, name, obj, options, lines):
    """Read a docstring's Google sections; a property's like a method's, whose first sentence may have a colon."""
    kind = "method" if what in {"attribute", "data", "property"} else what
    lines[:] = GoogleDocstring(list(lines), Config(napoleon_use_ivar=True), app, kind, name, obj, options).lines()


def setup(app):
    """Be called by Sphinx when it starts."""
    app.connect("autodoc-process-docstring", read_sections)
