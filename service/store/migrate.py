"""Brings a database to the schema of this program: all missing revisions in one transaction, or none."""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from service.errors import StoreTooNewError
from service.store.schema import HEAD

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def migrate(connection: Connection, file: Path) -> None:
    """Call inside a transaction that holds the write lock. Readers of the old schema go on meanwhile.

    Raises:
        StoreTooNewError: a revision that this program doesn't know wrote it.
    """
    revision = _revision(connection)
    if revision == HEAD:
        return
    from alembic import command  # a tenth of a second that an up-to-date store needn't spend
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise StoreTooNewError(
            f"{file}: written by a newer handspike (schema {revision}; this one knows up to {HEAD}); "
            "install that version again, or give another data_dir"
        )
    command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
