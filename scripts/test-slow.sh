#!/usr/bin/env bash
# The state test files of tests/QuorumMesh.Spec/slow.txt.
set -uo pipefail
cd "$(dirname "$0")/.."
source scripts/bounded.sh
out=$(mktemp -d); trap 'rm -rf "$out"' EXIT
scripts/vectors.sh || exit 1
project=tests/QuorumMesh.Spec
dotnet build "$project" -c Release -m:2 --nologo -v q -clp:NoSummary || exit 1
export QUORUMMESH_LONG=1
run_bounded "$out/slow" 120 "$project" --filter FullyQualifiedName~SlowStateTests --logger "console;verbosity=detailed" || { unfinished "$out/slow"; exit 1; }
