"""Where everything is kept: tables and statements of SQLAlchemy Core, migrations by Alembic."""
