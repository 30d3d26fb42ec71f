#!/usr/bin/env bash
# Deploys one of the two stacks, or deletes the production stack. make deploy-staging, deploy-production and undeploy call it.
#
# Every parameter of a template can be set: make deploy-production AlarmEmail=ops@spaceport.example. A parameter that is not set
# keeps the value that the stack has, or has the template's default. Nothing changes before the values and the change set are shown
# and confirmed. ARTIFACT_BUCKET names the bucket for the functions' code.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -z "${AWS_REGION:-}" ] || export AWS_DEFAULT_REGION=$AWS_REGION # version 1 of the AWS CLI reads no other variable

what=${1:?staging, production or undeploy}
aws=${AWS:-aws}
staging_stack=${STAGING_STACK:-spaceport-migration-staging}
production_stack=${PRODUCTION_STACK:-spaceport-migration}
out=${DEPLOY_OUT:-dist} # for the template with the S3 locations of the functions

# The outputs of the staging stack that are parameters of the production stack. No other output is used: staging's account must
# not decide about production.
from_staging="StagingUserPoolId StagingClientId StagingTriggerRoleArn StagingDatamoverRoleArn StagingOperatorRoleArn ExternalId
	NamePrefix UsersSourceTable ProjectsSourceTable"

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

resource() { # SIDE STACK LOGICAL_ID: prints the name of a resource of the stack, or nothing
	"$1" cloudformation describe-stack-resource --stack-name "$2" --logical-resource-id "$3" \
		--query StackResourceDetail.PhysicalResourceId --output text 2>/dev/null || true
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

# set_kept SIDE STACK: sets kept to the parameters of the deployed stack, as lines of name and value.
set_kept() {
	local now; now=$(status "$1" "$2") kept=""
	case $now in
	"" | REVIEW_IN_PROGRESS) ;;
	*) kept=$("$1" cloudformation describe-stacks --stack-name "$2" --query 'Stacks[0].Parameters[].[ParameterKey,ParameterValue]' \
		--output text) ;;
	esac
}

# look_up NAME LINES: sets value to that of NAME in lines of name and value.
look_up() {
	[[ $2 =~ (^|$'\n')"$1"$'\t'([^$'\n']*) ]] && value=${BASH_REMATCH[2]}
}

# set_overrides TEMPLATE SIDE: sets overrides to Name=Value for every parameter that is set in the environment or comes
# from the staging stack, and used to the values of all parameters, to be shown. Exits if a required parameter is missing.
set_overrides() {
	local template=$1 side=$2 staged="" missing="" name state value source
	[ "$side" = staging ] || staged=$(outputs staging "$staging_stack" 2>/dev/null || true)
	overrides=() used=""
	while read -r name state; do
		if [ -n "${!name+set}" ]; then
			source=given value=${!name} overrides+=("$name=${!name}")
		elif grep -qw "$name" <<<"$from_staging" && look_up "$name" "$staged"; then
			source=staging overrides+=("$name=$value")
		elif look_up "$name" "$kept"; then
			source=kept
		elif [ "$state" = default ]; then
			source=default value=$(parameter "$template" "$name" Default)
		else
			missing+=" $name"
			continue
		fi
		used+=$(printf '  %-8s %s=%s' "$source" "$name" "${value//[[:cntrl:]]/ }")$'\n'
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

# delete_failed SIDE STACK: deletes the empty stack of a first deployment that failed, since it cannot be updated. What the
# template retains is kept.
delete_failed() {
	local now pool; now=$(status "$1" "$2")
	[ "$now" = ROLLBACK_COMPLETE ] || [ "$now" = ROLLBACK_FAILED ] || return 0
	say "The first deployment of $2 failed and left an empty stack."
	confirm "Delete it?" || fail "nothing was changed"
	pool=$(resource "$1" "$2" UserPool)
	"$1" cloudformation delete-stack --stack-name "$2"
	gone "$1" "$2"
	[ -z "$pool" ] || say "The user pool $pool, which it created, is kept, but a new one is created." \
		"Delete it, or use it: make deploy-production ExistingUserPoolId=$pool (and then run bulk attach)."
}

# name_pools prints the ids of pools that have the name of the one to be created. None is used because of its name alone.
name_pools() {
	local pools value
	[ -z "$kept${ExistingUserPoolId:-}" ] || return 0
	setting PoolName
	pools=$(production cognito-idp list-user-pools --max-results 60 --output text --query "UserPools[?Name=='$value'].Id" 2>/dev/null || true)
	[ -z "$pools" ] || say "User pools named $value exist: ${pools//$'\t'/ }. They are not used." \
		"To use one: make deploy-production ExistingUserPoolId=ID (and then run bulk attach)."
}

# setting NAME: sets value to that of a parameter of the production stack: given, kept, or the default.
setting() {
	value=${!1:-}
	[ -n "$value" ] || look_up "$1" "$kept" || value=$(parameter infra/production.yaml "$1" Default)
}

# left PARAMETER LOGICAL_ID KEY...: reports whether the table exists that the parameter names, without being the stack's own.
# Then CloudFormation cannot create it. Unless the stack uses it already, its key must be the one that the template would give
# it, and rows in it are asked about.
left() {
	local value table keys types key has wanted count id=$2 name=$1
	setting "$1"
	table=$value
	shift 2
	keys=$(production dynamodb describe-table --table-name "$table" --output text --query \
		"Table.[join(' ', KeySchema[].AttributeName), join(' ', AttributeDefinitions[].join(':', [AttributeName, AttributeType]))]" \
		2>/dev/null) || return 1
	[ "$(resource production "$production_stack" "$id")" != "$table" ] || return 1
	if look_up "$name" "$kept" && [ "$value" = "$table" ]; then return; fi
	types=" ${keys#*$'\t'} " has=""
	for key in ${keys%%$'\t'*}; do
		key+=:${types##* "$key":}
		has+=" ${key%% *}"
	done
	wanted=$(printf ' %s:S' "$@")
	[ "$has" = "$wanted" ] || fail "the table $table exists, and its key is$has, not$wanted. Nothing was changed. Name another table: $name=NAME"
	say "The table $table exists, perhaps from an earlier deployment, and is used again."
	count=$(production dynamodb scan --table-name "$table" --select COUNT --no-paginate --query Count --output text) || count=unknown
	[ "$count" != 0 ] || return 0
	say "Number of items in it, at least: $count."
	confirm "Use it with them?" || fail "nothing was changed"
}

# reuse_tables makes the stack use tables that exist, instead of failing to create them: they outlive the stack, even if its
# first deployment fails.
reuse_tables() {
	local create=${CreateTables:-no} value users owner sort
	setting UsersOwnerKey; users=$value
	setting ProjectsOwnerKey; owner=$value
	setting ProjectsSortKey; sort=$value
	if [[ ${CreateLedger:-} = yes || -z ${CreateLedger:-}$kept ]] && left LedgerTable Ledger stagingSub; then
		CreateLedger=no
		say "So CreateLedger=no is set."
	fi
	if [[ $create = yes || $create = users ]] && left UsersTable Users "$users"; then
		create=${create/users/no} create=${create/yes/projects}
	fi
	if [[ $create = yes || $create = projects ]] && left ProjectsTable Projects "$owner" "$sort"; then
		create=${create/projects/no} create=${create/yes/users}
	fi
	[ "$create" = "${CreateTables:-no}" ] || say "So CreateTables=$create is set."
	[ -z "${CreateTables:-}" ] || CreateTables=$create
}

# set_bucket sets bucket to the bucket for the functions' code, and account to its owner. It is created if it does not exist.
# Bucket names are shared by all accounts, and anyone can guess this one: therefore every call names the expected owner.
set_bucket() {
	local region answer location=()
	account=$(production sts get-caller-identity --query Account --output text)
	region=${AWS_DEFAULT_REGION:-$(production configure get region || true)}
	bucket=${ARTIFACT_BUCKET:-spaceport-migration-$account-${region:?set AWS_REGION}}
	if answer=$(s3 head-bucket 2>&1); then return; fi
	[[ $answer != *"(403)"* && $answer != *Forbidden* ]] || fail_foreign
	say "Creating the bucket $bucket for the functions' code."
	[ "${region:?set AWS_REGION}" = us-east-1 ] || location=(--create-bucket-configuration "LocationConstraint=$region")
	if ! answer=$(production s3api create-bucket --bucket "$bucket" ${location[@]+"${location[@]}"} 2>&1); then
		say "$answer"
		[[ $answer != *BucketAlreadyExists* ]] || fail_foreign
		fail "nothing was changed"
	fi
	s3 put-public-access-block --public-access-block-configuration \
		BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
}

s3() { # OPERATION OPTION...
	local operation=$1
	shift
	production s3api "$operation" --bucket "$bucket" --expected-bucket-owner "$account" "$@"
}

fail_foreign() {
	fail "the bucket $bucket belongs to another account, or account $account may not use it. Nothing was changed. Set another name:" \
		"make deploy-production ARTIFACT_BUCKET=NAME"
}

upload() { # FILE KEY
	s3 put-object --key "$2" --body "$1" >/dev/null ||
		fail "$1 was not uploaded to the bucket $bucket. Nothing was changed. ARTIFACT_BUCKET=NAME sets another bucket"
}

digest() { # ALGORITHM FILE
	python3 -c 'import hashlib, sys; print(hashlib.new(sys.argv[1], open(sys.argv[2], "rb").read()).hexdigest())' "$@"
}

# package uploads the functions, and the template with their locations. aws cloudformation package and deploy would upload by
# themselves, without an expected owner; deploy does not if it finds the template under this key.
package() {
	local name key locations=""
	mkdir -p "$out"
	for name in trigger datamover; do
		[ -f "dist/$name.zip" ] || fail "dist/$name.zip is missing. make deploy-production builds it"
		key=$name-$(digest sha256 "dist/$name.zip").zip
		upload "dist/$name.zip" "$key"
		locations+="s|Code: ../dist/$name.zip|Code: {S3Bucket: \"$bucket\", S3Key: \"$key\"}|;"
	done
	sed "$locations" infra/production.yaml >"$out/production.yaml"
	upload "$out/production.yaml" "$(digest md5 "$out/production.yaml").template"
}

# deploy SIDE STACK OPTION...: shows the parameters and the change set, asks, and executes it.
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
	say "Parameters of $stack (given, from the staging stack, kept as deployed, or the template's default):"
	say "$used"
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

# kept_settings prints the deployed parameters that differ from the template's defaults, as arguments for make.
kept_settings() {
	local name value known; known=$(parameters infra/production.yaml)
	while IFS=$'\t' read -r name value; do
		case $name in ExistingUserPoolId | CreateLedger | CreateTables | Triggers) continue ;; esac
		grep -qx "$name default" <<<"$known" || continue # an output of the staging stack
		[ "$value" = "$(parameter infra/production.yaml "$name" Default)" ] || printf ' %s=%q' "$name" "$value"
	done <<<"$kept"
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
	local pool changed; pool=$(value production "$production_stack" ProductionUserPoolId)
	set_kept production "$production_stack"
	changed=$(kept_settings)
	production cloudformation delete-stack --stack-name "$production_stack"
	gone production "$production_stack"
	say "$production_stack is deleted. To deploy it again with the same settings (and then run bulk attach):"
	say "  make deploy-production ExistingUserPoolId=$pool CreateLedger=no$changed"
	say "To delete the roles and the app client in the staging account: aws cloudformation delete-stack --stack-name $staging_stack"
}

case $what in
staging)
	check_given infra/staging.yaml
	delete_failed staging "$staging_stack"
	set_kept staging "$staging_stack"
	set_overrides infra/staging.yaml staging
	deploy staging "$staging_stack" --template-file infra/staging.yaml
	say "$staging_stack is deployed. Next, run make deploy-production; it reads these outputs:"
	outputs staging "$staging_stack" | columns
	;;
production)
	check_given infra/production.yaml
	delete_failed production "$production_stack"
	set_kept production "$production_stack"
	name_pools
	reuse_tables
	set_overrides infra/production.yaml production
	set_bucket
	package
	deploy production "$production_stack" --template-file "$out/production.yaml" --s3-bucket "$bucket"
	say "$production_stack is deployed. bulk --stack $production_stack reads these outputs:"
	outputs production "$production_stack" | columns
	;;
undeploy) undeploy ;;
*) code=2 fail "unknown command $what: must be staging, production or undeploy" ;;
esac
