"""What the benchmarks report is what they measured."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import benchmarks
from benchmarks.__main__ import line, main, number
from benchmarks.measuring import Row, by_turns, in_fresh_process, percentile, speedup

SCRIPTS = [
    path
    for path in sorted(Path(benchmarks.__file__).parent.glob("*.py"))
    if path.stem not in {"__init__", "__main__", "drawing", "driver", "floors", "measuring", "soak", "subjects"}
]


def test_a_cost_keeps_its_budget_below_the_bound():
    """Twelve hundredths of the peer's cost are within a budget of at most 0.12."""
    row = Row(what="burst", unit="µs", ours=12, theirs=100, at_most=0.12)

    assert row.ratio == 0.12
    assert row.met is True


def test_a_rate_misses_its_budget_below_the_bound():
    """Nine times the peer's rate miss a budget of at least ten."""
    row = Row(what="burst", unit="/s", ours=9, theirs=1, at_least=10)

    assert row.met is False


def test_a_row_without_a_peer_is_judged_by_its_own_value():
    """A bound on a growth exponent needs nobody to compare with."""
    assert Row(what="growth", unit="", ours=0.05, at_most=0.1).met is True


def test_a_row_without_a_budget_is_not_judged():
    """What is only told neither keeps nor misses anything."""
    assert Row(what="import", unit="ms", ours=3).met is None


def test_a_speedup_tells_durations_as_rates():
    """Half the duration is twice the rate."""
    row = speedup("add", ours=0.5, theirs=1, count=100)

    assert (row.ours, row.theirs, row.ratio) == (200, 100, 2)


def test_subjects_take_turns_and_give_their_medians():
    """Each is called once a round, the order changes, and one bad round does not count."""
    order: list[str] = []
    values = {"a": iter([1.0, 99.0, 2.0]), "b": iter([4.0, 4.0, 4.0])}

    def subject(name: str) -> float:
        order.append(name)
        return next(values[name])

    medians = by_turns(lambda: subject("a"), lambda: subject("b"), rounds=3)

    assert medians == [2.0, 4.0]
    assert "".join(order) == "abbaab"


def test_a_percentile_is_one_of_the_values():
    """99 of a hundred values lie at or below the 99th percentile."""
    assert percentile(list(range(100)), 0.99) == 99
    assert percentile([5], 0.5) == 5


def test_a_fresh_process_has_imported_nothing_of_ours():
    """What is measured there is not warmed up by the one who measures."""
    code = "import sys, json; print(json.dumps('apscheduler_lite' in sys.modules))"

    assert in_fresh_process(code) is False


def test_a_measured_program_that_fails_is_told():
    """Its own error is part of the message."""
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        in_fresh_process("1 / 0")


def test_a_line_tells_what_was_measured_and_how_it_stands():
    """Values with units, the peer, the ratio, the budget and the verdict."""
    row = Row(what="burst", unit="runs/s", ours=500_000, theirs=50_000, at_least=10, floor=1e6)

    told = "| burst | 500,000 runs/s | 50,000 runs/s | APScheduler 3 | 10 × | ≥ 10 | met | 1,000,000 runs/s | 2 × |"
    assert line(row) == told


def test_the_distance_from_the_floor_is_told_of_costs_and_of_rates_alike():
    """Three times the cost, or a third of the rate, is three times above the floor."""
    assert Row(what="cost", unit="µs", ours=3, floor=1).above_floor == 3
    assert Row(what="rate", unit="/s", ours=1, floor=3).above_floor == 3
    assert Row(what="cost", unit="µs", ours=3).above_floor is None


@pytest.mark.parametrize(("value", "text"), [(0.01234, "0.0123"), (12.345, "12.3"), (123.4, "123"), (1e6, "1,000,000")])
def test_numbers_have_three_digits(value, text):
    """More digits than were measured are not told."""
    assert number(value) == text


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_says_what_it_measures_and_yields_rows(script):
    """The runner takes its title and its rows."""
    tree = ast.parse(script.read_text())

    assert ast.get_docstring(tree)
    assert any(isinstance(node, ast.FunctionDef) and node.name == "rows" for node in tree.body)


def test_a_misspelt_script_is_told_with_what_was_meant(monkeypatch, capsys):
    """Before anything is measured."""
    monkeypatch.setattr(sys, "argv", ["benchmarks", "imports", "dispach"])

    with pytest.raises(SystemExit):
        main()

    assert "there is no script 'dispach', did you mean 'dispatch'? (known: apscheduler4, " in capsys.readouterr().err
