"""Alembic's entry: the connection comes from `service.store.migrate`, inside its one transaction."""

from alembic import context

from service.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # SQLite rolls back schema changes too; Alembic assumes it can't
)
context.run_migrations()
