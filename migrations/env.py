"""One history for SQLite and PostgreSQL."""

from alembic import context

config, metadata = context.config, context.config.attributes["metadata"]
engine = config.attributes["engine"]

with engine.connect() as connection:
    lite = connection.dialect.name == "sqlite"
    if lite:  # a batch move drops the old table: with foreign_keys on, ON DELETE CASCADE empties the children
        connection.connection.dbapi_connection.execute("pragma foreign_keys=off")
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        compare_type=True,
        compare_server_default=True,
        transaction_per_migration=not lite,
        user_module_prefix="types.",
    )
    with context.begin_transaction():
        context.run_migrations()
        if lite and (broken := connection.exec_driver_sql("pragma foreign_key_check").all()):
            raise RuntimeError(f"foreign keys broken: {broken[:5]}")
    if lite:
        connection.connection.dbapi_connection.execute("pragma foreign_keys=on")
