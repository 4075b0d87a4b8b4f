# The targets for all tasks of this repository. A new machine needs Go and make only.
GO       ?= go
BIN      := bin/sallyport
TRIM     := -trimpath
LINT     := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
VULN     := golang.org/x/vuln/cmd/govulncheck@v1.9.0
ACTIONS  := github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
OASDIFF  := github.com/oasdiff/oasdiff@v1.37.0
FUZZTIME ?= 60s
SOAK     ?= 10m
COST     ?= thorough
LISTEN   ?= 127.0.0.1:12400

# Tools of a release. They are programs only, so go.mod does not have them.
TOOLS      := $(CURDIR)/bin/tools
GORELEASER := github.com/goreleaser/goreleaser/v2@v2.15.1
CYCLONEDX  := github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

# goreleaser asks git where the repository is published, and a copy may not know.
UPSTREAM := GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=remote.origin.url \
	GIT_CONFIG_VALUE_0=https://github.com/sallyport/sallyport

# A Go that is older than go.mod requires, but not older than 1.21, downloads the required one, also where it is
# configured not to.
export GOTOOLCHAIN ?= auto

# Only these tests depend on official clients, so they are a separate module.
INTEROP  := interop

# Benchmarks depend on other servers, so they are a separate module, too. The code that ogen generates for them is not
# in the repository.
BENCH    := bench
OGEN     := $(BENCH)/ogen/oas_server_gen.go
ROUNDS   ?= 5

# An example to copy, with many dependencies.
EXAMPLE  := $(INTEROP)/testcontainers

# What is in deploy/ for operators is checked with the parsers of Prometheus and Kubernetes.
OPERATE  := $(INTEROP)/operations

MODULES  := $(foreach folder,. $(INTEROP) $(BENCH) $(EXAMPLE) $(OPERATE),$(folder)/go.mod $(folder)/go.sum)

# Sign-ins are tested with an identity provider from npm, and the console is checked with tools from npm, both with a
# browser. Elasticsearch's clients for JavaScript come from npm, too. Without them the tests are skipped with a message.
SAML     := $(INTEROP)/saml
CONSOLE  := $(INTEROP)/console
CLIENTS  := $(INTEROP)/javascript
FETCHED  := $(foreach folder,$(SAML) $(CONSOLE) $(CLIENTS),$(folder)/node_modules/.package-lock.json)
BROWSERS := chromium chromium-browser google-chrome

# The race detector needs a C compiler. Without one the tests run without it, with a message.
HAVE_CC  := $(shell command -v "$$($(GO) env CC)" 2>/dev/null)
RACE     ?= $(if $(HAVE_CC),-race,)

# SQLite, translated to Go by a machine, keeps its data where the detector does not look, and costs much. No more
# packages are left out: code of generic types that they share with instrumented ones, such as sync.Map's, would lose
# its instrumentation there too.
UNRACED  := $(if $(RACE),-gcflags=modernc.org/sqlite/lib=-race=false,)

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Without -trimpath the build uses the packages that go build and go test have compiled.
.PHONY: run
run: TRIM :=
run: build ## build, and serve a temporary database with a demo user and an API key
	@$(BIN) dev --listen $(LISTEN)

.PHONY: build
build: ## build the program into bin/
	$(GO) build $(TRIM) -o $(BIN) ./cmd/sallyport

.PHONY: image
image: ## build the container image with docker, podman or buildah, for amd64 and arm64
	deploy/build-image $(ARCHS)

# Only this machine's architecture can be run here.
.PHONY: image-test
image-test: ## build the container image, run it, and use it with Elasticsearch's client and Testcontainers
	deploy/build-image $$($(GO) env GOHOSTARCH)
	$(GO) -C $(INTEROP) test -vet=off -count=1 $(RACE) -v -run '^TestImage' .
	.ci/with-engine $(GO) -C $(EXAMPLE) test -count=1 -v .

# Tests that take minutes: of the program, those with faults, floods and load, or with an old version of it; of the HTTP
# layer, those with overload and thousands of keys.
LONG_PROGRAM := Fault|Flood|Soak|Kill|Upgrade|Backup_.*UnderLoad|Serve_DrainDelay|Revocation_SharedFile
LONG_HTTP    := Overload|Revocation_(Mass|DeleteUser|Sessions)|KeyQuota_High|Delegation_Sequences
LONG         := ^Test($(LONG_PROGRAM)|$(LONG_HTTP))

.PHONY: test
test: ## run what every change needs (minutes): the tests on SQLite with the race detector, and the program's
	@.ci/in-memory .ci/with-postgres $(MAKE) --no-print-directory raced program

# Tests of whole programs find no race that the tests of their parts do not. The others here use one goroutine: those of
# the contract, those that read the source, and those of the query language, of privileges' automata, of the compiled
# checks, and of SAML's messages. Nearly all tests of the HTTP layer send one request after another: here the detector
# watches those that do not, and all of them in make thorough.
UNRACED_TESTS := ./cmd/sallyport ./impl/http ./api ./impl ./impl/query ./impl/authz/privilege \
	./impl/http/contract/schemacheck ./impl/saml/protocol
AT_ONCE       := AtOnce|Parallel|Race|Replay|Replicas|Crowd|UnderWay

# Tests of other packages that do very much with one goroutine, or start many processes, which takes five to ten times
# as long with the race detector.
ONE_GOROUTINE := ^Test(Growth_Memory|Query_(Differential|Localized)|Pending_Flood|SQLite_ProcessesOpenAtOnce)$$

# A program with the race detector waits for a second when it ends, if it is not given another time. The packages that
# take longest come first, so that none of them runs alone at the end.
.PHONY: raced
raced: export GORACE ?= atexit_sleep_ms=10
raced:
	@$(if $(RACE),,echo "no C compiler: the tests run without the race detector")
	$(GO) test $(RACE) $(UNRACED) -timeout 30m -skip '$(LONG)|$(ONE_GOROUTINE)' \
		./impl/store ./impl/authn/session $$($(GO) list ./... | grep -v -e '/costtest$$' $(UNRACED_TESTS:./%=-e '/%$$'))
	$(GO) test $(RACE) $(UNRACED) -timeout 30m -skip '$(LONG)' -run '$(AT_ONCE)' ./impl/http

.PHONY: program
program:
	$(GO) test -timeout 30m -skip '$(LONG)' $(UNRACED_TESTS)
	$(GO) test -timeout 30m -run '$(ONE_GOROUTINE)' ./impl/apikey ./impl/saml ./impl/store

.PHONY: thorough
thorough: ## run what make test leaves out (minutes): faults, upgrades, load, costs, and the HTTP layer on PostgreSQL
	@.ci/in-memory .ci/with-postgres $(MAKE) --no-print-directory long costs unaided on-postgres bench-smoke

.PHONY: long
long: export SALLYPORT_TEST_THOROUGH := 1
long:
	$(GO) test -count=1 -timeout 30m -run '$(LONG)' ./cmd/sallyport
	$(GO) test -count=1 -timeout 30m -run '$(LONG)' ./impl/http

# The limits of allocations hold without the race detector, which allocates, too.
.PHONY: costs
costs:
	$(GO) test -count=1 -timeout 30m ./impl/http/costtest
	$(GO) test -count=1 -run 'Allocations|GetAPIKeys_Memory' ./impl/app ./impl/authn/session ./impl/http ./impl/http/ece \
		./impl/http/contract/schemacheck ./impl/platform/logging ./impl/sallyporttest
	SALLYPORT_TEST_THOROUGH=1 $(GO) test -count=1 -run Budget -v ./impl/sallyporttest

# Neither compiled checks nor caches change an answer, so the same tests pass without them.
.PHONY: unaided
unaided:
	SALLYPORT_TEST_VALIDATION=interpreted $(GO) test -count=1 -timeout 30m -skip '$(LONG)' ./impl/http
	SALLYPORT_TEST_CACHE=off $(GO) test -count=1 -timeout 30m -skip '$(LONG)' ./impl/http

# With the race detector, tests with hundreds of similar cases run only a part of them: make test runs all, on SQLite.
# Those that take minutes run without it.
.PHONY: on-postgres
on-postgres: SERVER := $(if $(SALLYPORT_TEST_POSTGRES),SALLYPORT_TEST_STORE=postgres)
on-postgres:
	@$(if $(SERVER),,echo "there is no PostgreSQL: the HTTP layer is tested on SQLite again")
	$(SERVER) $(GO) test $(RACE) $(UNRACED) -count=1 -timeout 30m -parallel 4 -skip '$(LONG)' ./impl/http
	$(SERVER) SALLYPORT_TEST_THOROUGH=1 $(GO) test -count=1 -timeout 30m -parallel 4 -run '$(LONG)' ./impl/http

# Others' linters and generators must accept the contract. The generated code is not kept.
CONTRACT := $(INTEROP)/contract
LINTERS  := $(CONTRACT)/node_modules/.package-lock.json

.PHONY: contract
contract: $(LINTERS) breaking ## lint the contract, find breaking changes, and generate code with others' generators
	$(CONTRACT)/check api/openapi.yaml
	@generated=$$(mktemp -d) && trap 'rm -rf "$$generated"' EXIT && \
	$(GO) -C $(BENCH) tool ogen --loglevel error --config ogen.yml --target "$$generated" --package ogen ../api/openapi.yaml

# api/released has the contracts of the last release, because a clone may have no history.
.PHONY: breaking
breaking: ## fail if a contract breaks callers of the last release, unless api/released/allowed.txt says why
	@for document in openapi control; do \
		$(GO) run $(OASDIFF) breaking --fail-on ERR --err-ignore api/released/allowed.txt \
			api/released/$$document.yaml api/$$document.yaml || exit 1; \
	done

.PHONY: api-changes
api-changes: ## print what changed in the API since the last release, in Markdown
	@$(GO) run $(OASDIFF) changelog --format markdown api/released/openapi.yaml api/openapi.yaml

$(LINTERS): $(CONTRACT)/package.json $(CONTRACT)/package-lock.json
	@if command -v node > /dev/null && command -v npm > /dev/null; then cd $(CONTRACT) && npm ci --loglevel=error; fi

# Without -count a result would be cached although the program changed: the test builds it, which go test does not see.
# make check vets these packages. Vetting them again with the race detector takes minutes, because it begins with all of
# Elasticsearch's client.
.PHONY: interop
interop: $(FETCHED) contract ## test with official clients and an identity provider (minutes the first time)
	$(GO) -C $(INTEROP) test -vet=off -count=1 $(RACE) -skip 'Browser|^TestImage' ./...
	$(GO) -C $(OPERATE) test -count=1 ./...

.PHONY: browser
browser: $(FETCHED) ## test the console and signing in at an identity provider with a browser; pictures are in dist/
	@for browser in $(BROWSERS); do command -v $$browser > /dev/null && exit; done; \
	echo "chromium is not installed: no browser is tested"
	@mkdir -p dist
	$(GO) -C $(INTEROP) test -vet=off -count=1 $(RACE) -run Browser -artifacts -outputdir $(CURDIR)/dist .

%/node_modules/.package-lock.json: %/package.json %/package-lock.json
	@if command -v node > /dev/null && command -v npm > /dev/null; then cd $* && npm ci --loglevel=error; \
	else echo "node or npm is not installed: what needs $* is not tested"; fi

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (60s), and measure the cost of many more requests than make test (minutes)
	@.ci/fuzz $(FUZZTIME)
	$(if $(filter thorough,$(COST)),SALLYPORT_TEST_THOROUGH=1 $(GO) test -count=1 -timeout 60m ./impl/http/costtest \
		-args -cost.seed "$$(date +%s)")

.PHONY: bench
bench: $(OGEN) ## measure the ratios, times and allocations that the performance page records, in ROUNDS (5) rounds (minutes)
	@.ci/with-postgres $(GO) -C $(BENCH) run . -rounds $(ROUNDS)

# The figures of so short rounds mean nothing, but each part of the program runs.
.PHONY: bench-smoke
bench-smoke: $(OGEN)
	$(GO) -C $(BENCH) test ./...
	@.ci/with-postgres $(GO) -C $(BENCH) run . -rounds 1 -load 50ms -ratios 1x > /dev/null

$(OGEN): api/openapi.yaml $(BENCH)/ogen.yml $(BENCH)/reduce/main.go $(BENCH)/go.mod
	$(GO) -C $(BENCH) generate ./...
	@touch $@

.PHONY: soak
soak: ## put servers under full mixed load for SOAK (10m each), and report their memory and answers
	SOAK=$(SOAK) $(GO) test -run '^TestSoak_' -count=1 -v -timeout 3h ./cmd/sallyport

.PHONY: generate
generate: $(CONSOLE)/node_modules/.package-lock.json ## generate gen/ and the console's types, after each change in api/
	$(GO) generate ./...
	@if command -v node > /dev/null && [ -d $(CONSOLE)/node_modules ]; then cd $(CONSOLE) && npm run --silent generate; \
	else echo "node or npm is not installed: the types of the console are not generated"; fi

# This comes first in CI, so that no test runs code that does not match the contract.
.PHONY: verify
verify: $(OGEN) ## fail if gen/, go.mod or go.sum would change with make generate and go mod tidy
	@impl/http/reference/vendor check
	@before=$$(cat $(MODULES) gen/*/*.gen.go | sha256sum); \
	$(GO) generate ./... && $(GO) mod tidy && $(GO) -C $(INTEROP) mod tidy && $(GO) -C $(BENCH) mod tidy && \
	$(GO) -C $(EXAMPLE) mod tidy && $(GO) -C $(OPERATE) mod tidy && \
	after=$$(cat $(MODULES) gen/*/*.gen.go | sha256sum); \
	untracked=$$(git ls-files --others --exclude-standard -- gen); \
	if [ "$$before" != "$$after" ] || [ -n "$$untracked" ]; then \
		git status --short -- gen $(MODULES); \
		echo "generated code or modules were out of date and have been updated: commit them"; exit 1; \
	fi; echo "generated code and modules are up to date"

.PHONY: check
check: $(OGEN) ## vet, formatting and lint, also of the workflows
	$(GO) vet ./...
	$(GO) -C $(INTEROP) vet ./...
	$(GO) -C $(BENCH) vet ./...
	$(GO) -C $(EXAMPLE) vet ./...
	$(GO) run $(ACTIONS)
	$(GO) -C $(OPERATE) vet ./...
	$(GO) run $(LINT) run --allow-parallel-runners ./...
	$(GO) -C $(INTEROP) run $(LINT) run --allow-parallel-runners ./...
	$(GO) -C $(BENCH) run $(LINT) run --allow-parallel-runners ./...
	$(GO) -C $(EXAMPLE) run $(LINT) run --allow-parallel-runners ./...
	$(GO) -C $(OPERATE) run $(LINT) run --allow-parallel-runners ./...

# The generator needs Node, and is not part of CI: plain Markdown is what readers of the repository see.
SITE := $(INTEROP)/site
.PHONY: docs
docs: $(SITE)/node_modules/.package-lock.json ## build the documentation's site, with search, into dist/docs (with Node)
	cd $(SITE) && npm run --silent build

# The database of vulnerabilities is at vuln.go.dev.
.PHONY: vulnerabilities
vulnerabilities: ## report known vulnerabilities in the code that the program reaches
	$(GO) run $(VULN) ./...

# What it builds with comes from the Go proxy. The snapshot is not published, and needs no tag.
.PHONY: release-tools
release-tools:
	GOBIN=$(TOOLS) $(GO) install $(GORELEASER)
	GOBIN=$(TOOLS) $(GO) install $(CYCLONEDX)

.PHONY: release-snapshot
release-snapshot: release-tools ## build and test what a release has, in dist/, and list it with sizes (minutes)
	PATH=$(TOOLS):$$PATH $(if $(shell git remote),,$(UPSTREAM)) goreleaser release --snapshot --clean --skip=sign
	SALLYPORT_TEST_DIST=$(CURDIR)/dist $(GO) test -count=1 -v ./deploy/release
	@if docker info > /dev/null 2>&1 || podman info > /dev/null 2>&1 || buildah info > /dev/null 2>&1; then \
		deploy/build-image; else echo "no engine works on this machine: the image is not built"; fi

# .github/workflows/release.yaml runs it for a tag.
.PHONY: release
release: release-tools
	PATH=$(TOOLS):$$PATH goreleaser release --clean --release-notes=bin/release/notes.md

.PHONY: clean
clean: ## remove what was built
	rm -rf bin
