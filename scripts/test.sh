#!/usr/bin/env bash
# Builds and runs every test project, then prints one line: N passed, N failed, N skipped.
set -uo pipefail
cd "$(dirname "$0")/.."
out=$(mktemp -d); trap 'rm -rf "$out"' EXIT
scripts/publish.sh linux-x64 || exit 1
dotnet build QuorumMesh.sln -c Release -m:2 --nologo -v q || { echo "build failed"; exit 1; }
code=0
for project in tests/*/*.csproj; do
  name=$(basename "$project" .csproj)
  case $name in QuorumMesh.Benchmarks | QuorumMesh.Fuzz) continue ;; esac
  start=$SECONDS
  if ! dotnet test "$project" -c Release --no-build --nologo -v q --logger "trx;LogFileName=$out/$name.trx" >"$out/$name.log" 2>&1; then
    code=1; echo "FAILED $name"; grep -vE '^\s*$|^Test run for|^VSTest|^Starting|^A total' "$out/$name.log" | tail -n 80
  fi
  if [ ! -s "$out/$name.trx" ]; then code=1; echo "$name gave no result"; fi
  echo "$name $((SECONDS - start)) s"
done
sum() { cat "$out"/*.trx 2>/dev/null | grep -oE "<Counters [^>]*" | grep -oE " $1=\"[0-9]+\"" | grep -oE '[0-9]+' | awk '{s+=$1} END {print s+0}'; }
passed=$(sum passed); failed=$(sum failed); total=$(sum total)
[ "$passed" -gt 0 ] || code=1
[ "$failed" -eq 0 ] || code=1
echo "$passed passed, $failed failed, $((total - passed - failed)) skipped"
exit $code
