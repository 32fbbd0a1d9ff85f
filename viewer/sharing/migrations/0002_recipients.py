"""Gives the table of the people whom a share names a model of its own, with the time at which they opened it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("sharing", "0001_shares"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Recipient",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        (
                            "share",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="recipients",
                                to="sharing.share",
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={"db_table": "sharing_share_people", "unique_together": {("share", "user")}},
                ),
                migrations.AlterField(
                    model_name="share",
                    name="people",
                    field=models.ManyToManyField(
                        related_name="shared_with_me", through="sharing.Recipient", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.AlterModelTable(name="recipient", table=None),
        migrations.RenameField(model_name="recipient", old_name="user", new_name="person"),
        migrations.AddField(model_name="recipient", name="read_at", field=models.DateTimeField(null=True)),
    ]
