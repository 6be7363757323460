#!/usr/bin/env bash
# Figures of this machine: the network, the network beside GoQuorum's, what starting costs, the EVM, the state. Peers by BENCH_GOQUORUM
# (path of GoQuorum 2.5's geth), BENCH_GOQUORUM_EVM (path of its evm) and BENCH_ANVIL (URL of an anvil started with
# --hardfork istanbul --disable-block-gas-limit). BENCH_INSECURE=1 measures the network without TLS.
# The byte codes are read from BENCH_EVM_CASES, by default ../shared/bench/evm.
set -euo pipefail
cd "$(dirname "$0")/.."
export QUORUMMESH_ARTIFACTS=$PWD/artifacts
cases=${BENCH_EVM_CASES:-../shared/bench/evm}
dotnet build tests/QuorumMesh.Benchmarks/QuorumMesh.Benchmarks.csproj -c Release -m:2 --nologo -v q
bench() { dotnet tests/QuorumMesh.Benchmarks/bin/Release/net10.0/QuorumMesh.Benchmarks.dll "$@"; }
if [ $# -gt 0 ]; then bench "$@"; exit; fi
bench network
bench compare
bench private
bench start
bench network ibft
bench network qbft
bench recover
bench state
bench blocks
if [ -d "$cases" ]; then bench evm "$cases"; else echo "no byte codes in $cases: set BENCH_EVM_CASES"; fi
