#!/usr/bin/env bash
# Deploys one of the two stacks, or deletes the production stack. make deploy-staging, deploy-production and undeploy call it.
#
# Every parameter of a template can be set: make deploy-production AlarmEmail=ops@spaceport.example. A parameter that is not set
# keeps the value that the stack has, or has the template's default. Nothing changes before the change set is shown and confirmed.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -z "${AWS_REGION:-}" ] || export AWS_DEFAULT_REGION=$AWS_REGION # version 1 of the AWS CLI reads no other variable

what=${1:?staging, production or undeploy}
aws=${AWS:-aws}
staging_stack=${STAGING_STACK:-spaceport-migration-staging}
production_stack=${PRODUCTION_STACK:-spaceport-migration}
out=${DEPLOY_OUT:-dist} # for the template with the S3 locations of the functions

staging() { ${STAGING_PROFILE:+env AWS_PROFILE="$STAGING_PROFILE"} "$aws" "$@"; }
production() { ${PRODUCTION_PROFILE:+env AWS_PROFILE="$PRODUCTION_PROFILE"} "$aws" "$@"; }

say() { printf '%s\n' "$*" >&2; }
fail() { say "deploy: $*"; exit "${code:-1}"; }

confirm() { # QUESTION
	[ "${CONFIRM:-}" = yes ] && return
	[ -t 0 ] || { say "There is no terminal to confirm on. Set CONFIRM=yes to run without asking."; return 1; }
	local answer
	read -r -p "$1 [y/N] " answer
	[ "$answer" = y ] || [ "$answer" = yes ]
}

# parameters TEMPLATE: prints its parameters, each with "default" or "required".
parameters() {
	awk '/^[^ #]/ { inside = ($1 == "Parameters:") }
		inside && /^  [A-Za-z0-9]+:/ { if (name) print name, state; name = $1; sub(":", "", name); state = "required" }
		inside && /^    Default:/ { state = "default" }
		END { if (name) print name, state }' "$1"
}

# parameter TEMPLATE NAME FIELD: prints a field of one parameter, such as its description.
parameter() {
	awk -v name="$2:" -v field="$3:" '/^[^ #]/ { inside = ($1 == "Parameters:") }
		folded && /^      / { sub(/^ */, ""); text = text (text ? " " : "") $0; next }
		folded { exit }
		inside && /^  [A-Za-z0-9]+:/ { here = ($1 == name) }
		inside && here && $1 == field { if ($2 == ">-") { folded = 1; next } sub(/^ *[A-Za-z]+: */, ""); gsub(/^"|"$/, ""); text = $0; exit }
		END { print text }' "$1"
}

status() { # SIDE STACK: prints its status, or nothing if there is no such stack
	local answer
	if answer=$("$1" cloudformation describe-stacks --stack-name "$2" --query 'Stacks[0].StackStatus' --output text 2>&1); then
		printf '%s' "$answer"
	elif [[ $answer != *"does not exist"* ]]; then
		say "$answer"
		return 1
	fi
}

settled() { # SIDE STACK: waits until nothing is in progress, and prints its status (the CLI's own wait polls only every 30 s)
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

# check_given TEMPLATE: exits if a variable that make was given, listed in GIVEN, is not a parameter: a misspelled one would have
# no effect. Variables of make, and of this script, are in capitals.
check_given() {
	local names name wrong=""
	names=$(parameters "$1" | cut -d ' ' -f 1)
	for name in ${GIVEN:-}; do
		[[ $name =~ ^[A-Z0-9_]+$ ]] || grep -qx "$name" <<<"$names" || wrong+=" $name"
	done
	[ -n "$wrong" ] || return 0
	say "deploy: $1 has no parameter$wrong. Its parameters are:"
	say "$(fold -s -w 100 <<<"${names//$'\n'/ }" | sed 's/^/  /')"
	exit 2
}

# set_overrides TEMPLATE SIDE STACK: sets overrides to Name=Value for every parameter that is set in the environment, or that is
# an output of the staging stack. Exits if a required parameter is missing.
set_overrides() {
	local template=$1 side=$2 stack=$3 from_staging="" missing="" current name state
	check_given "$template"
	[ "$side" = staging ] || from_staging=$(outputs staging "$staging_stack" 2>/dev/null || true)
	current=$(status "$side" "$stack")
	overrides=()
	while read -r name state; do
		if [ -n "${!name+set}" ]; then
			overrides+=("$name=${!name}")
		elif [[ $from_staging =~ (^|$'\n')"$name"$'\t'([^$'\n']*) ]]; then
			overrides+=("$name=${BASH_REMATCH[2]}")
		elif [ "$state" = required ] && { [ -z "$current" ] || [ "$current" = REVIEW_IN_PROGRESS ]; }; then
			missing+=" $name"
		fi
	done < <(parameters "$template")
	[ -n "$missing" ] || return 0
	say "deploy: required parameters are missing:"
	for name in $missing; do say "  $name=…  $(parameter "$template" "$name" Description)"; done
	[ "$side" = staging ] ||
		say "The stack $staging_stack has them as outputs. Deploy it first, and set STAGING_PROFILE to an AWS CLI profile that may read it."
	exit 2
}

# place ARN: prints its account and Region.
place() {
	awk -F: '{ print "account " $5 ", " $4 }' <<<"$1"
}

# columns: prints the outputs on standard input in columns.
columns() {
	awk -F'\t' '{ printf "  %-24s %s\n", $1, $2 }'
}

# delete_failed SIDE STACK: deletes the empty stack of a first deployment that failed, since it cannot be updated.
delete_failed() {
	[ "$(status "$1" "$2")" = ROLLBACK_COMPLETE ] || return 0
	say "The first deployment of $2 failed and left an empty stack."
	confirm "Delete it?" || fail "nothing was changed"
	"$1" cloudformation delete-stack --stack-name "$2"
	gone "$1" "$2"
}

# reuse_ledger makes a new stack use the ledger of an earlier deployment, if it exists.
reuse_ledger() {
	local ledger=${LedgerTable:-$(parameter infra/production.yaml LedgerTable Default)}
	if [ -z "${CreateLedger:-}" ] && [ -z "$(status production "$production_stack")" ] &&
		production dynamodb describe-table --table-name "$ledger" >/dev/null 2>&1; then
		say "The ledger $ledger of an earlier deployment exists and is used again (CreateLedger=no)."
		CreateLedger=no
	fi
}

# bucket SIDE: prints the bucket for the functions' code. It is created if it does not exist.
bucket() {
	local name=${ARTIFACT_BUCKET:-} account region
	if [ -z "$name" ]; then
		account=$("$1" sts get-caller-identity --query Account --output text)
		region=${AWS_REGION:-$("$1" configure get region || true)}
		name=spaceport-migration-$account-${region:?set AWS_REGION}
	fi
	if ! "$1" s3api head-bucket --bucket "$name" >/dev/null 2>&1; then
		say "Creating the bucket $name for the functions' code."
		"$1" s3 mb "s3://$name" >&2
		"$1" s3api put-public-access-block --bucket "$name" --public-access-block-configuration \
			BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
	fi
	printf '%s' "$name"
}

# deploy SIDE STACK OPTION...: shows the change set, asks, and executes it.
deploy() {
	local side=$1 stack=$2 answer change_set
	shift 2
	answer=$("$side" cloudformation deploy --stack-name "$stack" --no-execute-changeset --no-fail-on-empty-changeset \
		--capabilities CAPABILITY_NAMED_IAM --tags project=spaceport-migration "$@" \
		${overrides[@]+--parameter-overrides "${overrides[@]}"})
	change_set=$(grep -o 'arn:aws[^ ]*:changeSet/[^ ]*' <<<"$answer" | head -1 || true)
	if [ -z "$change_set" ]; then
		say "$stack is up to date."
		return
	fi
	say ""
	say "Changes to $stack ($(place "$change_set")):"
	"$side" cloudformation describe-change-set --change-set-name "$change_set" --output table --query \
		'Changes[].ResourceChange.{"1 action":Action,"2 resource":LogicalResourceId,"3 type":ResourceType,"4 replaced":Replacement}' >&2
	if ! confirm "Execute this change set?"; then
		"$side" cloudformation delete-change-set --change-set-name "$change_set"
		if [ "$(status "$side" "$stack")" = REVIEW_IN_PROGRESS ]; then # it is still empty
			"$side" cloudformation delete-stack --stack-name "$stack"
		fi
		fail "nothing was changed"
	fi
	say "Executing the change set. This takes a few minutes."
	"$side" cloudformation execute-change-set --change-set-name "$change_set"
	case $(settled "$side" "$stack") in
	CREATE_COMPLETE | UPDATE_COMPLETE) ;;
	*)
		"$side" cloudformation describe-stack-events --stack-name "$stack" --output text --query \
			'StackEvents[?contains(ResourceStatus, `FAILED`)].[LogicalResourceId,ResourceStatusReason]' | head -20 >&2
		fail "$stack was not deployed: see the reasons above. CloudFormation rolled the stack back. Correct the cause and run this again"
		;;
	esac
}

value() { # SIDE STACK OUTPUT
	outputs "$1" "$2" | awk -F'\t' -v name="$3" '$1 == name { print $2 }'
}

gone() { # SIDE STACK
	local now; now=$(settled "$1" "$2")
	[ -z "$now" ] || [ "$now" = DELETE_COMPLETE ] || fail "$2 is $now: see its events in the CloudFormation console"
}

# detached: reports whether the pool no longer calls the functions. If they were deleted first, every sign-in would fail.
detached() {
	local pool calls trigger datamover
	pool=$(value production "$production_stack" ProductionUserPoolId)
	trigger=$(value production "$production_stack" TriggerArn) datamover=$(value production "$production_stack" DatamoverArn)
	calls=$(production cognito-idp describe-user-pool --user-pool-id "$pool" --query UserPool.LambdaConfig --output json)
	[[ $calls != *"$trigger"* && $calls != *"$datamover"* ]]
}

# settings_of STACK: prints its parameters that differ from the template's defaults, as arguments for make.
settings_of() {
	local name value known; known=$(parameters infra/production.yaml)
	production cloudformation describe-stacks --stack-name "$1" --query 'Stacks[0].Parameters[].[ParameterKey,ParameterValue]' --output text |
		while IFS=$'\t' read -r name value; do
			case $name in ExistingUserPoolId | CreateLedger | CreateTables | Triggers) continue ;; esac
			grep -qx "$name default" <<<"$known" || continue # an output of the staging stack
			[ "$value" = "$(parameter infra/production.yaml "$name" Default)" ] || printf ' %s=%q' "$name" "$value"
		done
}

undeploy() {
	[ -n "$(status production "$production_stack")" ] || fail "there is no stack $production_stack"
	local stack; stack=$(production cloudformation describe-stacks --stack-name "$production_stack" --query 'Stacks[0].StackId' --output text)
	say "This ends the migration in $(place "$stack"): users who are not migrated yet can no longer migrate by signing in (bulk status counts them)."
	say "The pool, its app client, the ledger and all tables are kept. Functions, logs, alarms and roles are deleted."
	confirm "Delete the stack $production_stack?" || fail "nothing was changed"
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
		detached || fail "the pool still calls the functions, and sign-ins would fail without them. Run bulk detach --stack $production_stack --live first"
	fi
	local pool changed; pool=$(value production "$production_stack" ProductionUserPoolId) changed=$(settings_of "$production_stack")
	production cloudformation delete-stack --stack-name "$production_stack"
	gone production "$production_stack"
	say "$production_stack is deleted. To deploy it again with the same settings (and then run bulk attach):"
	say "  make deploy-production ExistingUserPoolId=$pool CreateLedger=no$changed"
	say "To delete the roles and the app client in the staging account: aws cloudformation delete-stack --stack-name $staging_stack"
}

case $what in
staging)
	delete_failed staging "$staging_stack"
	set_overrides infra/staging.yaml staging "$staging_stack"
	deploy staging "$staging_stack" --template-file infra/staging.yaml
	say "$staging_stack is deployed. Next, run make deploy-production; it reads these outputs:"
	outputs staging "$staging_stack" | columns
	;;
production)
	delete_failed production "$production_stack"
	reuse_ledger
	set_overrides infra/production.yaml production "$production_stack"
	mkdir -p "$out"
	bucket=$(bucket production)
	production cloudformation package --template-file infra/production.yaml --s3-bucket "$bucket" \
		--output-template-file "$out/production.yaml" >"$out/package.log" 2>&1 || { cat "$out/package.log" >&2; fail "nothing was changed"; }
	deploy production "$production_stack" --template-file "$out/production.yaml" --s3-bucket "$bucket"
	say "$production_stack is deployed. bulk --stack $production_stack reads these outputs:"
	outputs production "$production_stack" | columns
	;;
undeploy) undeploy ;;
*) code=2 fail "unknown command $what: must be staging, production or undeploy" ;;
esac
