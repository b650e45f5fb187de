from django.db import migrations

from portal.kernel.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("jobs", "0004_federation")]
    operations = [append_only("jobs_jobmove")]
