#!/usr/bin/env bash
# Installs the native parts that the build needs, and with the argument `test` those of the tests too (PostgreSQL, xz), and says so. Idempotent.
set -euo pipefail
# ldconfig is not on the path of an ordinary Debian user.
PATH=$PATH:/usr/sbin:/sbin
missing=()
libraries=$(ldconfig -p)
[[ $libraries == *libsecp256k1.so.1* ]] || missing+=(libsecp256k1-1)
# Links the enclave.
command -v gcc >/dev/null || missing+=(gcc libc6-dev)
if [ "${1:-}" = test ]; then
  ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing+=(postgresql)
  command -v xz >/dev/null || missing+=(xz-utils)
fi
command -v dotnet >/dev/null || { echo "The .NET 10 SDK is missing: install it from https://dot.net and run make again." >&2; exit 1; }
if [ ${#missing[@]} -gt 0 ]; then
  echo "Installing ${missing[*]} (Debian packages)"
  sudo=(); [ "$(id -u)" = 0 ] || sudo=(sudo)
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq \
    && "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null \
    || { echo "Could not install ${missing[*]}: run 'apt-get install ${missing[*]}' as root, then make again." >&2; exit 1; }
fi
