"""How Sphinx builds the manual. It needs no network: nothing of other projects is looked up."""

from importlib.metadata import version as version_of

project = "apscheduler-lite"
copyright = "2026, the apscheduler-lite authors"
version = release = version_of("apscheduler-lite")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "apscheduler-lite"

myst_heading_anchors = 3
# The README links to the pages as files; within the manual the same links are pages.
myst_all_links_external = False

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_typehints_format = "short"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
default_role = "any"

nitpicky = True
# Other people's names, which have no page here.
nitpick_ignore_regex = [
    (r"py:.*", r"(abc|asyncio|builtins|collections|concurrent|contextlib|datetime|logging|threading|typing)\..*"),
    (r"py:(class|exc|obj)", r"(Any|Callable|Iterable|Iterator|Mapping|Sequence|datetime|timedelta|tzinfo|optional)"),
]
