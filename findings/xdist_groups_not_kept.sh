#!/bin/sh
# pytest-xdist 3.8.0 with pytest 9.2.0, `--dist loadgroup`: tests of one `xdist_group` were expected to run in one process,
# as they do with pytest 8.4.2. They run in several, without a warning: the group is added to `item._nodeid`, which this
# pytest does not read any more. So tests that build on each other fail now and then; `--dist loadfile` keeps a file
# together.
# Seen 2026-11-30 on Python 3.11.7.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
cat >"$home/test_group.py" <<'END'
import os
import time

import pytest


@pytest.mark.xdist_group("one")
@pytest.mark.parametrize("number", range(8))
def test_of_the_group(number):
    time.sleep(0.3)
    with open("processes", "a") as processes:
        print(os.environ["PYTEST_XDIST_WORKER"], file=processes)
END
cat >"$home/expected" <<'END'
pytest 8.4.2: processes 1
pytest 9.2.0: processes 2
END
cd "$home"
for version in 8.4.2 9.2.0; do
    bin/pip install --quiet --disable-pip-version-check "pytest==$version" pytest-xdist==3.8.0
    rm -f processes
    bin/python -m pytest --quiet --numprocesses 2 --dist loadgroup test_group.py >/dev/null
    echo "pytest $version: processes $(sort -u processes | wc -l)"
done >seen
diff expected seen && echo "as described"
