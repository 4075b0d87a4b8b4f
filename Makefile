# Everything that is done here is done by one of these. On a fresh machine Go and make are enough.
GO       ?= go
BIN      := bin/sallyport
LINT     := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME ?= 60s
SOAK     ?= 10m
COST     ?= thorough
LISTEN   ?= 127.0.0.1:12400

# The official clients of Elasticsearch are dependencies of these tests only, so the tests are a module of their own.
INTEROP  := interop
MODULES  := go.mod go.sum $(INTEROP)/go.mod $(INTEROP)/go.sum

# Sign-ins are tested with an identity provider from npm and with a browser. Without them the tests say what they lack.
SAML     := $(INTEROP)/saml
FETCHED  := $(SAML)/node_modules/.package-lock.json
BROWSERS := chromium chromium-browser google-chrome

# The race detector needs a C compiler. Without one the tests still run, and say what they lack.
HAVE_CC  := $(shell command -v "$$($(GO) env CC)" 2>/dev/null)
RACE     ?= $(if $(HAVE_CC),-race,)

# SQLite, which a machine translated to Go, is not ours to check, keeps its data where the detector does not look, and costs much.
UNRACED  := $(if $(RACE),-gcflags=modernc.org/sqlite/lib=-race=false,)

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build ## build, and serve a throw-away database to try things with
	@$(BIN) dev --listen $(LISTEN)

.PHONY: build
build: ## build the program into bin/
	$(GO) build -trimpath -o $(BIN) ./cmd/sallyport

.PHONY: test
test: ## run all tests (some minutes): with the race detector on SQLite, without on PostgreSQL
	@.ci/with-postgres $(MAKE) --no-print-directory raced whole

# What runs whole programs finds no race that the tests of their parts do not, and nothing in api/ runs beside anything else.
.PHONY: raced
raced:
	@$(if $(RACE),,echo "no C compiler: the tests run without the race detector")
	$(GO) test $(RACE) $(UNRACED) -timeout 30m $$($(GO) list ./... | grep -v -e '/api$$' -e '/cmd/sallyport$$' -e '/costtest$$')

# The detector is told of a part only where there are hundreds of cases of a kind. Here they all come, on the other database.
.PHONY: whole
whole:
	$(GO) test -timeout 30m ./api ./cmd/sallyport
	$(GO) test -count=1 -timeout 30m ./impl/httpapi/costtest
	SALLYPORT_TEST_STORE=$${SALLYPORT_TEST_POSTGRES:+postgres} $(GO) test -count=1 -parallel 4 -timeout 30m ./impl/httpapi

.PHONY: thorough
thorough: ## run the tests of the HTTP edge with all their cases on both databases, and the program's, with the race detector (many minutes)
	SALLYPORT_TEST_THOROUGH=1 $(GO) test $(RACE) $(UNRACED) -count=1 -timeout 30m ./impl/httpapi
	@.ci/with-postgres sh -c 'SALLYPORT_TEST_THOROUGH=1 $(GO) test $(RACE) $(UNRACED) -count=1 -timeout 30m ./cmd/sallyport && \
		SALLYPORT_TEST_THOROUGH=1 SALLYPORT_TEST_STORE=$${SALLYPORT_TEST_POSTGRES:+postgres} \
		$(GO) test $(RACE) $(UNRACED) -count=1 -timeout 30m -parallel 4 ./impl/httpapi'

# Without a count a result is remembered, because nothing tells that the program is another: it is built by the test.
.PHONY: interop
interop: $(FETCHED) ## test with others' programs: Elasticsearch's clients (the first time takes minutes), an identity provider, a browser
	@for browser in $(BROWSERS); do command -v $$browser > /dev/null && exit; done; echo "chromium is not installed: no browser is tested"
	$(GO) -C $(INTEROP) test -count=1 $(RACE) ./...

$(FETCHED): $(SAML)/package.json $(SAML)/package-lock.json
	@if command -v node > /dev/null && command -v npm > /dev/null; then cd $(SAML) && npm ci --loglevel=error; \
	else echo "node or npm is not installed: signing in at an identity provider is not tested"; fi

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (60s), and measure the cost of many more requests than make test does (minutes)
	@.ci/fuzz $(FUZZTIME)
	$(if $(filter thorough,$(COST)),SALLYPORT_TEST_THOROUGH=1 $(GO) test -count=1 -timeout 60m ./impl/httpapi/costtest -args -cost.seed "$$(date +%s)")

.PHONY: bench
bench: ## run the benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...

.PHONY: soak
soak: ## put servers under as much mixed load as they can take for SOAK (10m each), and show what that does to them
	SOAK=$(SOAK) $(GO) test -run '^TestSoak_' -count=1 -v -timeout 3h ./cmd/sallyport

.PHONY: generate
generate: ## generate gen/ from api/openapi.yaml
	$(GO) generate ./...

# Generating comes first, and fails here, so that nobody tests code that is not the contract's.
.PHONY: verify
verify: ## fail if gen/, go.mod or go.sum is not what it would be after make generate and go mod tidy
	@before=$$(cat $(MODULES) gen/*/*.gen.go | sha256sum); \
	$(GO) generate ./... && $(GO) mod tidy && $(GO) -C $(INTEROP) mod tidy && \
	after=$$(cat $(MODULES) gen/*/*.gen.go | sha256sum); \
	untracked=$$(git ls-files --others --exclude-standard -- gen); \
	if [ "$$before" != "$$after" ] || [ -n "$$untracked" ]; then \
		git status --short -- gen $(MODULES); echo "generated code or modules were not current; they are now: commit them"; exit 1; \
	fi; echo "generated code and modules are current"

.PHONY: check
check: ## vet, formatting and lint
	$(GO) vet ./...
	$(GO) -C $(INTEROP) vet ./...
	$(GO) run $(LINT) run --allow-parallel-runners ./...
	$(GO) -C $(INTEROP) run $(LINT) run --allow-parallel-runners ./...

.PHONY: clean
clean: ## remove what was built
	rm -rf bin
