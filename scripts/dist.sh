#!/usr/bin/env bash
# Packs what `make publish` built into dist/: a tarball of programs, units, chart and docs, and SHA256SUMS. The same sources give the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."
rid=${1:-linux-x64}
version=$(grep -oE '<Version>[^<]+' Directory.Build.props | cut -d'>' -f2)
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
name=quorummesh-$version
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
mkdir -p "$work/$name" dist
cp -R artifacts/node artifacts/txmanager artifacts/enclave artifacts/qmesh deploy/systemd deploy/compose helm docs "$work/$name/"
cp README.md LICENSE CHANGELOG.md "$work/$name/"
chmod -R u=rwX,go=rX "$work/$name"
tar --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --format=gnu -C "$work" -cf - "$name" | gzip -n -9 > "dist/$name-$rid.tar.gz"
(cd dist && sha256sum "$name-$rid.tar.gz" > SHA256SUMS && cat SHA256SUMS && du -h "$name-$rid.tar.gz")
