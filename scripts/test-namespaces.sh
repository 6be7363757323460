#!/usr/bin/env bash
# Networks of published processes, each participant in a network namespace, under seeded faults of network and machines. MINUTES (3) of
# faults, over all shapes; FILTER: of tests, as raft; QUORUMMESH_SEED; QUORUMMESH_KEEP leaves data and logs in /tmp. Whatever happens, no
# namespace, interface or process is left.
set -uo pipefail
cd "$(dirname "$0")/.."
source scripts/bounded.sh
# ip and tc are not on the path of every user.
PATH=$PATH:/usr/sbin:/sbin
minutes=${MINUTES:-3}
project=tests/QuorumMesh.EndToEnd
skip() { echo "skipped: $1"; exit 0; }
if [ "${1:-}" = inside ]; then
  out=$(mktemp -d); trap 'rm -rf "$out"' EXIT
  ip link set lo up
  export QUORUMMESH_NAMESPACE_MINUTES=$minutes
  run_bounded "$out/namespaces" $((${minutes%.*} + 60)) "$project" \
    --filter "FullyQualifiedName~QuorumMesh.EndToEnd.Namespaces${FILTER:+&DisplayName~$FILTER}" \
    --logger "console;verbosity=detailed" || { unfinished "$out/namespaces"; exit 1; }
  exit 0
fi
[ "$(id -u)" = 0 ] || skip "network namespaces need root: run it as root"
for tool in ip tc unshare; do command -v "$tool" >/dev/null || skip "there is no $tool: install iproute2 and util-linux"; done
enclose=(unshare --net --mount --pid --fork --kill-child --mount-proc)
"${enclose[@]}" ip link add qm type veth peer name qmp 2>/dev/null || skip "this machine gives no network namespaces and veth links"
"${enclose[@]}" tc qdisc add dev lo root tbf rate 1mbit burst 16kb latency 500ms 2>/dev/null \
  || skip "this kernel has no tbf (sch_tbf), for slow links"
dotnet build "$project" -c Release -m:2 --nologo -v q -clp:NoSummary || exit 1
"${enclose[@]}" "$0" inside
