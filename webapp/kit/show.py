"""How times, days and months are shown, in the reader's language. Never by hand in a template."""

from __future__ import annotations

from datetime import date, datetime

from babel.dates import format_date, format_timedelta
from flask_babel import get_locale

from webapp.kit import clock
from webapp.kit.month import Month
from webapp.kit.words import _, _l

WEEKDAYS = (_l("周一"), _l("周二"), _l("周三"), _l("周四"), _l("周五"), _l("周六"), _l("周日"))


def chinese() -> bool:
    """Whether the reader reads Chinese."""
    here = get_locale()
    return here is None or here.language == "zh"


def time(at: datetime) -> str:
    """8:31 on the household's clock."""
    here = clock.local(at)
    return f"{here.hour}:{here.minute:02d}"


def minute(value: int) -> str:
    """510 → 8:30."""
    return f"{value // 60 % 24}:{value % 60:02d}"


def day(value: date, *, weekday: bool = False, year: bool = False) -> str:
    """11月21日 (周六), or 21 Nov (Sat)."""
    if chinese():
        text = (f"{value.year}年" if year else "") + f"{value.month}月{value.day}日"
        return f"{text} 周{'一二三四五六日'[value.weekday()]}" if weekday else text
    pattern = ("EEE " if weekday else "") + "d MMM" + (" y" if year else "")
    return str(format_date(value, pattern, locale="en"))


def when(at: datetime) -> str:
    """今天 8:31, 昨天 8:31, 11月19日 8:31."""
    gap = (clock.today() - clock.day_of(at)).days
    near = {0: _("今天"), 1: _("昨天")}
    return f"{near.get(gap) or day(clock.day_of(at), year=gap > 300)} {time(at)}"


def ago(at: datetime) -> str:
    """5分钟前."""
    return str(format_timedelta(at - clock.now(), add_direction=True, locale=get_locale()))


def length(minutes: int) -> str:
    """58 分钟, 2 小时 5 分钟."""
    hours, rest = divmod(max(minutes, 0), 60)
    if not hours:
        return _("%(n)s 分钟", n=rest)
    return _("%(h)s 小时 %(n)s 分钟", h=hours, n=rest) if rest else _("%(h)s 小时", h=hours)


def month(value: Month) -> str:
    """2026年11月, Nov 2026."""
    return f"{value.year}年{value.number}月" if chinese() else str(format_date(value.first, "MMM y", locale="en"))
