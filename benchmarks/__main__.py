"""
Run the scripts and write what they measured into RESULTS.md.

Each has a process of its own, so that none is measured beside what another one has left in memory.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import subprocess
import sys
import time
from difflib import get_close_matches
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

from benchmarks.measuring import Row

HERE = Path(__file__).parent
RESULTS = HERE / "RESULTS.md"
MISSED = 3
"""The exit code where a row misses its budget."""
PEERS = ("APScheduler", "cron-converter", "croniter", "croniter-rs", "cronsim", "crontab", "huey", "schedule")


def main() -> int:
    """Measure, print, write; return `MISSED` when a row misses its budget."""
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measure beside the peers.")
    parser.add_argument("scripts", nargs="*", help="names of scripts; all when none is given")
    scripts = [path.stem for path in sorted(HERE.glob("*.py")) if is_script(path)]
    names = parser.parse_args().scripts or scripts
    for name in names:
        if name not in scripts:
            near = "".join(f", did you mean {each!r}?" for each in get_close_matches(name, scripts, n=1))
            parser.error(f"there is no script {name!r}{near} (known: {', '.join(scripts)})")
    if len(names) == 1:
        return measure(names[0])
    codes = {name: subprocess.run([sys.executable, "-m", "benchmarks", name], check=False).returncode for name in names}
    failed = [name for name, code in codes.items() if code not in (0, MISSED)]
    missed = [name for name, code in codes.items() if code == MISSED]
    if missed:
        print(f"\nrows miss their budget in {', '.join(missed)}")
    elif not failed:
        print("\nevery row keeps its budget")
    if failed:
        print(f"could not be measured: {', '.join(failed)}")
    return 1 if failed else MISSED if missed else 0


def is_script(path: Path) -> bool:
    """Return whether a module of this package measures something for the results."""
    return "\ndef rows()" in path.read_text(encoding="utf-8")


def measure(name: str) -> int:
    """Run one script and write its section; return `MISSED` when a row misses its budget."""
    sections = read_sections()
    title, section, rows = run(importlib.import_module(f"benchmarks.{name}"))
    sections[title] = section
    RESULTS.write_text(document(sections))
    return MISSED if any(row.met is False for row in rows) else 0


def run(script: ModuleType) -> tuple[str, str, list[Row]]:
    """Return the title of a script's section, its text and its rows."""
    heading, _, explanation = (script.__doc__ or script.__name__).strip().partition("\n")
    title = heading.rstrip(".")
    print(f"\n{title}")
    rows: list[Row] = []
    for row in script.rows():
        rows.append(row)
        print(f"  {line(row)}", flush=True)
    table = [
        "| what | ours | peer | | ratio | budget | | floor | above it |",
        "| --- | ---: | ---: | --- | ---: | ---: | --- | ---: | ---: |",
        *map(line, rows),
    ]
    return title, "\n".join([explanation.strip(), "", *table]).strip(), rows


def line(row: Row) -> str:
    """Return the row as a line of a Markdown table."""
    theirs, peer = ("", "") if row.theirs is None else (f"{number(row.theirs)} {row.unit}", row.peer)
    ratio = "" if row.theirs is None else f"{number(row.ratio)} ×"
    budgets = (("≤", row.at_most), ("≥", row.at_least))
    budget = next((f"{sign} {bound:g}" for sign, bound in budgets if bound is not None), "")
    verdict = {True: "met", False: "**missed**", None: ""}[row.met]
    floor, above = "", ""
    if row.floor is not None and row.above_floor is not None:
        floor, above = f"{number(row.floor)} {row.unit}", f"{number(row.above_floor)} ×"
    ours = f"{number(row.ours)} {row.unit}".strip()
    return f"| {row.what} | {ours} | {theirs} | {peer} | {ratio} | {budget} | {verdict} | {floor} | {above} |"


def number(value: float) -> str:
    """Return three significant digits, with thousands separated."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def read_sections() -> dict[str, str]:
    """Return the sections of the last results by their title, so that a run of some scripts keeps the others'."""
    if not RESULTS.exists():
        return {}
    _, *parts = RESULTS.read_text().split("\n## ")
    return {title.strip(): text.strip() for title, _, text in (part.partition("\n") for part in parts)}


def document(sections: dict[str, str]) -> str:
    """Return the whole page."""
    versions = ", ".join([*(f"{peer} {version(peer)}" for peer in PEERS), "APScheduler 4.0.0a6"])
    head = (
        f"# Results\n\nWritten by `make bench` on {time.strftime('%Y-%m-%d')}: Python {platform.python_version()} on"
        f" {platform.machine()}, {os.cpu_count()} cores; {versions}.\nOurs and the peer ran by turns in one run; values"
        " are medians. A ratio is ours / the peer's; a budget bounds the ratio, or our value where there is no peer.\n"
        "The floor is the least that plain Python must do for the same work (`benchmarks/floors.py`); above it is how"
        " many times its cost ours is."
    )
    body = [f"\n## {title}\n\n{text}" for title, text in sections.items()]
    return "\n".join([head, *body]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
