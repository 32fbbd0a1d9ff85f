#!/usr/bin/env python
from __future__ import annotations

import os
import sys


def main() -> None:
    os.umask(0o077)  # what commands and the server write is for this user alone
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "viewer.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import Error

    from viewer.deployment.priority import give_way

    give_way()
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"lectern: {error}")
    except Error as error:
        from viewer.deployment.database import explain

        sys.exit(f"lectern: {explain(error)}")
    except OSError as error:
        if error.filename is None and error.strerror is None:
            raise
        sys.exit(f"lectern: {error.filename or 'Writing failed'}: {error.strerror}.")
    except EOFError:  # Ctrl-D where a password is asked for
        sys.exit("lectern: the input ended before everything was answered.")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
