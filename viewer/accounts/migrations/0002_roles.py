from django.conf import settings
from django.db import migrations, models

ROLES = ("reader", "curator", "administrator")


def give_roles(apps, schema_editor):
    """Who was an administrator stays one; who has imported may go on; all others read, as they do without a group."""
    groups = {name: apps.get_model("auth", "Group").objects.get_or_create(name=name)[0] for name in ROLES}
    has_imported = set(apps.get_model("copies", "CopyRun").objects.values_list("person_id", flat=True))
    for person in apps.get_model("auth", "User").objects.all():
        role = "administrator" if person.is_superuser else "curator" if person.pk in has_imported else "reader"
        person.groups.add(groups[role])


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("accounts", "0001_hashed_sessions"),
        ("copies", "0002_only_newest"),
    ]

    operations = [
        migrations.AddField(model_name="session", name="used_at", field=models.DateTimeField(null=True)),
        migrations.RunPython(give_roles, migrations.RunPython.noop),
    ]
