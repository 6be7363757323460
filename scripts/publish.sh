#!/usr/bin/env bash
# Publishes the four programs with their native libraries beside them: the enclave as machine code alone, the others ReadyToRun.
# Skips the work when the sources have not changed since the last publish.
set -euo pipefail
cd "$(dirname "$0")/.."
# ldconfig is not on the path of an ordinary Debian user.
PATH=$PATH:/usr/sbin:/sbin
rid=${1:-linux-x64}
stamp=artifacts/.stamp
sum=$( (git ls-files -s -- services shared Directory.* global.json scripts/publish.sh; git diff HEAD -- services shared Directory.* scripts/publish.sh; \
        git ls-files -o --exclude-standard -- services shared | xargs -r sha1sum; echo "$rid") | sha1sum | cut -d' ' -f1)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$sum" ]; then exit 0; fi
rm -f "$stamp"
# The projects that one needs, itself included.
closure() {
  local seen=" " queue=("$1") path reference
  while [ ${#queue[@]} -gt 0 ]; do
    path=${queue[0]}; queue=("${queue[@]:1}")
    [[ $seen != *" $path "* ]] || continue
    seen+="$path "
    while IFS= read -r reference; do queue+=("$(realpath --relative-to=. "$(dirname "$path")/$reference")"); done \
      < <(grep -oE '<ProjectReference Include="[^"]+' "$path" | cut -d'"' -f2)
  done
  wc -w <<<"$seen"
}
number=0
compiled=(--self-contained false -p:PublishReadyToRun=true)
# Machine code alone is linked with the system's own tools, so for this machine's kind; for another kind the enclave is made as the others are.
enclave=()
[ "$rid" = "linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')" ] || enclave=("${compiled[@]}" -p:PublishAot=false)
# publish PROJECT FOLDER HOW...
publish() {
  number=$((number + 1))
  echo "Publishing $2, program $number of 4"
  rm -rf "artifacts/$2"
  dotnet publish "$1" -c Release -r "$rid" "${@:3}" -p:DebugType=none -p:GenerateDocumentationFile=false \
    -o "artifacts/$2" -m:2 --nologo -v m --tl:off | scripts/progress.sh "$(closure "$1")"
  # The CPU-portable native library travels with the binaries, so that a host needs no package of its own.
  # The whole list is read first: a reader that stops early would end ldconfig with SIGPIPE, and this script with it.
  local libraries lib
  libraries=$(ldconfig -p)
  lib=$(awk '/libsecp256k1\.so\.1/ && !found {print $NF; found = 1}' <<<"$libraries")
  [ -z "$lib" ] || cp -L "$lib" "artifacts/$2/libsecp256k1.so.1"
}
publish services/node/QuorumMesh.Node/QuorumMesh.Node.csproj node "${compiled[@]}"
publish services/txmanager/QuorumMesh.TxManager/QuorumMesh.TxManager.csproj txmanager "${compiled[@]}"
publish services/enclave/QuorumMesh.Enclave/QuorumMesh.Enclave.csproj enclave ${enclave[@]+"${enclave[@]}"}
publish services/cli/QuorumMesh.Cli/QuorumMesh.Cli.csproj qmesh "${compiled[@]}"
echo "$sum" > "$stamp"
