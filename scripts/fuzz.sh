#!/usr/bin/env bash
# Random programs in both tiers of the EVM. FUZZ_PROGRAMS, FUZZ_SEED, FUZZ_FIRST, FUZZ_THREADS; failing cases go to FUZZ_OUT, by default artifacts/fuzz.
# With files as arguments: those cases again.
set -euo pipefail
cd "$(dirname "$0")/.."
export FUZZ_OUT=${FUZZ_OUT:-artifacts/fuzz}
dotnet build tests/QuorumMesh.Fuzz/QuorumMesh.Fuzz.csproj -c Release -m:2 --nologo -v q
exec dotnet tests/QuorumMesh.Fuzz/bin/Release/net10.0/QuorumMesh.Fuzz.dll "$@"
