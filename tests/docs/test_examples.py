"""What the README and the manual show is true: their code runs, their commands exist, their links lead somewhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, Block, anchors, blocks, links, program

SECONDS = 30
LANGUAGES = {"console", "ini", "python", "text", "toml"}
DIRECTIVES = {"{glossary}", "{automodule}", "{autoclass}", "{autofunction}", "{eval-rst}", "{include}", "{toctree}"}
SERVICES = {"MariaDB", "PostgreSQL", "Redis"}

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@pytest.mark.parametrize(
    "page", [page for page in PAGES if program(page)], ids=lambda page: str(page.relative_to(ROOT))
)
def test_the_examples_of_a_page_run(page: Path, tmp_path: Path) -> None:
    """The blocks of a page, pasted one after the other into one file, run without an error or a warning."""
    script = tmp_path / "page.py"
    script.write_text(program(page))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    try:
        done = subprocess.run(
            [sys.executable, script.name],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        pytest.fail(f"{page}: the examples did not end within {SECONDS} s; they printed {exc.stdout!r}")

    # Each line of the script has the number that it has on the page.
    assert done.returncode == 0, done.stderr.replace(str(script), str(page))


def test_the_store_of_the_guide_passes_the_contract(tmp_path: Path) -> None:
    """The tests that the guide to job stores tells authors to inherit run, and its store passes them."""
    script = tmp_path / "test_store.py"
    script.write_text(program(ROOT / "docs" / "howto" / "write-a-job-store.md"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", script.name]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )

    assert done.returncode == 0, done.stdout
    assert re.search(r"^\d{2,} passed", done.stdout, re.MULTILINE)


@every_page
def test_every_block_says_what_it_is(page: Path) -> None:
    """Python is run, and nothing escapes that by another name; only a missing service excuses an example."""
    strange = [f"{page}:{block.line}: {block.info!r}" for block in blocks(page) if not is_permitted(block)]

    assert strange == []


def is_permitted(block: Block) -> bool:
    """Tell whether the block is run, excused, or no Python at all: other code, or a directive of Sphinx."""
    if block.language == "python":
        return block.info in {"python", *(f"python no-run: {service}" for service in SERVICES)}
    return block.language in LANGUAGES or block.language in DIRECTIVES


@every_page
def test_the_commands_of_a_page_exist(page: Path) -> None:
    """Each make target, extra and script that a page tells people to use is there."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    missing: list[str] = []
    for block in blocks(page):
        if block.language != "console":
            continue
        for number, line in enumerate(block.lines, block.line):
            command, *arguments = line.removeprefix("$ ").split()
            if command == "make":
                wrong = [word for word in arguments if word not in targets and "=" not in word]
            elif command == "pip":
                named = re.findall(r"apscheduler-lite\[(.*?)\]", line)
                wrong = [extra for names in named for extra in names.split(",") if extra not in extras]
            else:
                is_there = shutil.which(command) or command == "cd" or command in project["scripts"]
                wrong = [] if is_there else [command]
            missing += [f"{page}:{number}: {word}" for word in wrong]

    assert missing == []


@every_page
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    """A relative link names a file that exists, and a heading of it where it names one."""
    broken: list[str] = []
    for line, target in links(page):
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        if not found.exists() or (anchor and anchor not in anchors(found)):
            broken.append(f"{page}:{line}: {target}")

    assert broken == []


def test_the_first_example_of_the_readme_is_short() -> None:
    """It fits on the first screen: at most twelve lines, to be pasted as they are."""
    first = next(block for block in blocks(ROOT / "README.md") if block.language == "python")

    assert len(first.lines) <= 12
