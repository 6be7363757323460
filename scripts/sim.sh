#!/usr/bin/env bash
# Seeded simulation of the pure BFT machines. SEEDS: how many in all, shared among the shapes of networks (12,000 by default); FIRST: the first seed;
# SHAPE: one shape alone; SEED: one seed alone; MS and WITHOUT: less of the faults (FaultPlan). A failure prints the command that runs it again, and shrunk.
set -euo pipefail
cd "$(dirname "$0")/.."
project=tests/QuorumMesh.Simulation/QuorumMesh.Simulation.csproj
shapes=14 # BftShape.All
[ -z "${SHAPE:-}" ] || shapes=1
export QUORUMMESH_SEEDS=$(( (${SEEDS:-12000} + shapes - 1) / shapes ))
export QUORUMMESH_FIRST_SEED=${FIRST:-1} QUORUMMESH_SEED=${SEED:-} QUORUMMESH_SHAPE=${SHAPE:-} QUORUMMESH_MS=${MS:-} QUORUMMESH_WITHOUT=${WITHOUT:-}
dotnet build "$project" -c Release -m:2 --nologo -v q
exec dotnet test "$project" -c Release --no-build --nologo -v q --filter "FullyQualifiedName~Simulation.Bft" \
  --logger "console;verbosity=detailed"
