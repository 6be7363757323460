#!/usr/bin/env bash
# Figures of this machine: the network, the EVM, the state. Peers by BENCH_GOQUORUM_EVM (path of GoQuorum's evm) and BENCH_ANVIL (URL of an anvil).
set -euo pipefail
cd "$(dirname "$0")/.."
export QUORUMMESH_ARTIFACTS=$PWD/artifacts
dotnet build tests/QuorumMesh.Benchmarks/QuorumMesh.Benchmarks.csproj -c Release -m:2 --nologo -v q
exec dotnet tests/QuorumMesh.Benchmarks/bin/Release/net10.0/QuorumMesh.Benchmarks.dll "${@:-network}"
