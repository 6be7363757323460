# Sourced by the scripts that run tests: a test project that hangs is ended and told about, and does not take the run with it.
#
#   run_bounded FOLDER MINUTES PROJECT [ARGUMENT...]   `dotnet test` with the arguments; its exit code. FOLDER is empty before.
#   unfinished FOLDER                                  what ran when the host ended before its tests did: threads, names of tests
#
# QUORUMMESH_TEST_MINUTES stands for every MINUTES, on a machine that is slower than most.

run_bounded() {
  local folder=$1 minutes=${QUORUMMESH_TEST_MINUTES:-$2} project=$3 code=0 watch
  mkdir -p "$folder"
  watch_run "$folder" "$minutes" &
  watch=$!
  # Blame writes down which tests have begun and not ended when the host is gone. Build servers of its own would outlive this.
  (
    echo $BASHPID > "$folder/pid"
    export MSBUILDDISABLENODEREUSE=1
    exec dotnet test "$project" -c Release --no-build --nologo -v q --blame --results-directory "$folder" "${@:4}"
  ) || code=$?
  kill "$watch" 2>/dev/null
  wait "$watch" 2>/dev/null
  if [ -n "$(running_tests "$folder")" ] || [ -s "$folder/hung" ]; then end_processes "$folder"; fi
  return $code
}

unfinished() {
  cat "$1/hung" 2>/dev/null
  running_tests "$1" | sed 's/^/  was running: /'
}

running_tests() {
  find "$1" -name 'Sequence_*.xml' -exec cat {} + 2>/dev/null | grep -F 'Completed="False"' | grep -oE ' DisplayName="[^"]*"' | sort -u \
    | sed -E 's/^ DisplayName="(.*)"$/\1/; s/&quot;/"/g; s/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g'
}

# Notes which processes the run has; past its time it ends the host, so that blame and loggers still write what they know, and then whatever is left.
watch_run() {
  local folder=$1 end=$((SECONDS + $2 * 60)) nap host
  exec {nap}<> <(:)
  until [ -s "$folder/pid" ]; do read -rt 0.1 -u "$nap"; done
  while [ $SECONDS -lt $end ]; do
    kill -0 $$ 2>/dev/null || return 0 # the script itself was ended
    family "$(cat "$folder/pid")" >> "$folder/processes"
    read -rt 5 -u "$nap"
  done
  family "$(cat "$folder/pid")" >> "$folder/processes"
  echo "  HUNG: not done after $2 minutes" > "$folder/hung"
  for host in $(hosts "$folder"); do
    stacks "$host" >> "$folder/hung"
    kill -KILL "$host" 2>/dev/null
  done
  read -rt 30 -u "$nap"
  end_processes "$folder"
}

# PID and all below it, each with the time it began: a number that was given anew is another process.
family() {
  cat /proc/[0-9]*/stat 2>/dev/null | awk -v root="$1" '
    { pid = $1; sub(/^[0-9]+ \(.*\) /, ""); parent[pid] = $2; began[pid] = $20 }
    END {
      kept[root]
      do { more = 0; for (p in parent) if (!(p in kept) && (parent[p] in kept)) { kept[p]; more = 1 } } while (more)
      for (p in kept) if (p in began) print p, began[p]
    }'
}

# Of the processes that were noted those that still run.
living() {
  local pid began stat
  sort -u "$1/processes" 2>/dev/null | while read -r pid began; do
    stat=$(cat "/proc/$pid/stat" 2>/dev/null) && [ "$(echo "${stat##*) }" | cut -d' ' -f20)" = "$began" ] && echo "$pid"
  done
}

hosts() {
  local pid
  for pid in $(living "$1"); do
    tr '\0' ' ' < "/proc/$pid/cmdline" 2>/dev/null | grep -qE '/testhost(\.dll)? ' && echo "$pid"
  done
}

end_processes() {
  local pid
  for pid in $(living "$1"); do kill -KILL "$pid" 2>/dev/null; done
}

# Where the threads of a .NET process stand: the runtime's own createdump tells, where it may look into the process.
stacks() {
  local report runtime
  runtime=$(grep -oE '/[^ ]*/libcoreclr\.so' "/proc/$1/maps" 2>/dev/null | head -n 1)
  [ -n "$runtime" ] || return 0
  report=$(mktemp -d)
  timeout 60 "${runtime%/*}/createdump" --crashreportonly -f "$report/host" "$1" >/dev/null 2>&1
  # Without the frames of the runner and threads that wait for work.
  cat "$report"/*.crashreport.json 2>/dev/null | awk -v most=30 '
    function tell() { if (lines > 1) printf "  thread %s\n%s", id, text }
    function value() { sub(/^[^:]*: *"/, ""); sub(/",?$/, ""); return $0 }
    /"native_thread_id"/ { tell(); id = value(); text = ""; lines = 0 }
    /"method_name"/ {
      frame = value()
      if (frame ~ /^(Xunit|Microsoft\.VisualStudio|System\.Reflection|System\.Runtime\.CompilerServices|System\.Threading\.ExecutionContext)\./) next
      if (frame ~ /(WorkerThreadStart|GateThreadStart|WaitThreadStart|TimerThread|StartCallback|SocketAsyncEngine\.EventLoop)\(\)$/) next
      if (lines++ < most) text = text "    at " frame "\n"
    }
    END { tell() }'
  rm -rf "$report"
}
