#!/usr/bin/env bash
# Builds the solution and shows how far it is.
set -euo pipefail
cd "$(dirname "$0")/.."
total=$(grep -c '"[^"]*\.csproj"' QuorumMesh.sln)
echo "Building $total projects"
dotnet build QuorumMesh.sln -c Release -m:2 --nologo -v m --tl:off -clp:NoSummary | scripts/progress.sh "$total"
