#!/bin/sh
# inspect-ai 0.3.285 packs the samples of a log with Zstandard, which Python's `zipfile` has from 3.14 on (backports.zstd
# 1.8.0 is the same code for older ones). One would guess that they meet. They do until a sample has more than 200 MiB:
# then Inspect begins a new frame, `zipfile` stops after the first one and finds the checksum wrong
# (python/cpython issue 154481), so a whole log looks damaged. Both frames are valid, and `ZstdFile` reads them.
# Seen 2026-11-30 on Python 3.11.7.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check inspect-ai==0.3.285 backports.zstd==1.8.0
cd "$home"
cat >expected <<'END'
short.eval: 10 bytes
long.eval: Bad CRC-32 for file 'samples/1_epoch_1.json'
END
"$home/bin/python" - 2>log <<'END' || { cat log >&2; exit 1; }
from inspect_ai._util.zipfile import zipfile_compress_kwargs
from zipfile import ZipFile

for name, size in (("short", 1), ("long", 201 << 20)):
    with ZipFile(f"{name}.eval", "w", **zipfile_compress_kwargs) as log:
        log.writestr("samples/1_epoch_1.json", '{"id": "' + "7" * size + '"')
END
"$home/bin/python" - >seen <<'END'
from backports.zstd.zipfile import BadZipFile, ZipFile

for name in ("short.eval", "long.eval"):
    try:
        print(f"{name}: {len(ZipFile(name).read('samples/1_epoch_1.json'))} bytes")
    except BadZipFile as error:
        print(f"{name}: {error}")
END
diff expected seen && echo "as described"
