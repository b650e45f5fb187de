from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_more_append_only")]
    operations = [
        migrations.AddField(
            model_name="organisation",
            name="is_natural_person",
            field=models.BooleanField(default=False, verbose_name="the company is one person (a sole trader)"),
        ),
        migrations.AddField(
            model_name="informationrequest",
            name="bundle",
            field=models.FileField(blank=True, upload_to="information-requests/%Y"),
        ),
    ]
