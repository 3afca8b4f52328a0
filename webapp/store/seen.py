"""Nobody writes over what they have not seen: columns that are about to change still say what this session read in them.

SQLite lets one writer begin at a time and needs no asking. On PostgreSQL two requests may read a row in the same moment and both
go on from what it said; the second is stopped here, as the database itself would stop it at a stricter isolation, which would
stop many more who are in nobody's way.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

AGAIN = ("40001", "40P01")
"""PostgreSQL's words for: somebody else was first, do it once more (serialization failure, deadlock)."""


class Overtaken(Exception):
    """A row was changed after this session had read it."""

    sqlstate = AGAIN[0]


def check(session: orm.Session, _context: Any, _rows: Any) -> None:
    """Hold the rows that this flush changes, if they are not held yet, and compare what was read.

    Raises OperationalError where somebody was first.
    """
    wanted: dict[tuple[Any, tuple[str, ...]], dict[tuple[Any, ...], list[Any]]] = defaultdict(dict)
    for row in set(session.dirty) - session.info.get("held", set()):
        state = sa.inspect(row)
        read = {each.key: was for each in state.mapper.column_attrs if (was := state.attrs[each.key].history.deleted)}
        if read:
            wanted[state.mapper, tuple(read)][state.identity] = [was[0] for was in read.values()]
    for (mapper, names), rows in wanted.items():
        key = mapper.primary_key
        ask = sa.select(*key, *(mapper.attrs[name].columns[0] for name in names)).where(sa.tuple_(*key).in_(list(rows)))
        found = session.execute(ask.order_by(*key).with_for_update(key_share=True)).all()
        if {tuple(each[: len(key)]): list(each[len(key) :]) for each in found} != rows:
            raise _late(mapper, names)


def change(line: sa.Connection, row: Any, new: dict[str, Any]) -> None:
    """Give columns of `row` new values in one statement that holds only while they say what was read. Raises as `check` does."""
    here = sa.inspect(row)
    columns = {name: here.mapper.attrs[name].columns[0] for name in new}
    its = [key == value for key, value in zip(here.mapper.primary_key, here.identity, strict=True)]
    read = [column.is_not_distinct_from(getattr(row, name)) for name, column in columns.items()]
    done = line.execute(sa.update(here.mapper.local_table).where(*its, *read).values({columns[name]: new[name] for name in new}))
    if done.rowcount != 1:
        raise _late(here.mapper, tuple(new))
    for name, value in new.items():
        orm.attributes.set_committed_value(row, name, value)


def _late(mapper: Any, names: tuple[str, ...]) -> sa.exc.OperationalError:
    return sa.exc.OperationalError("overtaken", {}, Overtaken(mapper.class_.__name__, *names))


def overtaken(error: sa.exc.DBAPIError) -> bool:
    """Whether somebody else was first, so that it may simply be done once more."""
    return getattr(error.orig, "sqlstate", None) in AGAIN
