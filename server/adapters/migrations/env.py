"""Run by Alembic: applies the revisions on the connection that `server.adapters.database.migrate` opened."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
