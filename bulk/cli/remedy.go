package cli

import (
	"errors"
	"net"
	"regexp"
	"strings"

	"github.com/aws/smithy-go"
)

// advice says what an operator can do about an error. After a fatal one, no other user does better.
type advice struct {
	pattern string // of "code " and AWS's error code, else of the text, after which the network is named
	fatal   bool
	text    string
}

const noCredentials = "No AWS credentials were found: set AWS_PROFILE, or sign in with: aws sso login"

// remedies are in order: the first that matches counts.
var remedies = []advice{
	{`^code (AccessDenied|NotAuthorized)`, true, "The credentials do not allow this: check AWS_PROFILE (it assumes the " +
		"stack's OperatorRoleArn), STAGING_ROLE_ARN and STAGING_EXTERNAL_ID; bulk check names missing permissions."},
	{`^code ExpiredToken`, true, "The AWS credentials have expired: renew them, then run the same command again."},
	{`^code (UnrecognizedClient|InvalidClientTokenId|InvalidSignature|SignatureDoesNotMatch)`, true,
		"AWS does not know these credentials: check AWS_PROFILE, or sign in with: aws sso login"},
	{`^code ResourceNotFound`, true, "It is not in that account and Region: check the settings (bulk help settings)."},
	{`^code (InvalidParameter|Validation)`, false, "AWS rejects the request: check the settings (bulk help settings)."},
	{`^code `, false, "AWS throttles or fails, after many attempts: wait a minute, then run the same command again."},
	{`AWS region is required|Missing Region`, false, "Set AWS_REGION."},
	{`IMDS`, false, noCredentials}, // the last place where the SDK looks for credentials
	{`shared config profile`, false, "There is no such profile: check AWS_PROFILE (aws configure list-profiles)."},
	{` network$`, false, "AWS was not reached: check the network, and AWS_ENDPOINT_URL if it is set."},
	{`refresh cached credentials|get identity`, false, noCredentials},
}

func adviceFor(err error) advice {
	about := err.Error()
	uncached := strings.Contains(about, "failed to refresh cached credentials")
	if errors.As(err, new(*net.OpError)) {
		about += " network"
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		about, uncached = "code "+api.ErrorCode(), false
	}
	for _, a := range remedies {
		if regexp.MustCompile(a.pattern).MatchString(about) {
			a.fatal = a.fatal || uncached
			return a
		}
	}
	return advice{}
}

// remedy returns what an operator can do about an error, or "".
func remedy(err error) string { return adviceFor(err).text }

// fatal reports errors after which no other user does better.
func fatal(err error) bool { return adviceFor(err).fatal }
