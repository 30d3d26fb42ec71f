package cli

import (
	"errors"
	"net"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
)

// advice says what an operator can do about an error, or "".
func advice(err error) string {
	var (
		api     smithy.APIError
		network *net.OpError
	)
	var noRegion *aws.MissingRegionError
	switch {
	case errors.As(err, &api):
		return adviceFor(api.ErrorCode())
	case errors.As(err, &noRegion), strings.Contains(err.Error(), "Missing Region"):
		return "Set AWS_REGION."
	case strings.Contains(err.Error(), "IMDS"): // the last place where the SDK looks for credentials
		return noCredentials
	case strings.Contains(err.Error(), "shared config profile"):
		return "There is no such profile: check AWS_PROFILE; these are there: aws configure list-profiles"
	case errors.As(err, &network):
		return "AWS was not reached: check the network, and AWS_ENDPOINT_URL if it is set. Then run the same command again."
	case strings.Contains(err.Error(), "failed to refresh cached credentials"), strings.Contains(err.Error(), "get identity"):
		return noCredentials
	}
	return ""
}

const noCredentials = "No AWS credentials were found: set AWS_PROFILE (such as spaceport-operator), or sign in with: aws sso login"

func adviceFor(code string) string {
	switch code {
	case "AccessDenied", "AccessDeniedException", "NotAuthorizedException":
		return "The credentials in use may not do this. Is AWS_PROFILE the operator's, who has the role in the stack's output OperatorRoleArn? Check also the stack's name, STAGING_ROLE_ARN and STAGING_EXTERNAL_ID; bulk check names every permission that is missing."
	case "ExpiredToken", "ExpiredTokenException":
		return "The AWS credentials have expired: renew them, then run the same command again."
	case "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch":
		return "AWS does not know these credentials: check AWS_PROFILE, or sign in with: aws sso login"
	case "ResourceNotFoundException":
		return "It is not there, in that account and Region: check the pool ids, MIGRATION_TABLES and LEDGER_TABLE (bulk help settings shows them all)."
	case "TooManyRequestsException", "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded", "LimitExceededException":
		return "AWS was too busy, after many tries: wait a minute, then run the same command again."
	case "InvalidParameterException", "ValidationException":
		return "AWS does not accept the request: check the pool ids, MIGRATION_TABLES and LEDGER_TABLE (bulk help settings shows them all)."
	}
	return "AWS failed, after many tries: wait a minute, then run the same command again."
}
