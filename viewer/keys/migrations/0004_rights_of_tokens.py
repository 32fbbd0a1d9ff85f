from django.db import migrations, models


class Migration(migrations.Migration):
    """Machines with the previous version do not know the columns: what they create only reads."""

    dependencies = [
        ("keys", "0003_own_headers"),
    ]

    operations = [
        migrations.AddField("accesstoken", "may_import", models.BooleanField(default=False, db_default=False)),
        migrations.AddField("accesstoken", "may_change_metadata", models.BooleanField(default=False, db_default=False)),
        migrations.AddField("accesstoken", "may_delete", models.BooleanField(default=False, db_default=False)),
    ]
