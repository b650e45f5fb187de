from django.db import migrations

from portal.kernel.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_public_support")]
    operations = [
        append_only("accounts_legalparameter"),
        append_only("accounts_aidletter"),
        append_only("accounts_registerexport"),
        append_only("accounts_sizereview"),
    ]
