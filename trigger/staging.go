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
// the response time does not tell whether the user exists; nor does it for a name with capitals, which is read in lower
// case too: case-sensitive pools have what was typed at sign-up. signInErr is an outage of the password check, which
// does not matter for a user who is not importable anyway.
func (h *Handler) askStaging(
	ctx context.Context, name string, password userpool.Password,
) (a answers, signInErr, err error) {
	var calls sync.WaitGroup
	lower, inLower, lowerErr := ledger.FoldASCII(name), userpool.User{}, userpool.ErrUserNotFound
	if lower != name {
		calls.Go(func() { inLower, lowerErr = h.staging.Get(ctx, lower) })
	}
	if password != "" {
		a.password = &userpool.SignInResult{}
		calls.Go(func() { *a.password, signInErr = h.staging.SignIn(ctx, h.clientID, name, password) })
	}
	a.user, err = h.staging.Get(ctx, name)
	calls.Wait()
	if !errors.Is(err, userpool.ErrUserNotFound) || errors.Is(lowerErr, userpool.ErrUserNotFound) {
		return a, signInErr, err
	}
	a.user = inLower // staging does not know the name as typed, so no password was checked
	if lowerErr == nil && password != "" {
		*a.password, signInErr = h.staging.SignIn(ctx, h.clientID, lower, password)
	}
	return a, signInErr, lowerErr
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
