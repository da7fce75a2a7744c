"""The pages that people read, cut into their blocks of code and their links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(page for page in ROOT.glob("docs/**/*.md") if "_build" not in page.parts)])

_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<info>[^`\n]*)$")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(?P<text>.*?) *$")
_LABEL = re.compile(r"^\((?P<label>[^)]+)\)=$")


@dataclass(frozen=True, slots=True)
class Block:
    """
    A fenced block of code.

    Attributes:
        info: what stands behind the opening fence, such as ``python``.
        line: number of the first line of the code.
        lines: the code, without the indentation of the fence.
    """

    info: str
    line: int
    lines: tuple[str, ...]

    @property
    def language(self) -> str:
        """Return the first word of the info string."""
        return self.info.split()[0] if self.info else ""


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page in their order."""
    found: list[Block] = []
    opened: re.Match[str] | None = None
    code: list[str] = []
    for number, line in enumerate(page.read_text().splitlines(), 1):
        fence = _FENCE.match(line)
        if opened is None:
            opened, code = fence, []
        elif fence and not fence["info"].strip() and fence["fence"].startswith(opened["fence"]):
            found.append(Block(opened["info"].strip(), number - len(code), tuple(code)))
            opened = None
        else:
            code.append(line[len(opened["indent"]) :])
    assert opened is None, f"{page.relative_to(ROOT)}: a block is not closed"
    return found


def program(page: Path) -> str:
    """Return the Python blocks of a page as one program in which each line keeps its number."""
    lines: list[str] = []
    for block in blocks(page):
        if block.info == "python":
            lines += [""] * (block.line - 1 - len(lines))
            lines += block.lines
    return "\n".join(lines) + "\n" if lines else ""


def prose(page: Path) -> list[tuple[int, str]]:
    """Return the numbered lines of a page that stand outside its blocks of code."""
    inside = {number for block in blocks(page) for number in range(block.line - 1, block.line + len(block.lines) + 1)}
    return [(number, line) for number, line in enumerate(page.read_text().splitlines(), 1) if number not in inside]


def links(page: Path) -> list[tuple[int, str]]:
    """Return line number and target of each link of a page."""
    return [(number, match["target"]) for number, line in prose(page) for match in _LINK.finditer(line)]


def anchors(page: Path) -> set[str]:
    """Return the names of a page's headings and labels that a link can point to."""
    found: set[str] = set()
    for _, line in prose(page):
        if heading := _HEADING.match(line):
            words = re.sub(r"[^\w\- ]", "", heading["text"].lower())
            found.add(words.replace(" ", "-"))
        elif label := _LABEL.match(line):
            found.add(label["label"])
    return found
