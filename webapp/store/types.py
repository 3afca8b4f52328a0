"""Column types. Python sees uuid.UUID and aware UTC datetimes on both databases; money is a BigInteger of fen."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Annotated, Any

import sqlalchemy as sa
from sqlalchemy.orm import mapped_column


class Uuid(sa.types.TypeDecorator[uuid.UUID]):
    """16 bytes on SQLite, UUID on PostgreSQL."""

    impl = sa.LargeBinary(16)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(sa.Uuid() if dialect.name == "postgresql" else sa.LargeBinary(16))

    def process_bind_param(self, value: uuid.UUID | None, dialect: sa.Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else value.bytes

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> uuid.UUID | None:
        return value if value is None or isinstance(value, uuid.UUID) else uuid.UUID(bytes=value)


class Instant(sa.types.TypeDecorator[datetime]):
    """An aware UTC datetime; timestamptz on PostgreSQL, ISO text (which sorts) on SQLite."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime is no instant")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # only INTEGER counts up by itself on SQLite

Key = Annotated[uuid.UUID, mapped_column(Uuid())]
At = Annotated[datetime, mapped_column(Instant())]
Fen = Annotated[int, mapped_column(sa.BigInteger())]
Words = Annotated[str, mapped_column(sa.Text())]
