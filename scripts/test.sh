#!/usr/bin/env bash
# Builds and runs every test project, then prints one line: N passed, N failed, N skipped.
set -uo pipefail
cd "$(dirname "$0")/.."
out=$(mktemp -d); trap 'rm -rf "$out"' EXIT
scripts/vectors.sh || exit 1
scripts/publish.sh linux-x64 || exit 1
scripts/build.sh || { echo "build failed"; exit 1; }
code=0
projects=()
for project in tests/*/*.csproj; do
  case $(basename "$project" .csproj) in QuorumMesh.Benchmarks | QuorumMesh.Fuzz) ;; *) projects+=("$project") ;; esac
done
# count FILE... KIND: the sum of one of trx's counters.
count() { cat "${@:1:$#-1}" 2>/dev/null | grep -oE "<Counters [^>]*" | grep -oE " ${!#}=\"[0-9]+\"" | grep -oE '[0-9]+' | awk '{s+=$1} END {print s+0}'; }
# Why tests were skipped, with how many share a reason.
reasons() {
  tr '\n' ' ' < "$1" | sed 's/<UnitTestResult /\n&/g' | grep -E '^<UnitTestResult [^>]*outcome="NotExecuted"' | sed 's/<\/UnitTestResult>.*//' | grep -oE '<Message>[^<]*' \
    | sed -E 's/^<Message>/  skipped: /; s/&quot;/"/g; s/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g' | sort | uniq -c | sed -E 's/^ *([0-9]+) (.*)/\2 (\1)/'
}
number=0
for project in "${projects[@]}"; do
  name=$(basename "$project" .csproj); number=$((number + 1))
  echo "[$number/${#projects[@]}] $name"
  start=$SECONDS
  if ! dotnet test "$project" -c Release --no-build --nologo -v q --logger "trx;LogFileName=$out/$name.trx" >"$out/$name.log" 2>&1; then
    code=1; echo "FAILED $name"; grep -vE '^\s*$|^Test run for|^VSTest|^Starting|^A total' "$out/$name.log" | tail -n 80
  fi
  if [ ! -s "$out/$name.trx" ]; then code=1; echo "$name gave no result"; continue; fi
  passed=$(count "$out/$name.trx" passed); failed=$(count "$out/$name.trx" failed); total=$(count "$out/$name.trx" total)
  echo "  $passed passed, $failed failed, $((total - passed - failed)) skipped in $((SECONDS - start)) s"
  reasons "$out/$name.trx"
done
passed=$(count "$out"/*.trx passed); failed=$(count "$out"/*.trx failed); total=$(count "$out"/*.trx total)
[ "$passed" -gt 0 ] || code=1
[ "$failed" -eq 0 ] || code=1
echo "$passed passed, $failed failed, $((total - passed - failed)) skipped"
exit $code
