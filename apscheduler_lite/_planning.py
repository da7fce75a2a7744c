"""
What becomes of a due job: the whole policy, as a pure function.

    due job × now × running count  →  runs to start, fire times skipped or missed, the next run time

It reads no clock, takes no lock and does no I/O; the stores call it between reading a job and writing it back.
All times are instants (microseconds since 1970-01-01 UTC).

The rules, in the order in which they are applied:

* *Coalescing is arithmetic.* With ``coalesce`` a job that is behind runs once, for its latest fire time. The trigger
  tells that one directly; the ones before it are never enumerated.
* *Without coalescing every fire time gets a run of its own*, as many at once as ``max_instances`` allows. The rest
  stays due and waits for a slot: it was due already when the job was last claimed (`backlog`), so it is late, not
  overlapping. What is older than the grace time is missed in one step.
* *Catching up* comes first. With ``catch_up="none"`` what was due before the last downtime ended is missed; with
  ``"all"`` no more than `max_catch_up` fire times are made up for, the latest. One record tells of the rest.
* *Overlap.* A job that comes due while it runs as often as it may is skipped to its next fire time. Two things wait
  for the slot instead of being dropped: the last run of a schedule, and the backlog. With ``on_overlap="queue"`` and
  ``"cancel_previous"`` one more does: the latest fire time where the job coalesces, and else the first one, which is
  a backlog of one from then on; those that come due after it are skipped when the slot has become free.
* *Jitter* was added to the fire time when the next run time was set. A fire time between two runs is due when its own
  jittered time has come, so none is dropped and none overtakes another.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._options import JobOptions
    from .runs import Run
    from .triggers.base import BaseTrigger

__all__ = ["Plan", "Slot", "backoff", "first_slot", "is_superseded", "plan"]

LISTED = 1_000
"""How many dropped fire times of one job a claim tells one by one before it passes over the rest in one step."""


class Slot:
    """
    One fire time of a job and the instant at which it is due, which is later by the jitter.

    One that was dropped may stand for all before it from another fire time on, `since`, that are not listed; its store
    gives it the `run` that it would have been, which says why.
    """

    __slots__ = ("due", "fire_time", "run", "since")

    def __init__(self, fire_time: int, due: int, since: int | None = None) -> None:
        self.fire_time = fire_time
        self.due = due
        self.since = since
        self.run: Run | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Slot) and (self.fire_time, self.due) == (other.fire_time, other.due)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Slot({self.fire_time}, {self.due})"


class Plan:
    """
    What is to be done with a due job.

    Attributes:
        runs: the slots to run now, oldest first.
        skipped: slots dropped because too many instances are running.
        missed: slots dropped because they are older than the grace time.
        next: the slot after those, None when the schedule is over.
        waits: nothing can be done before a running instance ends; all else is empty and `next` is the present slot. The
            backlog is to be kept nevertheless.
        backlog: the instant up to which fire times were due at this claim but got no run yet; None when there are none.
    """

    __slots__ = ("backlog", "missed", "next", "runs", "skipped", "waits")

    def __init__(
        self,
        runs: list[Slot],
        next: Slot | None,
        skipped: list[Slot] | None = None,
        missed: list[Slot] | None = None,
        waits: bool = False,
        backlog: int | None = None,
    ) -> None:
        self.runs = runs
        self.next = next
        self.skipped = skipped
        self.missed = missed
        self.waits = waits
        self.backlog = backlog

    def cut(self, count: int, now: int) -> None:
        """Leave all runs but the first ones due, for want of workers; they are late then, and do not overlap."""
        self.backlog = self.runs[-1].fire_time if self.skipped else now
        self.next, self.runs, self.skipped = self.runs[count], self.runs[:count], None


def plan(
    trigger: BaseTrigger,
    slot: Slot,
    now: int,
    options: JobOptions,
    running: int = 0,
    backlog: int | None = None,
    up_since: int | None = None,
) -> Plan:
    """
    Decide what becomes of a job whose present slot is due.

    Args:
        trigger: the job's trigger.
        slot: its present slot.
        now: the present instant.
        options: the job's options.
        running: how many of its runs are in progress.
        backlog: up to when fire times were due already when it was last claimed.
        up_since: the end of the last downtime, if there was one.
    """
    if options.catch_up is None:
        return _plan_due(trigger, slot, now, options, running, backlog)
    passed, following = catch_up(trigger, slot, now, options, up_since)
    if passed is None:
        return _plan_due(trigger, slot, now, options, running, backlog)
    if following is None or following.due > now:
        return Plan([], following, missed=[passed])
    made = _plan_due(trigger, following, now, options, running, backlog)
    if made.waits:  # what has passed is told now; the rest waits from the next claim on
        made = Plan([], following, backlog=made.backlog)
    made.missed = [passed, *(made.missed or ())]
    return made


def catch_up(
    trigger: BaseTrigger, slot: Slot, now: int, options: JobOptions, up_since: int | None
) -> tuple[Slot | None, Slot | None]:
    """
    Return what is not made up for, as one slot that stands for all before it, and the slot after it.

    With ``"none"`` that is what was due before the last downtime ended; with ``"all"`` what is due beyond the latest
    `max_catch_up`.
    """
    if options.catch_up == "none" and up_since is not None and slot.due < up_since:
        last = trigger.latest_instant(slot.fire_time, min(up_since - 1, now))
    elif options.catch_up == "all" and _is_more(trigger, slot, now, options.max_catch_up):
        last = _latest(trigger, slot, now)[0].fire_time
        for _ in range(options.max_catch_up):
            last = trigger.latest_instant(slot.fire_time, last - 1) or slot.fire_time
    else:
        return None, slot
    if last is None or last <= slot.fire_time:
        return Slot(slot.fire_time, slot.due), _slot_after(trigger, slot.fire_time, now)
    return Slot(last, last, since=slot.fire_time), _slot_after(trigger, last, now)


def _is_more(trigger: BaseTrigger, slot: Slot, now: int, count: int) -> bool:
    """Return whether more fire times than that are due."""
    for _ in range(count):
        following = _slot_after(trigger, slot.fire_time, now)
        if following is None or following.due > now:
            return False
        slot = following
    return True


def _plan_due(
    trigger: BaseTrigger, slot: Slot, now: int, options: JobOptions, running: int, backlog: int | None
) -> Plan:
    free = options.max_instances - running
    if free <= 0:
        return _plan_overlap(trigger, slot, now, options, backlog)
    if options.coalesces:
        latest, following = _latest(trigger, slot, now)
        return Plan([latest], following)
    return _plan_each(trigger, slot, now, options, free, backlog)


def _plan_overlap(trigger: BaseTrigger, slot: Slot, now: int, options: JobOptions, backlog: int | None) -> Plan:
    if backlog is not None and slot.fire_time <= backlog:
        return Plan([], slot, waits=True, backlog=backlog)
    if options.on_overlap != "skip":
        return Plan([], slot, waits=True, backlog=None if options.coalesces else slot.fire_time)
    latest, following = _latest(trigger, slot, now)
    if following is None:
        return Plan([], slot, waits=True)
    return Plan([], following, skipped=[latest] if options.coalesces else _each_until(trigger, slot, latest, now))


def _each_until(trigger: BaseTrigger, slot: Slot, latest: Slot, now: int) -> list[Slot]:
    """Return the slots from one to the latest that is due, each by itself as far as they are listed."""
    listed = [slot]
    while listed[-1].fire_time < latest.fire_time:
        following = _slot_after(trigger, listed[-1].fire_time, now)
        if following is None or following.fire_time >= latest.fire_time:
            listed.append(latest)
            break
        if len(listed) == LISTED:
            listed.append(Slot(latest.fire_time, latest.due, since=following.fire_time))
            break
        listed.append(following)
    return listed


def _latest(trigger: BaseTrigger, slot: Slot, now: int) -> tuple[Slot, Slot | None]:
    """Return the latest slot that is due and the one after it."""
    following = _slot_after(trigger, slot.fire_time, now)
    if following is None or following.fire_time > now:
        return slot, following  # the common case, of a job that is not behind: one question to the trigger
    fire_time = trigger.latest_instant(slot.fire_time, now)
    if fire_time is not None:
        due = fire_time + trigger.delay(fire_time)
        if due <= now:
            return Slot(fire_time, due), _slot_after(trigger, fire_time, now)
        # Its fire time has come, its jittered time has not: it is the next one, and the one before it is the latest
        # due.
        before = trigger.latest_instant(slot.fire_time, fire_time - 1)
        return (slot if before is None else Slot(before, before)), Slot(fire_time, due)
    return slot, following


def _plan_each(trigger: BaseTrigger, slot: Slot, now: int, options: JobOptions, free: int, backlog: int | None) -> Plan:
    runs: list[Slot] = []
    missed: list[Slot] = []
    following: Slot | None = slot
    too_old = None if options.grace is None else now - options.grace
    # What came due while one waited for the slot already is not run.
    last = backlog if options.on_overlap != "skip" and backlog is not None and slot.fire_time <= backlog else now
    while following is not None and following.due <= now and following.fire_time <= last and len(runs) < free:
        current = following
        if too_old is None or current.due >= too_old:
            runs.append(current)
        else:
            if len(missed) == LISTED:
                jump = trigger.latest_instant(current.fire_time, too_old - 1)
                current = current if jump is None else Slot(jump, jump, since=current.fire_time)
            missed.append(current)
        following = _slot_after(trigger, current.fire_time, now)
    if following is None or following.due > now:
        return Plan(runs, following, missed=missed)
    if following.fire_time <= last:
        return Plan(runs, following, missed=missed, backlog=last)
    return _drop_rest(trigger, following, now, runs, missed)


def _drop_rest(trigger: BaseTrigger, slot: Slot, now: int, runs: list[Slot], missed: list[Slot]) -> Plan:
    """Skip what is due from a slot on, but the last run of the schedule, which waits."""
    latest, following = _latest(trigger, slot, now)
    if following is not None:
        return Plan(runs, following, _each_until(trigger, slot, latest, now), missed)
    before = trigger.latest_instant(slot.fire_time - 1, latest.fire_time - 1)
    skipped = None if before is None else _each_until(trigger, slot, Slot(before, before), now)
    return Plan(runs, latest, skipped, missed, backlog=latest.fire_time)


def is_superseded(run: Run, options: JobOptions, due: int) -> bool:
    """Return whether a run in progress is to make room for one that came due while it was going on."""
    return options.on_overlap == "cancel_previous" and (run.started is None or run.started < due)


def _slot_after(trigger: BaseTrigger, fire_time: int, now: int) -> Slot | None:
    following = trigger.next_instant(fire_time, max(now, fire_time))
    if following is None:
        return None
    return Slot(following, following + trigger.delay(following))


def first_slot(trigger: BaseTrigger, now: int, made: int | None = None) -> Slot | None:
    """
    Return the slot at which a job with this trigger begins, None when its schedule is over.

    A schedule that began in the past starts at its first fire time from now on, and is over when there is none. A
    schedule of one single fire time that has passed is still run, late.

    Args:
        trigger: the trigger.
        now: the present instant.
        made: the latest fire time of this schedule that is being run already; the slot is a later one.
    """
    fire_time = trigger.next_instant(None, now)
    if fire_time is not None and fire_time < now:
        later = trigger.next_instant(now - 1, now)
        if later is not None:
            fire_time = later
        elif trigger.next_instant(fire_time, max(now, fire_time)) is not None:
            fire_time = None
    if fire_time is None:
        return None
    if made is not None and fire_time <= made:
        return _slot_after(trigger, made, now)
    return Slot(fire_time, fire_time + trigger.delay(fire_time))


def backoff(failures: int, longest: float) -> float:
    """Return the seconds to wait after so many failures in a row: half a second, doubled each time up to a limit."""
    return float(min(longest, 0.5 * 2.0 ** min(failures - 1, 30)))
