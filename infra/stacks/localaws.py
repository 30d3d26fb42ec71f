"""Starts ministack, an AWS emulator in one process, with IAM enforced, and corrects where it differs from AWS."""

import os
import re
import signal
import sys
import threading

os.environ["AUTH"] = "true"  # read at import

from ministack import app  # noqa: E402
from ministack.core import iam_actions, iam_evaluator  # noqa: E402
from ministack.services import cognito, iam  # noqa: E402
from ministack.services.cloudformation import changesets, engine, handlers, stacks  # noqa: E402

resolve = iam_evaluator._resolve_condition_key


def resolve_principal(key, ctx):
    """ministack sets aws:PrincipalArn of an assumed role to the session's ARN; AWS sets it to the role's ("IAM User Guide, AWS
    global condition context keys")."""
    value = resolve(key, ctx)
    if key.lower() == "aws:principalarn":
        value = re.sub(r"^arn:([^:]+):sts::(\d+):assumed-role/([^/]+)/.*$", r"arn:\1:iam::\2:role/\3", value)
    return value


iam_evaluator._resolve_condition_key = resolve_principal

extract = iam_actions.extract_resource_arn


def extract_simulated(service, method, path, headers, body, query_params, *rest):
    """ministack authorizes iam:SimulatePrincipalPolicy for resource "*"; AWS authorizes it for the simulated role."""
    source = query_params.get("PolicySourceArn") if service == "iam" else None
    if isinstance(source, list):
        source = source[0]
    return source or extract(service, method, path, headers, body, query_params, *rest)


iam_actions.extract_resource_arn = extract_simulated

extract_params, build_results = iam._extract_simulate_params, iam._build_simulate_results_real


def all_params(params):
    """ministack simulates the actions on the first resource only; AWS simulates them on every resource."""
    actions, _ = extract_params(params)
    resources = []
    while resource := iam._p(params, f"ResourceArns.member.{len(resources) + 1}"):
        resources.append(resource)
    return actions, resources or ["*"]


def all_results(actions, resources, *rest):
    return "".join(build_results(actions, resource, *rest) for resource in resources)


iam._extract_simulate_params, iam._build_simulate_results_real = all_params, all_results


evaluate = engine._evaluate_conditions


def evaluate_functions(template, params):
    """ministack resolves no Fn::Split, no Fn::Sub and no AWS::Region in Conditions; CloudFormation does."""

    def resolved(value):
        if isinstance(value, list):
            return [resolved(element) for element in value]
        if not isinstance(value, dict):
            return value
        if "Fn::Equals" in value:
            return {"Fn::Equals": engine._resolve_refs(value["Fn::Equals"], {}, params, {}, {}, "", "")}
        return {name: resolved(member) for name, member in value.items()}

    return evaluate({**template, "Conditions": resolved(template.get("Conditions", {}))}, params)


for module in (changesets, engine, handlers, stacks):
    module._evaluate_conditions = evaluate_functions


def with_numbers(call):
    """ministack passes a parameter of type Number on as a string; CloudFormation converts it as the resource's schema says."""

    def converted(data):
        policy = data.get("Policies", {}).get("PasswordPolicy", {})
        if "MinimumLength" in policy:
            policy["MinimumLength"] = int(policy["MinimumLength"])
        return call(data)

    return converted


cognito._create_user_pool = with_numbers(cognito._create_user_pool)
cognito._update_user_pool = with_numbers(cognito._update_user_pool)


def end_with_parent():
    sys.stdin.read()  # ends when the parent process ends, for whatever reason
    os.killpg(0, signal.SIGKILL)  # the functions too


threading.Thread(target=end_with_parent, daemon=True).start()
app.main()
