"""Starts ministack, an AWS in one process, with IAM enforced, and mends what it does otherwise than AWS."""

import os
import re
import signal
import sys
import threading

os.environ["AUTH"] = "true"  # read at import

from ministack import app  # noqa: E402
from ministack.core import iam_evaluator  # noqa: E402
from ministack.services import cognito  # noqa: E402

resolve = iam_evaluator._resolve_condition_key


def resolve_principal(key, ctx):
    """It takes aws:PrincipalArn of an assumed role for the session's ARN; it is the role's ("IAM User Guide, AWS global
    condition context keys")."""
    value = resolve(key, ctx)
    if key.lower() == "aws:principalarn":
        value = re.sub(r"^arn:([^:]+):sts::(\d+):assumed-role/([^/]+)/.*$", r"arn:\1:iam::\2:role/\3", value)
    return value


iam_evaluator._resolve_condition_key = resolve_principal


def with_numbers(call):
    """It hands a parameter of type Number on as a text; CloudFormation makes it what the resource's schema says."""

    def converted(data):
        policy = data.get("Policies", {}).get("PasswordPolicy", {})
        if "MinimumLength" in policy:
            policy["MinimumLength"] = int(policy["MinimumLength"])
        return call(data)

    return converted


cognito._create_user_pool = with_numbers(cognito._create_user_pool)
cognito._update_user_pool = with_numbers(cognito._update_user_pool)


def end_with_parent():
    sys.stdin.read()  # which ends with whoever started this, however they end
    os.killpg(0, signal.SIGKILL)  # the functions too


threading.Thread(target=end_with_parent, daemon=True).start()
app.main()
