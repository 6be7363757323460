#!/usr/bin/env bash
# Kills under load, seven participants, many simulation seeds, slow vectors. Before a release.
set -uo pipefail
cd "$(dirname "$0")/.."
code=0
scripts/vectors.sh && scripts/build.sh || exit 1
run() {
  echo "== $1"
  dotnet test "tests/$1/$1.csproj" -c Release --no-build --nologo -v q --logger "console;verbosity=detailed" "${@:2}" || code=1
}
export QUORUMMESH_LONG=1 QUORUMMESH_SEEDS=${QUORUMMESH_SEEDS:-300} QUORUMMESH_KILLS=${QUORUMMESH_KILLS:-54}
run QuorumMesh.Simulation
run QuorumMesh.Spec
run QuorumMesh.Enclave.Keys.Tests
run QuorumMesh.EndToEnd
[ $code -eq 0 ] && echo "the long tests passed" || echo "the long tests FAILED"
exit $code
