#!/usr/bin/env bash
# Unpacks tests/vectors/*.tar.xz into tests/vectors/unpacked, where the tests find them. Does nothing when that is done already.
set -euo pipefail
cd "$(dirname "$0")/../tests/vectors"
target=unpacked
stamp=$target/.stamp
sum=$(sha256sum -- *.tar.xz)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$sum" ]; then exit 0; fi
command -v xz >/dev/null || { echo "xz is missing: run 'make deps', or apt-get install xz-utils, and try again." >&2; exit 1; }
archives=(*.tar.xz)
echo "Unpacking ${#archives[@]} archives of test vectors"
# Into a folder of its own first: whoever looks meanwhile, or after a run that was cut off, finds all of it or none.
fresh=$(mktemp -d "$PWD/.unpacking-XXXXXX")
trap 'rm -rf "$fresh"' EXIT
for archive in "${archives[@]}"; do tar -xJf "$archive" -C "$fresh"; done
printf '%s\n' "$sum" > "$fresh/.stamp"
chmod 755 "$fresh"
rm -rf "$target"
mv "$fresh" "$target"
