"""Migrations by Alembic; `storage.migrate` applies them."""
