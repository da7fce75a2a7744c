"""Facts about aliases."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from apscheduler_lite import _plugins
from apscheduler_lite._plugins import names, plugin
from apscheduler_lite.executors.pool import ThreadPoolExecutor
from apscheduler_lite.jobstores.memory import MemoryJobStore
from apscheduler_lite.triggers.interval import IntervalTrigger

OURS = [(kind, alias) for kind, table in _plugins._BUILT_IN.items() for alias in table]


class FoundEntryPoints(list):
    """What `importlib.metadata.entry_points` returns."""

    @property
    def names(self):
        """Return the names."""
        return {each.name for each in self}


@pytest.fixture
def installed(monkeypatch):
    """Have packages with entry points installed."""
    found = [EntryPoint("hourly", "apscheduler_lite.triggers.interval:IntervalTrigger", "apscheduler_lite.triggers")]
    found += [EntryPoint("broken", "nowhere:Nothing", "apscheduler_lite.triggers")]

    def entry_points(*, group, name=None):
        return FoundEntryPoints(each for each in found if each.group == group and name in (None, each.name))

    monkeypatch.setattr("importlib.metadata.entry_points", entry_points)
    monkeypatch.setattr(_plugins, "_found", {})


@pytest.mark.parametrize(("kind", "alias"), OURS)
def test_each_of_our_aliases_stands_for_a_class(kind, alias):
    """Without package metadata, as PyInstaller and Nuitka builds have none."""
    if alias == "rrule":
        pytest.importorskip("dateutil")

    assert isinstance(plugin(kind, alias), type)


def test_an_alias_stands_for_one_class():
    """The same each time."""
    assert plugin("trigger", "interval") is plugin("trigger", "interval") is IntervalTrigger
    assert plugin("jobstore", "memory") is MemoryJobStore
    assert plugin("executor", "threadpool") is ThreadPoolExecutor


@pytest.mark.parametrize(
    ("kind", "alias", "message"),
    [
        ("trigger", "intervall", "^no trigger by the name 'intervall' was found; did you mean 'interval'.*'cron'"),
        ("trigger", "Cron", "did you mean 'cron'"),
        ("jobstore", "memry", "^no job store by the name 'memry' was found; did you mean 'memory'"),
        ("executor", "threads", r"^no executor by the name 'threads' was found.*\(known: 'asyncio', .*'threadpool'\)$"),
        ("executor", "", "^no executor by the name '' was found"),
    ],
)
def test_an_unknown_alias_is_told(kind, alias, message):
    """With the nearest one, and all of them."""
    with pytest.raises(LookupError, match=message):
        plugin(kind, alias)


def test_other_packages_bring_aliases(installed):
    """As entry points, which are looked for when ours do not know the alias."""
    assert plugin("trigger", "hourly") is IntervalTrigger
    assert "hourly" in names("trigger")
    assert "hourly" not in names("executor")


def test_a_broken_package_is_told(installed):
    """By whatever its import raises."""
    with pytest.raises(ImportError):
        plugin("trigger", "broken")
