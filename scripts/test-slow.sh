#!/usr/bin/env bash
# The state test files of tests/QuorumMesh.Spec/slow.txt.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/vectors.sh
QUORUMMESH_LONG=1 dotnet test tests/QuorumMesh.Spec/QuorumMesh.Spec.csproj -c Release --nologo -v q \
  --filter FullyQualifiedName~SlowStateTests --logger "console;verbosity=detailed"
