from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('copies', '0004_erase_deleted'),
    ]

    operations = [
        migrations.AddField(
            model_name='copyrun',
            name='ids',
            field=models.TextField(blank=True, db_default=''),
        ),
        migrations.AddField(
            model_name='copyrun',
            name='follows_metadata',
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
