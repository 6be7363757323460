#!/usr/bin/env bash
# Packs folders of test vectors into tests/vectors: pack-vectors.sh DIRECTORY NAME...; the same files give the same bytes.
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: $0 DIRECTORY NAME..." >&2; exit 2; }
from=$(cd "$1" && pwd)
cd "$(dirname "$0")/../tests/vectors"
for name in "${@:2}"; do
  tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX -C "$from" -cf - "$name" | xz -9e -T1 > "$name.tar.xz"
  echo "$name.tar.xz: $(stat -c %s "$name.tar.xz") bytes"
done
