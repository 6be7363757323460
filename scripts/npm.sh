#!/usr/bin/env bash
# Installs the pinned npm packages of examples/javascript, which the tests with ethers, viem and web3 need; without npm, or without its registry, those are skipped.
set -uo pipefail
cd "$(dirname "$0")/../examples/javascript"
command -v npm >/dev/null && command -v node >/dev/null || { echo "no npm: tests with JavaScript libraries are skipped"; exit 0; }
[ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ] || exit 0
echo "Installing npm packages for the tests with JavaScript libraries"
timeout 300 npm ci --no-audit --no-fund --silent || { rm -rf node_modules; echo "npm packages could not be installed: tests with JavaScript libraries are skipped"; }
