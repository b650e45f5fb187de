from django.db import migrations

from portal.kernel.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [
        append_only("accounts_auditevent"),
        append_only("accounts_aidaward"),
        append_only("accounts_aidassessment"),
        append_only("accounts_aiddeclaration"),
    ]
