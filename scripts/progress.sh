#!/usr/bin/env bash
# Filters what `dotnet build` or `publish` prints with `-v m --tl:off`: one line for each project that is done, "[n/m] name", warnings and errors as they are.
# The argument is m. Without a line in 20 seconds it says that it is still at work.
set -euo pipefail
total=$1 done=0 start=$SECONDS partial=""
while :; do
  code=0; IFS= read -r -t 20 line || code=$?
  line=$partial$line partial=""
  if [ $code -gt 128 ]; then echo "  still at work, $((SECONDS - start)) s"; partial=$line; continue; fi
  if [ $code -ne 0 ] && [ -z "$line" ]; then break; fi
  case $line in
    *"Determining projects to restore"*) echo "  restoring packages (the first time they are downloaded)" ;;
    "  Restored "* | *"projects are up-to-date for restore"* | "") ;;
    *" -> "*.dll) done=$((done + 1)); name=${line%% -> *}; echo "  [$done/$total] ${name##* }" ;;
    *" -> "*) ;;
    *) printf '%s\n' "$line" ;;
  esac
  [ $code -eq 0 ] || break
done
