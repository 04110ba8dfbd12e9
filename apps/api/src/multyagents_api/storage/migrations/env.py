"""Alembic's entry: run the migrations inside the transaction that `storage.migrate` opened."""

from alembic import context

from multyagents_api.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
