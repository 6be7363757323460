#!/usr/bin/env bash
# Kills under load, seven participants, many simulation seeds, slow vectors. Before a release.
set -uo pipefail
cd "$(dirname "$0")/.."
source scripts/bounded.sh
out=$(mktemp -d); trap 'rm -rf "$out"' EXIT
code=0
scripts/vectors.sh && scripts/build.sh || exit 1
run() {
  echo "== $1"
  run_bounded "$out/$1" "$2" "tests/$1/$1.csproj" --logger "console;verbosity=detailed" && return
  code=1
  unfinished "$out/$1"
}
export QUORUMMESH_LONG=1 QUORUMMESH_SEEDS=${QUORUMMESH_SEEDS:-300} QUORUMMESH_KILLS=${QUORUMMESH_KILLS:-54}
run QuorumMesh.Simulation 120
run QuorumMesh.Spec 120
run QuorumMesh.Enclave.Keys.Tests 30
run QuorumMesh.TxManager.Tests 30
run QuorumMesh.EndToEnd 240
[ $code -eq 0 ] && echo "the long tests passed" || echo "the long tests FAILED"
exit $code
