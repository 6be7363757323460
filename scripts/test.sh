#!/usr/bin/env bash
# Builds and runs every test project, each within a bound, then prints one line: N passed, N failed, N skipped. A project whose host hung or broke off before
# any test had failed is run once more, and named at the end; a test that failed is not run again.
set -uo pipefail
cd "$(dirname "$0")/.."
source scripts/bounded.sh
out=$(mktemp -d); trap 'rm -rf "$out"' EXIT
scripts/vectors.sh || exit 1
scripts/npm.sh
scripts/helm.sh
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
minutes() { case $1 in QuorumMesh.EndToEnd) echo 45 ;; QuorumMesh.Simulation | QuorumMesh.Spec) echo 20 ;; *) echo 10 ;; esac; }
# run FOLDER PROJECT: one run, told about when it did not go well.
run() {
  local name
  name=$(basename "$2" .csproj)
  run_bounded "$1" "$(minutes "$name")" "$2" --logger "trx;LogFileName=$out/$name.trx" > "$1.log" 2>&1 && return 0
  echo "FAILED $name"
  grep -vE '^\s*$|^Test run for|^VSTest|^Starting|^A total|^Passed! ' "$1.log" | tail -n 80
  unfinished "$1"
  return 1
}
# True when the host ended before its tests did and none of them had failed.
broke_off() { ! grep -qF '[FAIL]' "$1.log" && [ "$(count "$out/$2.trx" failed)" -eq 0 ]; }
number=0
again=()
for project in "${projects[@]}"; do
  name=$(basename "$project" .csproj); number=$((number + 1))
  echo "[$number/${#projects[@]}] $name"
  start=$SECONDS
  if ! run "$out/$name" "$project"; then
    if broke_off "$out/$name" "$name"; then
      echo "AGAIN $name: its host ended without a result, and no test had failed; this is the second and last time"
      again+=("$name: $(running_tests "$out/$name" | paste -sd ';' | sed 's/;/, /g; s/^$/before any test/')")
      rm -f "$out/$name.trx"
      run "$out/$name.again" "$project" || code=1
    else
      code=1
    fi
  fi
  if [ ! -s "$out/$name.trx" ]; then code=1; echo "$name gave no result"; continue; fi
  passed=$(count "$out/$name.trx" passed); failed=$(count "$out/$name.trx" failed); total=$(count "$out/$name.trx" total)
  echo "  $passed passed, $failed failed, $((total - passed - failed)) skipped in $((SECONDS - start)) s"
  reasons "$out/$name.trx"
done
for name in "${again[@]}"; do echo "RUN TWICE, its host hung or broke off while these ran: $name"; done
passed=$(count "$out"/*.trx passed); failed=$(count "$out"/*.trx failed); total=$(count "$out"/*.trx total)
[ "$passed" -gt 0 ] || code=1
[ "$failed" -eq 0 ] || code=1
echo "$passed passed, $failed failed, $((total - passed - failed)) skipped"
exit $code
