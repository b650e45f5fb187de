"""Tables whose rows are born and never change. The database refuses, whoever asks."""

from django.db import migrations

FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are append-only: write a new row that corrects the old one', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""


def append_only(table: str) -> migrations.RunSQL:
    """A migration operation: UPDATE and DELETE on that table raise an IntegrityError from now on."""
    return migrations.RunSQL(
        sql=FUNCTION
        + f'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON "{table}" '
        + "FOR EACH ROW EXECUTE FUNCTION refuse_change();",
        reverse_sql=f'DROP TRIGGER append_only ON "{table}";',
    )
