# What CI runs is `make check` and `make sim`. Everything else here is a part of them, or a longer measurement.

GOLANGCI := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOFUMPT := go run mvdan.cc/gofumpt@v0.12.0
export CGO_ENABLED ?= 1

.PHONY: check tidy fix fmt vet lint test build bench sim sim-long sim-mutants fleet fuzz

check: tidy fix fmt vet lint build test

tidy:
	go mod tidy -diff

fix:
	@out=$$(go fix -diff ./... 2>&1); if [ -n "$$out" ]; then echo "$$out"; echo "run: go fix ./..."; exit 1; fi

fmt:
	@out=$$($(GOFUMPT) -l .); if [ -n "$$out" ]; then echo "$$out"; echo "run: gofumpt -w ."; exit 1; fi

vet:
	GOOS=linux go vet ./...
	GOOS=windows CGO_ENABLED=0 go vet ./...

lint:
	$(GOLANGCI) run ./...

build:
	@for target in windows/amd64 linux/amd64 linux/arm64; do \
		for program in ./agent ./upload/collector/cmd/rocollector; do \
			echo "build $$target $$program"; \
			GOOS=$${target%/*} GOARCH=$${target#*/} CGO_ENABLED=0 go build -trimpath -o /dev/null $$program || exit 1; \
		done; \
	done

test:
	go test -race -shuffle=on -timeout 30m ./...

# The whole pipeline against a raw scan of the same tables with the same driver, and peak memory at three sizes.
bench:
	ROAGENT_BENCH=1 go test -run '^TestBench' -count=1 -timeout 60m -v ./agent

# The promise against every fault: 500 worlds of 8 weeks. Then 20,000 dealer-years, which takes a machine
# of two cores a day. Then the program broken in many places, one at a time, each of which the simulation must find.
sim:
	$(call simulate,60m,500,8)

sim-long:
	$(call simulate,0,19000,52)

# The lines of seeds that pass are left out. $(1) time, $(2) seeds, $(3) weeks.
simulate = @out=$$(mktemp); go test -run '^TestSim$$' -count=1 -timeout $(1) -v ./agent -sim.seeds=$(2) -sim.weeks=$(3) >"$$out" 2>&1; \
	code=$$?; grep -vE '^ *(=== |--- PASS)' "$$out"; rm -f "$$out"; exit $$code

sim-mutants:
	go test -tags mutants -run '^TestSimFindsMutants$$' -count=1 -timeout 0 -v ./agent

# AGENTS agents come back on one Monday after an outage, against one collector with a limited rate. REPORT is the page with
# the plots; by default it is a temporary file. 2,000 agents take some minutes; 20,000 about ten times as long.
AGENTS ?= 2000
fleet:
	@report="$(abspath $(REPORT))"; GOGC=400 go test -run '^TestFleet$$' -count=1 -timeout 0 -v ./agent \
		-fleet.agents=$(AGENTS) -fleet.report="$${report:-$$(mktemp -d)/fleet.html}"

# A Monday of STORES stores, ATONCE of them at a time, whose agents send to two collectors on one real S3 server (versitygw, see
# upload/collector/s3store/s3test); one collector is killed in the middle. Tells latencies and memory. 2,000 stores take some minutes.
STORES ?= 2000
ATONCE ?= 50
.PHONY: stores
stores:
	go test -run '^TestStores$$' -count=1 -timeout 0 -v ./upload/collector/cmd/rocollector -stores=$(STORES) -stores.atonce=$(ATONCE)

# roagent's own service commands in a Debian that boots twice, with systemd (root, debootstrap, systemd-nspawn).
.PHONY: service-test
service-test:
	go test -run '^TestServiceUnderSystemd$$' -count=1 -timeout 20m -v ./agent -systemd

# Every fuzz target for FUZZTIME each.
FUZZTIME ?= 30s
fuzz:
	@go list ./... | while read -r package; do \
		go test -list '^Fuzz' "$$package" | grep '^Fuzz' | while read -r target; do \
			echo "$$package $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$package" || exit 1; \
		done || exit 1; \
	done

# deb, rpm and MSI in dist/, signed, with checksums and SBOMs (wixl, msitools, osslsigncode, gpg); then what was built is held
# against what it must be; then the debs and the rpms are installed, upgraded and removed in a Debian that has booted (root, debootstrap,
# systemd-nspawn), and the MSI is installed, upgraded, rolled back and removed in Wine (wine64, binutils-mingw-w64-x86-64).
.PHONY: packages packages-verify packages-test
packages:
	installer/build

packages-verify:
	installer/verify

packages-test:
	ARCHES=amd64 VERSION=0.0.1 ONLY_UNSIGNED=1 DIST=dist/.test/old installer/build
	ARCHES=amd64 VERSION=0.0.2 ONLY_UNSIGNED=1 DIST=dist/.test/new installer/build
	installer/linux/test installer/linux/life dist/.test/old/unsigned/roagent_0.0.1-1_amd64.deb dist/.test/new/unsigned/roagent_0.0.2-1_amd64.deb
	installer/linux/test installer/linux/life dist/.test/old/unsigned/roagent-0.0.1-1.x86_64.rpm dist/.test/new/unsigned/roagent-0.0.2-1.x86_64.rpm
	installer/linux/test installer/collector/life dist/.test/old/unsigned/rocollector_0.0.1-1_amd64.deb dist/.test/new/unsigned/rocollector_0.0.2-1_amd64.deb
	installer/linux/test installer/collector/life dist/.test/old/unsigned/rocollector-0.0.1-1.x86_64.rpm dist/.test/new/unsigned/rocollector-0.0.2-1.x86_64.rpm
	installer/windows/test dist/.test/old/unsigned/roagent-0.0.1-x64.msi dist/.test/new/unsigned/roagent-0.0.2-x64.msi
