#!/usr/bin/env bash
# Deploys one of the two stacks, or takes production's down. make deploy-staging, deploy-production and undeploy call it.
#
# Every parameter of a template can be given: make deploy-production AlarmEmail=ops@spaceport.example. What is not given keeps
# the value that the stack has, or the template's default. Nothing is changed before the change set was shown and confirmed.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -z "${AWS_REGION:-}" ] || export AWS_DEFAULT_REGION=$AWS_REGION # which is all that version 1 of the AWS CLI knows

what=${1:?staging, production or undeploy}
aws=${AWS:-aws}
staging_stack=${STAGING_STACK:-spaceport-migration-staging}
production_stack=${PRODUCTION_STACK:-spaceport-migration}
out=${DEPLOY_OUT:-dist} # for the template with the functions' places in S3

staging() { ${STAGING_PROFILE:+env AWS_PROFILE="$STAGING_PROFILE"} "$aws" "$@"; }
production() { ${PRODUCTION_PROFILE:+env AWS_PROFILE="$PRODUCTION_PROFILE"} "$aws" "$@"; }

say() { printf '%s\n' "$*" >&2; }
fail() { say "deploy: $*"; exit "${code:-1}"; }

confirm() { # QUESTION
	[ "${CONFIRM:-}" = yes ] && return
	[ -t 0 ] || { say "Nobody is there to ask. CONFIRM=yes answers for a script."; return 1; }
	local answer
	read -r -p "$1 [y/N] " answer
	[ "$answer" = y ] || [ "$answer" = yes ]
}

# parameters TEMPLATE: its parameters, each with "default" or "required".
parameters() {
	awk '/^[^ #]/ { inside = ($1 == "Parameters:") }
		inside && /^  [A-Za-z0-9]+:/ { if (name) print name, state; name = $1; sub(":", "", name); state = "required" }
		inside && /^    Default:/ { state = "default" }
		END { if (name) print name, state }' "$1"
}

# parameter TEMPLATE NAME FIELD: a field of one parameter, such as its description.
parameter() {
	awk -v name="$2:" -v field="$3:" '/^[^ #]/ { inside = ($1 == "Parameters:") }
		folded && /^      / { sub(/^ */, ""); text = text (text ? " " : "") $0; next }
		folded { exit }
		inside && /^  [A-Za-z0-9]+:/ { here = ($1 == name) }
		inside && here && $1 == field { if ($2 == ">-") { folded = 1; next } sub(/^ *[A-Za-z]+: */, ""); gsub(/^"|"$/, ""); text = $0; exit }
		END { print text }' "$1"
}

status() { # SIDE STACK: its status, or nothing where there is no such stack
	local said
	if said=$("$1" cloudformation describe-stacks --stack-name "$2" --query 'Stacks[0].StackStatus' --output text 2>&1); then
		printf '%s' "$said"
	elif [[ $said != *"does not exist"* ]]; then
		say "$said"
		return 1
	fi
}

settled() { # SIDE STACK: its status, once nothing is in progress (the CLI's own wait looks only every 30 s)
	local now
	while now=$(status "$1" "$2"); do
		case $now in
		REVIEW_IN_PROGRESS | *_IN_PROGRESS) sleep 2 ;;
		*) printf '%s' "$now"; return ;;
		esac
	done
}

outputs() { # SIDE STACK
	"$1" cloudformation describe-stacks --stack-name "$2" --query 'Stacks[0].Outputs[].[OutputKey,OutputValue]' --output text
}

# spelt TEMPLATE: ends where make was given, in GIVEN, what is no parameter: nobody would notice that it does nothing. What is
# for make, or for this script, is in capitals.
spelt() {
	local known name wrong=""
	known=$(parameters "$1" | cut -d ' ' -f 1)
	for name in ${GIVEN:-}; do
		[[ $name =~ ^[A-Z0-9_]+$ ]] || grep -qx "$name" <<<"$known" || wrong+=" $name"
	done
	[ -n "$wrong" ] || return 0
	say "deploy: $1 has no parameter of the name$wrong. It has:"
	say "$(fold -s -w 100 <<<"${known//$'\n'/ }" | sed 's/^/  /')"
	exit 2
}

# given TEMPLATE SIDE STACK: sets overrides to Name=Value of every parameter that is set in the environment, or that staging's
# stack knows. Without what is required it ends.
given() {
	local template=$1 side=$2 stack=$3 known="" missing="" was name state
	spelt "$template"
	[ "$side" = staging ] || known=$(outputs staging "$staging_stack" 2>/dev/null || true)
	was=$(status "$side" "$stack")
	overrides=()
	while read -r name state; do
		if [ -n "${!name+set}" ]; then
			overrides+=("$name=${!name}")
		elif [[ $known =~ (^|$'\n')"$name"$'\t'([^$'\n']*) ]]; then
			overrides+=("$name=${BASH_REMATCH[2]}")
		elif [ "$state" = required ] && { [ -z "$was" ] || [ "$was" = REVIEW_IN_PROGRESS ]; }; then
			missing+=" $name"
		fi
	done < <(parameters "$template")
	[ -n "$missing" ] || return 0
	say "deploy: not given, and without a default:"
	for name in $missing; do say "  $name=…  $(parameter "$template" "$name" Description)"; done
	[ "$side" = staging ] ||
		say "The stack $staging_stack, deployed first, knows them: set STAGING_PROFILE to an AWS CLI profile that may read it."
	exit 2
}

# place ARN: where that is, in words.
place() {
	awk -F: '{ print "account " $5 ", " $4 }' <<<"$1"
}

# shown: the outputs on standard input, lined up.
shown() {
	awk -F'\t' '{ printf "  %-24s %s\n", $1, $2 }'
}

# leftover SIDE STACK: deletes what a first deployment that failed left behind, since it cannot be updated.
leftover() {
	[ "$(status "$1" "$2")" = ROLLBACK_COMPLETE ] || return 0
	say "The first deployment of $2 failed and left an empty stack."
	confirm "Delete that?" || fail "nothing was changed"
	"$1" cloudformation delete-stack --stack-name "$2"
	gone "$1" "$2"
}

# ledger_stands makes a stack that is not there yet use a ledger that is: an earlier deployment's, which is kept.
ledger_stands() {
	local ledger=${LedgerTable:-$(parameter infra/production.yaml LedgerTable Default)}
	if [ -z "${CreateLedger:-}" ] && [ -z "$(status production "$production_stack")" ] &&
		production dynamodb describe-table --table-name "$ledger" >/dev/null 2>&1; then
		say "The ledger $ledger of an earlier deployment is there, and is used again (CreateLedger=no)."
		CreateLedger=no
	fi
}

# bucket SIDE: where the functions are uploaded to. It is made if it is not there.
bucket() {
	local name=${ARTIFACT_BUCKET:-} account region
	if [ -z "$name" ]; then
		account=$("$1" sts get-caller-identity --query Account --output text)
		region=${AWS_REGION:-$("$1" configure get region || true)}
		name=spaceport-migration-$account-${region:?set AWS_REGION}
	fi
	if ! "$1" s3api head-bucket --bucket "$name" >/dev/null 2>&1; then
		say "Making the bucket $name for the functions' code."
		"$1" s3 mb "s3://$name" >&2
		"$1" s3api put-public-access-block --bucket "$name" --public-access-block-configuration \
			BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
	fi
	printf '%s' "$name"
}

# deploy SIDE STACK OPTION...: shows the change set, asks, and carries it out.
deploy() {
	local side=$1 stack=$2 said change_set
	shift 2
	said=$("$side" cloudformation deploy --stack-name "$stack" --no-execute-changeset --no-fail-on-empty-changeset \
		--capabilities CAPABILITY_NAMED_IAM --tags project=spaceport-migration "$@" \
		${overrides[@]+--parameter-overrides "${overrides[@]}"})
	change_set=$(grep -o 'arn:aws[^ ]*:changeSet/[^ ]*' <<<"$said" | head -1 || true)
	if [ -z "$change_set" ]; then
		say "$stack is up to date."
		return
	fi
	say ""
	say "What will change in $stack ($(place "$change_set")):"
	"$side" cloudformation describe-change-set --change-set-name "$change_set" --output table --query \
		'Changes[].ResourceChange.{"1 action":Action,"2 resource":LogicalResourceId,"3 type":ResourceType,"4 replaced":Replacement}' >&2
	if ! confirm "Carry it out?"; then
		"$side" cloudformation delete-change-set --change-set-name "$change_set"
		if [ "$(status "$side" "$stack")" = REVIEW_IN_PROGRESS ]; then # nothing is in it yet
			"$side" cloudformation delete-stack --stack-name "$stack"
		fi
		fail "nothing was changed"
	fi
	say "Carrying it out; this takes some minutes."
	"$side" cloudformation execute-change-set --change-set-name "$change_set"
	case $(settled "$side" "$stack") in
	CREATE_COMPLETE | UPDATE_COMPLETE) ;;
	*)
		"$side" cloudformation describe-stack-events --stack-name "$stack" --output text --query \
			'StackEvents[?contains(ResourceStatus, `FAILED`)].[LogicalResourceId,ResourceStatusReason]' | head -20 >&2
		fail "$stack did not deploy; the reasons stand above, and CloudFormation went back to what was. Correct it and run this again"
		;;
	esac
}

value() { # SIDE STACK OUTPUT
	outputs "$1" "$2" | awk -F'\t' -v name="$3" '$1 == name { print $2 }'
}

gone() { # SIDE STACK
	local now; now=$(settled "$1" "$2")
	[ -z "$now" ] || [ "$now" = DELETE_COMPLETE ] || fail "$2 is $now; the CloudFormation console says why"
}

# detached: the pool must not go on calling functions that are gone: every sign-in would fail.
detached() {
	local pool calls trigger datamover
	pool=$(value production "$production_stack" ProductionUserPoolId)
	trigger=$(value production "$production_stack" TriggerArn) datamover=$(value production "$production_stack" DatamoverArn)
	calls=$(production cognito-idp describe-user-pool --user-pool-id "$pool" --query UserPool.LambdaConfig --output json)
	[[ $calls != *"$trigger"* && $calls != *"$datamover"* ]]
}

# settings_of STACK: its parameters that are not the template's defaults, as make takes them.
settings_of() {
	local name value known; known=$(parameters infra/production.yaml)
	production cloudformation describe-stacks --stack-name "$1" --query 'Stacks[0].Parameters[].[ParameterKey,ParameterValue]' --output text |
		while IFS=$'\t' read -r name value; do
			case $name in ExistingUserPoolId | CreateLedger | CreateTables | Triggers) continue ;; esac
			grep -qx "$name default" <<<"$known" || continue # staging's stack knows it
			[ "$value" = "$(parameter infra/production.yaml "$name" Default)" ] || printf ' %s=%q' "$name" "$value"
		done
}

undeploy() {
	[ -n "$(status production "$production_stack")" ] || fail "there is no stack $production_stack"
	local stack; stack=$(production cloudformation describe-stacks --stack-name "$production_stack" --query 'Stacks[0].StackId' --output text)
	say "This ends the migration in $(place "$stack"): whoever has not come over by now can no longer do so by themselves (bulk status counts them)."
	say "The pool, its app client, the ledger and all tables are kept. Functions, logs, alarms and roles go."
	confirm "Take down $production_stack?" || fail "nothing was changed"
	if ! detached; then
		if production cloudformation describe-stack-resource --stack-name "$production_stack" --logical-resource-id UserPool >/dev/null 2>&1; then
			say "Detaching the triggers."
			local parameter settings=()
			for parameter in $(production cloudformation describe-stacks --stack-name "$production_stack" --output text \
				--query 'Stacks[0].Parameters[].ParameterKey'); do
				if [ "$parameter" = Triggers ]; then
					settings+=("ParameterKey=Triggers,ParameterValue=detached")
				else
					settings+=("ParameterKey=$parameter,UsePreviousValue=true")
				fi
			done
			production cloudformation update-stack --stack-name "$production_stack" --use-previous-template \
				--capabilities CAPABILITY_NAMED_IAM --parameters "${settings[@]}" >/dev/null
			settled production "$production_stack" >/dev/null
		fi
		detached || fail "the pool still calls the functions, and its sign-ins would fail without them: bulk detach --stack $production_stack --live first"
	fi
	local pool was; pool=$(value production "$production_stack" ProductionUserPoolId) was=$(settings_of "$production_stack")
	production cloudformation delete-stack --stack-name "$production_stack"
	gone production "$production_stack"
	say "Gone. To deploy again as it was, and then bulk attach:"
	say "  make deploy-production ExistingUserPoolId=$pool CreateLedger=no$was"
	say "Roles and app client in staging: aws cloudformation delete-stack --stack-name $staging_stack, in the staging account."
}

case $what in
staging)
	leftover staging "$staging_stack"
	given infra/staging.yaml staging "$staging_stack"
	deploy staging "$staging_stack" --template-file infra/staging.yaml
	say "$staging_stack is deployed. make deploy-production is next, and finds all this by itself:"
	outputs staging "$staging_stack" | shown
	;;
production)
	leftover production "$production_stack"
	ledger_stands
	given infra/production.yaml production "$production_stack"
	mkdir -p "$out"
	bucket=$(bucket production)
	production cloudformation package --template-file infra/production.yaml --s3-bucket "$bucket" \
		--output-template-file "$out/production.yaml" >"$out/package.log" 2>&1 || { cat "$out/package.log" >&2; fail "nothing was changed"; }
	deploy production "$production_stack" --template-file "$out/production.yaml" --s3-bucket "$bucket"
	say "$production_stack is deployed. bulk --stack $production_stack finds all this by itself:"
	outputs production "$production_stack" | shown
	;;
undeploy) undeploy ;;
*) code=2 fail "$what is none of staging, production, undeploy" ;;
esac
