package cli

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"text/template"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/spaceport/user-migration/bulk/console"
)

//go:embed remedies.tmpl
var remediesTemplate string

var remedies = template.Must(template.New("").Parse(remediesTemplate))

// failure is what remedies.tmpl asks about an error.
type failure struct {
	error
	Code, Region, Tried, Profile string
	Busy, TimedOut, Unreached    bool
}

// Has reports whether AWS's code is one of these.
func (f failure) Has(codes ...string) bool { return slices.Contains(codes, f.Code) }

// Says reports whether the error's text contains one of these.
func (f failure) Says(texts ...string) bool {
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(f.Error(), text) })
}

func describeFailure(err error) failure {
	f := failure{error: err, Unreached: errors.As(err, new(*net.OpError))}
	f.Profile = console.Quote(cmp.Or(os.Getenv("AWS_PROFILE"), os.Getenv("AWS_DEFAULT_PROFILE"), "default"))
	tried, _ := errors.AsType[*retry.MaxAttemptsError](err)
	if tried != nil && tried.Attempt > 1 {
		f.Tried = fmt.Sprintf(", after %d attempts", tried.Attempt)
	}
	network, ok := errors.AsType[net.Error](err)
	f.TimedOut = ok && network.Timeout() || errors.Is(err, context.DeadlineExceeded)
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		_, throttles := retry.DefaultThrottleErrorCodes[api.ErrorCode()]
		f.Code, f.Busy = api.ErrorCode(), throttles || tried != nil || api.ErrorFault() == smithy.FaultServer
	}
	if answer, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && f.Code != "" && answer.Response.Request != nil {
		signed := strings.Split(answer.Response.Request.Header.Get("Authorization"), "/") // with key, date, Region, service
		f.Region = append(signed, "", "", "")[2]
	}
	return f
}

// remedy returns what an operator can do about an error, or "". After a fatal one, no other user does better.
func remedy(err error) (text string, fatal bool) {
	var b strings.Builder
	f := describeFailure(err)
	_ = remedies.Execute(&b, f)
	text, fatal = strings.CutPrefix(strings.TrimSpace(b.String()), "fatal:")
	return text, fatal || f.Code == "" && f.Says("failed to refresh cached credentials")
}

// fatal reports errors after which no other user does better.
func fatal(err error) bool {
	_, is := remedy(err)
	return is
}
