"""
Pickles of earlier versions restore.

The bytes were written by version 0.1.0 (Python 3.11, protocol 4) and must be read by every later one. The states of
APScheduler 3 are those of its 3.11, with zones of pytz as older ones had.
"""

from __future__ import annotations

import pickle
from base64 import b85decode
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import pytz

from apscheduler_lite.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler_lite.triggers.combining import AndTrigger
from apscheduler_lite.triggers.date import DateTrigger
from apscheduler_lite.triggers.interval import IntervalTrigger

BERLIN = ZoneInfo("Europe/Berlin")
PYTZ = pytz.timezone("Europe/Berlin")

#: The bytes, in base 85, and the repr of what they were.
OLD = {
    "date": (
        (
            "fCQBw0RR910001t9$|2EV`yb$b!=sFUu<b~WiE7bX=i6;a&s<ZVRU7bj0;3zbY)a>X=i6;a+H&lDS?!Ilqie`c4cyNX>V?nO9PAu"
            "a&>NBWMOn=l#B>uVRU75X>Dbcj0j|5bY*mDZDo{`ltT&!>IxYF9smFU0F-D4j0kjTZDo3IZe^5{lxPQx33O>~Wn^V+bYYZ}luH0h"
            "080Relv0$1lv0$2lv0$82y|&}WqNOJWt5BvVs&Y3bZKsLl#B;wWprV5baIrFl#B>^Z*FC2Zf0+kj0jq9Ze>YsW^a^}l#B^qb#8EJ"
            "V{2?>l!la2l#C5Ub#iZTWiLWya%^dCluH4Ilv0$84QXv~Y-wX@bYEm)bY+x@j0A6RWp0#Cbz&|"
        ),
        ("<DateTrigger (run_date='2026-10-25 02:30:00 CET')>"),
    ),
    "interval": (
        (
            "fCQCp0RR910001tB4KcIV`yb$b!=sFUu<b~WiE7bX=i6;a&s<eZggdGc42Ikj1Ng}bY*gOVQf@#X=i6;a+H&lDS?!Ilqie`c4cyN"
            "X>V?nO9PAubZKp6dT(xJl#B>sb!lvLX>N0rj0b0BbYXOKa+H&lj0k#fZe?k1W^a^?2wHD$Wl3&kZ<Ldij0s<LZg6R1YiwndhLlp2"
            "j15I~a&K^DFG6K<Y-w(kO96(IQk0Aeb97;HbYEm)bY+x`2xMV&Wprt6Wt5BvWMOn=bZKp6l#`T03J2-|1Q!4R0001#XcUYHbZKp6"
            "dT(xJl#`Tb6pRUUX>Da>Wo&d|l#`T8080Q%0Ed)Pl!cU1l!la2l#B>vZe(9%VRU7bXcj{X2kHbK761SM005L|ABL1tl#B>zZggdG"
            "c42IkXd6oaO&}ag0Ed)Pl#B*yX>@dDa+FI2j1FmSaBOK~X>?z6bYXIIl!=T4Z*XO9lumVGE&"
        ),
        (
            "<IntervalTrigger (interval=datetime.timedelta(seconds=7200), start_date='2026-01-05 00:00:00 CET', e"
            "nd_date='2026-05-01 00:00:00 CEST', jitter=5, timezone='Europe/Berlin')>"
        ),
    ),
    "calendar interval": (
        (
            "fCQC^0RR910001tDq(PQV`yb$b!=sFUu<b~WiE7bX=i6;a&s<YVQgh?WMOh?ZggdGc42Ikj2A;;Y-Mg_VRA`sbY*gOVQf@#X=i6;"
            "a+H&lDS?!Ilqie`c4cyNX>V?nO9PAuX>N37a&}>ClwFi4O8`p&O8`p%WsC%LX>DbcU6d$G0!toC0A-8{b97;HbYEm)bY+x`2xMV&"
            "Wprt6Wt5BrWMOn=l#`T01PAH?AC!fZQk0AcWo~3&WMOn=lxPh@1PAK@0hEQ5Qk0AcbZKp6dT(xJl#B>sb!lvLX>N0rj0b0BbYXOK"
            "a+H&lj0k#fZe?k1W^a^?2wHD$Wl3&kZ<Ldij0s<LZg6R1YiwndhLlp2j15I~a&K^DFG6K<Y-w(kO96(IQk0AaYH4(IWpb2Gj0a?M"
            "bYEv-aFmP%b7*O1bd-z;WOH<1W^Zg{l#B#oZ**vsj0|ONWM6M)Uu|!0bZC@}1!HVsZE%!~4ry(0Y-wX@bYF9HVRCeoiHrnqaAj_k"
            "PIY1~"
        ),
        (
            "CalendarIntervalTrigger(months=1, time='02:30:00', start_date='2026-01-31', end_date='2027-01-01', t"
            "imezone='Europe/Berlin', dst_gap='shift', dst_fold='both', end_of_month='clamp')"
        ),
    ),
    "and": (
        (
            "fCQB`0ssI20001tBVllJV`yb$b!=sFUu<b~WiE7bX=i6;a&s<YZ*5{}ZfS03l#B{NZe&z)X=i6;a+H&lDS?!Ilqie`c4cyNX>V?n"
            "O9PAubaH8DXJvA8lwFi4j3Qxhb7N>_WOZz1a$js|bY(7da%pF0WpZ;aX>N37a&}>Cl#CBaZggdGc42H(a%pF0Wpb30lqrFfeUvC@"
            "1xo{r2y|&}WqNOJWt5BvVs&Y3bZKsLl#B;wWprV5baIrFl#B>^Z*FC2Zf0+kj0jq9Ze>YsW^a^}l#B^qb#8EJV{2?>l!la2l#C5U"
            "b#iZTWiLWya%^dCluH4Ilv0$83UhQ}a&%v0VRU7bj0j|5bY*mDZDo{<2xMV&Wprt6Wt5YYLkb7#0R$HS00000lxQ1_2y|&}WqNOJ"
            "Wt5YYXd8?PbZKp6WMyo0VU&}UO8`p%O8|$IQj~?1Qj~_2Qk0AcWo~3&WMOn=lxQ783J2;09u@!q0001#XeNe~Qk0AcX>N37a&}>C"
            "lxQML08JnqO8|$IQk0AaYH4(IWpb2D1&j`9ZE$R9V`+3>b97;Hbd-sV1aEL<Zj?@SVvHVPaC2j5Wn^`1WpZC^X>?^SbaH8DXJvA8"
            "E@WYJWt5ByL}7GgRB~x&XJvAflawielzo&aXa!3Hj0kddZeL_!bY+xi9YYES>IxYF9smFU0F-DZhLlp2Xbor?j16gRaBOK~X>?y?"
            "VRU7biD)uTbz)^`Fiv%1E&"
        ),
        (
            "<AndTrigger([<IntervalTrigger (interval=datetime.timedelta(seconds=7200), start_date='2026-01-05 00:"
            "00:00 CET', end_date='2026-05-01 00:00:00 CEST', jitter=5, timezone='Europe/Berlin')>, <DateTrigger "
            "(run_date='2026-10-25 02:30:00 CET')>])>"
        ),
    ),
    "or": (
        (
            "fCQB`0ssI20001tBVllJV`yb$b!=sFUu<b~WiE7bX=i6;a&s<YZ*5{}ZfS03l#B^aa#V6@XJ=({l#`Sxfs}oeD2xYoWpZ<AZ*G)J"
            "1B?iCa%pF0WpZ<rU6d${B4KcIV`yb$b!=sFUu<b~WiE7bX=i6;a&s<eZggdGc42Ikj1Ng}bY*gOVQf@#X=i6;a+H&lDS?!IlqhHg"
            "O9PAubZKp6dT(xJl#B>sb!lvLX>N0rj0b0BbYXOKa+H&lj0k#fZe?k1W^a^?2wHD$Wl3&kZ<Ldij0s<LZg6R1YiwndhLlp2j15I~"
            "a&K^DFG6K<Y-w(kO96(IQk0Aeb97;HbYEm)bY+x`2xMV&Wprt6Wt5BvWMOn=bZKp6l#`T03J2-|1Q!4R0001#Xd8?ObZKp6dT(xJ"
            "l#`Tb8;l8bX>Da>Wo&d|l#`T8080Q%0Ed)Pl!cU1l!la2l#B>vZe(9%VRU7bXdOce2kHbK761SM005L|CWe$!l#B>zZggdGc42Ik"
            "Xd+7hO&}ag0Ed)Pl#B*yX>@dDa+FI2j1FmSaBOK~X>?z6bYXIIl!=T4Z*XO9lumVGj2>Zdb7N>_WOZz1a$js|bY(7da%pF0WpZ;a"
            "WMOn=l#B~RVRU6wa%pF0Wpb30lqrFfeUvC@1xo{r2y%69Uu0o)Wt3<gLkb7#3K;<&00000lxQY~lv0#v4QLsR4QXv~Y-wX@bYEm)"
            "bY+x@XfjT9Vr6JBO9ORcE&"
        ),
        (
            "<OrTrigger([<IntervalTrigger (interval=datetime.timedelta(seconds=7200), start_date='2026-01-05 00:0"
            "0:00 CET', end_date='2026-05-01 00:00:00 CEST', jitter=5, timezone='Europe/Berlin')>, <DateTrigger ("
            "run_date='2026-10-25 02:30:00 CET')>], jitter=3)>"
        ),
    ),
    "excluding": (
        (
            "fCQCJ0{{R30001tBVllJV`yb$b!=sFUu<b~WiE7bX=i6;a&s<acw=mJWNB_^l#CEXcw=mJWNB_^RB~x&XJvAflawielzo&aj0bjQ"
            "a&u{KZj?&{j09p~b7ho_B4KcIV`yb$b!=sFUu<b~WiE7bX=i6;a&s<eZggdGc42Ikj1Ng}bY*gOVQf@#X=i6;a+H&lDS?!IlqhHg"
            "O9PAubZKp6dT(xJl#B>sb!lvLX>N0rj0b0BbYXOKa+H&lj0k#fZe?k1W^a^?2wHD$Wl3&kZ<Ldij0s<LZg6R1YiwndhLlp2j15I~"
            "a&K^DFG6K<Y-w(kO96(IQk0Aeb97;HbYEm)bY+x`2xMV&Wprt6Wt5BvWMOn=bZKp6l#`T03J2-|1Q!4R0001#Xc~+NbZKp6dT(xJ"
            "l#`Tb8jJ~aX>Da>Wo&d|l#`T8080Q%0Ed)Pl!cU1l!la2l#B>vZe(9%VRU7bXdFWd2kHbK761SM005L|C5Dtzl#B>zZggdGc42Ik"
            "Xdz1gO&}ag0Ed)Pl#B*yX>@dDa+FI2j1FmSaBOK~X>?z6bYXIIl!=T4Z*XO9lumVGj0a_SV{CO~Wt3f%D2xVeZ*F8^d6Z}xj09w1"
            "bY+y2ltTmu>I@l_g_Kg1j4EMpb7N>_WOZz1a$js|bY(7da%pF0WpZ;aV_|G%Ze(F{X>N37a&}>Cl#CZcVQgh?WMOhiZggdGc42H("
            "a%pF0Wpb30lqrFfeUvC@1xo{HEM1f+O8`p&O8`p%WsC%LX>DbcU6d$G0!toC0A*+yXf{Ix2kHSIl!cU1lxQeuHbVpl>j43jg_Kg1"
            "Xbfl=XfIBT2V`?}UuR)(l#B&)XlZ72l#B>ub97&3Z){|gj09qDbZC@}3}tR)UvFk#ZEtRLXq1cvV{Bn<aFl2;iD)rSbz+PjVQ_O}"
            "Xk}z|Y-Ms^Y-x05E_8BfXJ=({b1r0IbY+x`3q)abWmIx$XJ=({l#`Sxfs}oeC};&s1B?iAb#7l|VRU7bXdFWd2kHtL0UiJV005L|"
            "C5DtzlxPfS7>o^RZE$R9V`+3>WMOn=l!<6DPIY2sj0a?4d2?THW|Uo&D2a)PiDhUnO96FaE&"
        ),
        (
            "<ExcludingTrigger(<IntervalTrigger (interval=datetime.timedelta(seconds=7200), start_date='2026-01-0"
            "5 00:00:00 CET', end_date='2026-05-01 00:00:00 CEST', jitter=5, timezone='Europe/Berlin')>, exclude="
            "['monday', datetime.date(2026, 12, 25), DaysOf(CalendarIntervalTrigger(months=1, time='02:30:00', st"
            "art_date='2026-01-31', end_date='2027-01-01', timezone='Europe/Berlin', dst_gap='shift', dst_fold='b"
            "oth', end_of_month='clamp')), <DateTrigger (run_date='2026-10-25 02:30:00 CET')>], jitter=1)>"
        ),
    ),
    "rrule": (
        (
            "fCQCC0RR910001tA7OBFV`yb$b!=sFUu<b~WiE7bX=i6;a&s<na&>HFl#C2gQgv))RB~x&XJvAflawielzo&aj0bjQa&u{KZj?&{"
            "j0AFZY-N;;FH%xfOhr0IQbkccL_tYRSvx~dRZdhrH3~&oL_t(VIx;XaHZU<THdHV<FfcGMl#B{<bYXIIUu0o)Wt5BvWMOn=bZKp6"
            "l#B>uVRU75X>DbclaxaW2kHR@2><{9005MQlv0$82xV?$Uu0o)Wt2{g2y|&}WqNOJWt5BvVs&Y3bZKsLl#B;wWprV5baIrFl#B>^"
            "Z*FC2Zf0+kj0jq9Ze>YsW^a^}l#B^qb#8EJV{2?>l!la2l#C5Ub#iZTWiLWya%^dCluH4Ilv0$825M<^bY*gsPK*v|ZE$R9V`+3>"
            "b97;Hbd-sV1aEL<Zj?@SVlD"
        ),
        (
            "<RRuleTrigger (rule='RRULE:FREQ=DAILY;COUNT=5\\nEXDATE:20260106T090000', start_date='2026-01-05 09:00"
            ":00 CET', timezone='Europe/Berlin')>"
        ),
    ),
}


@pytest.mark.parametrize("name", OLD)
def test_an_old_pickle_restores(name):
    """With all that it was configured with."""
    data, expected = OLD[name]

    assert repr(pickle.loads(b85decode(data))) == expected


@pytest.mark.parametrize(
    ("cls", "state", "expected"),
    [
        (
            DateTrigger,
            {"version": 1, "run_date": PYTZ.localize(datetime(2026, 10, 25, 2, 30), is_dst=False)},
            DateTrigger(datetime(2026, 10, 25, 2, 30, fold=1), BERLIN),
        ),
        (
            IntervalTrigger,
            {
                "version": 1,
                "timezone": PYTZ,
                "start_date": PYTZ.localize(datetime(2026, 7, 5)),
                "end_date": PYTZ.localize(datetime(2026, 12, 1)),
                "interval": timedelta(hours=2),
            },
            IntervalTrigger(hours=2, start_date="2026-07-05", end_date="2026-12-01", timezone=BERLIN),
        ),
        (
            CalendarIntervalTrigger,
            {
                "version": 1,
                "interval": [0, 1, 0, 2],
                "time": [2, 30, 0],
                "start_date": date(2026, 1, 31),
                "end_date": None,
                "timezone": PYTZ,
                "jitter": 4,
            },
            CalendarIntervalTrigger(
                months=1, days=2, hour=2, minute=30, start_date="2026-01-31", timezone=BERLIN, jitter=4
            ),
        ),
        (
            AndTrigger,
            {
                "version": 1,
                "triggers": [
                    (
                        "apscheduler.triggers.interval:IntervalTrigger",
                        {
                            "version": 2,
                            "timezone": PYTZ,
                            "start_date": PYTZ.localize(datetime(2026, 1, 5)),
                            "end_date": None,
                            "interval": timedelta(hours=2),
                            "jitter": None,
                        },
                    )
                ],
                "jitter": 3,
            },
            AndTrigger([IntervalTrigger(hours=2, start_date="2026-01-05", timezone=BERLIN)], jitter=3),
        ),
    ],
    ids=["date", "interval", "calendar-interval", "and"],
)
def test_a_state_of_apscheduler_3_restores(cls, state, expected):
    """And is from then on like one of ours."""
    restored = cls.__new__(cls)
    restored.__setstate__(state)

    assert repr(restored) == repr(expected)
    assert restored.is_same_schedule(expected)
    assert repr(pickle.loads(pickle.dumps(restored))) == repr(expected)


def test_the_state_of_a_later_version_is_refused():
    """It may mean something that this version cannot know."""
    with pytest.raises(ValueError, match="version 4; this version of apscheduler_lite reads up to 3"):
        DateTrigger.__new__(DateTrigger).__setstate__({"version": 4})
