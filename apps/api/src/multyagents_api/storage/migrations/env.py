"""Alembic's entry: the migrations run on the connection and in the transaction that `storage.migrate` opened."""

from alembic import context

from multyagents_api.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
