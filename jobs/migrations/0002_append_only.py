from django.db import migrations

from portal.kernel.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("jobs", "0001_initial")]
    operations = [
        append_only("jobs_ledgerentry"),
        append_only("jobs_usagerecord"),
        append_only("jobs_decision"),
    ]
