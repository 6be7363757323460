# QuorumMesh: the commands that stay stable. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

RID ?= linux-x64
NETWORK_DIR ?= network
CONSENSUS ?= raft
PARTICIPANTS ?= $(if $(filter raft,$(CONSENSUS)),3,4)
PORT_OFFSET ?= 0
export DOTNET_CLI_TELEMETRY_OPTOUT := 1
export DOTNET_NOLOGO := 1

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

deps: ## install what a fresh Debian 12 with the .NET 10 SDK lacks to build and run
	@scripts/deps.sh

test-deps: ## and what the tests need beside it: PostgreSQL, xz
	@scripts/deps.sh test

build: deps ## build everything
	@scripts/build.sh

vectors: test-deps ## unpack the test vectors
	@scripts/vectors.sh

npm: ## install the npm packages that the tests with ethers, viem and web3 need
	@scripts/npm.sh

publish: deps ## artifacts/{node,txmanager,enclave,qmesh}: ReadyToRun, native libraries inside
	@scripts/publish.sh $(RID)

dist: publish ## dist/: a tarball of programs, units, chart and docs, with checksums
	@scripts/dist.sh $(RID)

run: publish ## participants A, B, C on loopback; prints their URLs; Ctrl-C ends every process; CONSENSUS=raft|ibft|qbft
	@artifacts/qmesh/qmesh network run --dir $(NETWORK_DIR) --participants $(PARTICIPANTS) --consensus $(CONSENSUS) --port-offset $(PORT_OFFSET)

demo: publish ## the three private-contract cases on a network of its own; the exit code tells; CONSENSUS=raft|ibft|qbft
	@artifacts/qmesh/qmesh demo --consensus $(CONSENSUS)

test: test-deps ## the whole test suite; last line: N passed, N failed, N skipped
	@scripts/test.sh

test-slow: test-deps ## the state tests that `make test` leaves out: tests/QuorumMesh.Spec/slow.txt
	@scripts/test-slow.sh

test-long: test-deps publish ## kills under load, many simulation seeds, slow vectors
	@scripts/test-long.sh

test-peers: test-deps publish ## networks of our nodes and GoQuorum's; QUORUMMESH_GOQUORUM names its geth
	@scripts/test-peers.sh

test-namespaces: test-deps publish ## networks under faults of links and machines, in network namespaces, as root; MINUTES of faults
	@scripts/test-namespaces.sh

fuzz: deps ## a million random programs in both tiers of the EVM; FUZZ_PROGRAMS, FUZZ_SEED
	@scripts/fuzz.sh

sim: deps ## the pure BFT machines under seeded faults; SEEDS, or SHAPE and SEED for one again
	@scripts/sim.sh

bench: publish ## tables with ratios; peers by BENCH_GOQUORUM, BENCH_GOQUORUM_EVM and BENCH_ANVIL
	@scripts/bench.sh

profile: publish ## where a leader's CPU time goes under load, by function; needs perf and the rights to record
	@scripts/bench.sh profile

reference: deps ## write docs/reference from the programs' own command lines
	@QUORUMMESH_WRITE_REFERENCE=1 dotnet test tests/QuorumMesh.Deploy.Tests -c Release --nologo -v q --filter ReferenceTests

format: ## check the code style
	@dotnet format QuorumMesh.sln --verify-no-changes --no-restore

clean: ## remove what was built
	@rm -rf artifacts dist tests/vectors/unpacked; find . -type d \( -name bin -o -name obj -o -name TestResults \) -not -path './.git/*' -prune -exec rm -rf {} +

.PHONY: help deps test-deps build vectors npm publish dist run demo test test-slow test-long test-peers test-namespaces fuzz sim bench profile reference format clean
