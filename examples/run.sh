#!/usr/bin/env bash
# Runs the programs of every language whose tools and packages are here, against a network that is up; tells what was skipped, and why.
# RPC_URL: a node. ACCOUNT: an account unlocked there. RECIPIENT: another member's transaction manager key.
# For web3j-quorum also TM_URL and TM_KEY: the node's own transaction manager (Q2T over HTTP) and its key.
# Without arguments all languages; with arguments those named: csharp javascript python go java rust
set -uo pipefail
cd "$(dirname "$0")"
export RPC_URL="${RPC_URL:?a node, such as http://127.0.0.1:22000}" ACCOUNT="${ACCOUNT:?an account unlocked at the node}"
export RECIPIENT="${RECIPIENT:?the transaction manager key of another member}"
log=$(mktemp); trap 'rm -f "$log"' EXIT
ran=0; failed=0; skipped=0

skip() { skipped=$((skipped + 1)); echo "skipped $1: $2"; }
# A program, not one of the functions here.
has() { type -P "$1" > /dev/null; }
# packages FOLDER COMMAND...: true when a language's packages are here or can be fetched; what went wrong lies in the log.
packages() { (cd "$1" && timeout 600 "${@:2}") > "$log" 2>&1; }
reason() {
  sed 's/\x1b\[[0-9;]*m//g' "$log" | grep -v ':$' | { grep -m 1 -iE 'error|could not|invalid' || echo "no packages"; } | cut -c 1-200
}
# run NAME FOLDER COMMAND...: one program, and what it printed.
run() {
  if (cd "$2" && timeout 600 "${@:3}") > "$log" 2>&1; then
    ran=$((ran + 1)); echo "$1: $(tail -n 1 "$log")"
  else
    failed=$((failed + 1)); echo "FAILED $1:"; tail -n 20 "$log"
  fi
}

csharp() {
  has dotnet || { skip csharp "no dotnet"; return; }
  packages csharp dotnet build -c Release --nologo || { failed=$((failed + 1)); echo "FAILED csharp:"; tail -n 20 "$log"; return; }
  for program in public private-node private-key; do run "csharp $program" csharp dotnet run -c Release --no-build -- "$program"; done
}
javascript() {
  has node || { skip javascript "no node"; return; }
  [ -d javascript/node_modules/ethers ] || { skip javascript "no packages: npm ci in examples/javascript"; return; }
  for program in public private-node private-key; do run "javascript $program" javascript node "$program.mjs"; done
}
python() {
  has python3 || { skip python "no python3"; return; }
  packages python python3 -c 'import web3, eth_account, rlp' || { skip python "$(reason) (pip install -r requirements.txt)"; return; }
  for program in public private_node private_key; do run "python $program" python python3 "$program.py"; done
}
go() {
  has go || { skip go "no go"; return; }
  packages go go mod download || { skip go "$(reason)"; return; }
  for program in public private-node private-key; do run "go $program" go go run -mod=mod "./$program"; done
}
java() {
  has mvn || { skip java "no mvn"; return; }
  if packages java/core mvn -q -B dependency:resolve; then
    for program in Public PrivateNode; do run "java $program" java/core mvn -q -B compile exec:java "-Dexec.mainClass=$program"; done
  else
    skip "java core" "$(reason)"
  fi
  [ -n "${TM_URL:-}" ] && [ -n "${TM_KEY:-}" ] || { skip "java quorum" "TM_URL and TM_KEY are not set"; return; }
  packages java/quorum mvn -q -B dependency:resolve || { skip "java quorum" "$(reason)"; return; }
  run "java PrivateKey" java/quorum mvn -q -B compile exec:java -Dexec.mainClass=PrivateKey
}
rust() {
  has cargo || { skip rust "no cargo"; return; }
  packages rust cargo fetch -q || { skip rust "$(reason)"; return; }
  for program in public private-node private-key; do run "rust $program" rust cargo run -q --bin "$program"; done
}

[ $# -gt 0 ] || set -- csharp javascript python go java rust
for language in "$@"; do
  case $language in csharp | javascript | python | go | java | rust) "$language" ;; *) echo "unknown language $language" >&2; exit 2 ;; esac
done
echo "$ran ran, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
