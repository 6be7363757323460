#!/usr/bin/env bash
# Our nodes and GoQuorum's in Raft clusters and IBFT networks. QUORUMMESH_GOQUORUM names the geth of a GoQuorum, 2.5 to 21.1, which this repository does not hold.
set -uo pipefail
cd "$(dirname "$0")/.."
source scripts/bounded.sh
out=$(mktemp -d); trap 'rm -rf "$out"' EXIT
if [ ! -x "${QUORUMMESH_GOQUORUM:-}" ]; then
  echo "skipped: QUORUMMESH_GOQUORUM names no program; set it to a geth of GoQuorum, 2.5 to 21.1"
  exit 0
fi
export QUORUMMESH_GOQUORUM
QUORUMMESH_GOQUORUM=$(realpath "$QUORUMMESH_GOQUORUM")
"$QUORUMMESH_GOQUORUM" version | grep -E '^Quorum Version' || { echo "$QUORUMMESH_GOQUORUM is no GoQuorum"; exit 1; }
project=tests/QuorumMesh.EndToEnd
dotnet build "$project" -c Release -m:2 --nologo -v q -clp:NoSummary || exit 1
run_bounded "$out/peers" 90 "$project" --filter "FullyQualifiedName~QuorumMesh.EndToEnd.Peers" --logger "console;verbosity=normal" \
  || { unfinished "$out/peers"; exit 1; }
