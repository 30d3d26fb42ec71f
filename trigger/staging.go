package trigger

import (
	"context"
	"errors"
	"strings"
	"sync"
	"unicode"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// staging is the staging user pool; the contract is that of userpool.Pool.
type staging interface {
	SignIn(ctx context.Context, clientID, name string, password userpool.Password) (userpool.SignInResult, error)
	Get(ctx context.Context, name string) (userpool.User, error)
}

// askStaging checks the password, if there is one, and reads the user, both at once. Both calls are awaited, so that
// the response time does not tell whether the user exists. signInErr is an outage of the password check, which does
// not matter for a user who is not importable anyway.
func (h *Handler) askStaging(
	ctx context.Context, name string, password userpool.Password,
) (a answers, signInErr, err error) {
	var calls sync.WaitGroup
	if password != "" {
		a.password = &userpool.SignInResult{}
		calls.Go(func() { *a.password, signInErr = h.staging.SignIn(ctx, h.clientID, name, password) })
	}
	a.user, err = h.staging.Get(ctx, name)
	calls.Wait()
	return a, signInErr, err
}

// retryLowerCase asks for the name as typed and, if staging does not know it, once more in lower case: case-sensitive
// pools have what was typed at sign-up.
func (h *Handler) retryLowerCase(
	ctx context.Context, name string, password userpool.Password,
) (a answers, signInErr, err error) {
	a, signInErr, err = h.askStaging(ctx, name, password)
	if lower := ledger.FoldASCII(name); errors.Is(err, userpool.ErrUserNotFound) && lower != name {
		return h.askStaging(ctx, lower, password)
	}
	return a, signInErr, err
}

// maxUsername is the longest user name that a pool takes ("Amazon Cognito API reference, AdminGetUser").
const maxUsername = 128

// validUsername reports whether a pool could have a user of that name; staging is not asked about any other.
func validUsername(name string) bool {
	if name == "" || len(name) > 4*maxUsername || strings.ToValidUTF8(name, "") != name {
		return false
	}
	runes := 0
	for _, r := range name {
		if runes++; runes > maxUsername || !visible(r) {
			return false
		}
	}
	return true
}

// visible reports what Cognito takes in names and, with white space, in messages ("Amazon Cognito API reference").
func visible(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M, unicode.S, unicode.N, unicode.P)
}
