"""What the tests of the house look at: its modules, their sources and what they import."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import apscheduler_lite

PACKAGE = Path(apscheduler_lite.__file__).parent
SOURCES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.name != "__main__.py"
}
MODULES = list(SOURCES)


def imports_of(module: str) -> set[str]:
    """Return the absolute names of all that the module imports when it runs, wherever in it the statement stands."""
    path = SOURCES[module]
    package = (module if path.name == "__init__.py" else module.rpartition(".")[0]).split(".")
    found: set[str] = set()
    for node in statements(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*parents, *([node.module] if node.module else [])])
            found.update([source, *(f"{source}.{alias.name}" for alias in node.names)])
    return found


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes below this one, leaving out what only a type checker reads."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        yield child
        yield from statements(child)
