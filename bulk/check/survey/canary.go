package survey

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"

	"github.com/spaceport/user-migration/bulk/check"
	"github.com/spaceport/user-migration/bulk/verify"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// appAPI is what an app calls, without any credentials.
type appAPI interface {
	InitiateAuth(context.Context, *cognito.InitiateAuthInput, ...func(*cognito.Options)) (*cognito.InitiateAuthOutput, error)
	ForgotPassword(context.Context, *cognito.ForgotPasswordInput, ...func(*cognito.Options)) (*cognito.ForgotPasswordOutput, error)
}

// newApp asks once: a password must not be tried again where staging may have counted it.
func newApp(cfg aws.Config) appAPI {
	cfg = cfg.Copy()
	cfg.Credentials = aws.AnonymousCredentials{}
	return cognito.NewFromConfig(cfg, func(o *cognito.Options) { o.Retryer = aws.NopRetryer{} })
}

// Stranger comes to production under an address that nobody has: example.com takes no mail (RFC 2606).
func (s *Survey) Stranger(ctx context.Context, client check.Client) check.Stranger {
	met := check.Stranger{Address: "canary-" + strings.ToLower(rand.Text()) + "@example.com", Client: client}
	_, met.SignIn, _ = s.signIn(ctx, client, met.Address, rand.Text()+"aA1!")
	_, err := s.app.ForgotPassword(ctx, &cognito.ForgotPasswordInput{ClientId: &client.ID, Username: &met.Address})
	met.ForgotPassword = answer(err)
	until(ctx, s.lag, func() bool {
		users, err := s.production.people.FindByEmail(ctx, met.Address)
		met.Exists = check.Seen[bool]{Value: len(users) > 0, Err: translate(err)}
		return met.Exists.Value || err != nil
	})
	return met
}

// signIn returns the access token, if there is one, what was answered, and the challenge, if there is one.
func (s *Survey) signIn(
	ctx context.Context, client check.Client, name, password string,
) (token string, said check.Answer, challenge string) {
	out, err := s.app.InitiateAuth(ctx, &cognito.InitiateAuthInput{
		ClientId: &client.ID, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": password},
	})
	if err != nil {
		return "", answer(err), ""
	}
	if out.AuthenticationResult != nil {
		token = aws.ToString(out.AuthenticationResult.AccessToken)
	}
	return token, check.Answer{}, string(out.ChallengeName)
}

// answer is what Cognito said to an app. Being busy, or broken, says nothing.
func answer(err error) check.Answer {
	var api smithy.APIError
	switch {
	case err == nil:
		return check.Answer{}
	case !errors.As(err, &api), api.ErrorFault() == smithy.FaultServer,
		api.ErrorCode() == "TooManyRequestsException", api.ErrorCode() == "LimitExceededException":
		return check.Answer{Err: translate(err)}
	}
	return check.Answer{Code: api.ErrorCode(), Text: api.ErrorMessage()}
}

// Meet finds out who would be the canary user. Nothing is tried yet.
func (s *Survey) Meet(ctx context.Context, email string, client check.Client) (check.Newcomer, error) {
	n := check.Newcomer{Email: email, Client: client}
	var err error
	if n.Staging, err = s.staging.people.FindByEmail(ctx, email); err != nil {
		return n, err
	}
	if len(n.Staging) == 1 {
		n.Before = s.line(ctx, n.Staging[0].Sub)
	}
	users, err := s.production.people.FindByEmail(ctx, email)
	n.Production = check.Seen[int]{Value: len(users), Err: translate(err)}
	return n, nil
}

func (s *Survey) line(ctx context.Context, stagingSub string) check.Seen[ledger.Record] {
	line, err := s.ledger.Get(ctx, stagingSub)
	if err == nil && !line.Exists() {
		return check.Seen[ledger.Record]{Err: check.ErrMissing}
	}
	return check.Seen[ledger.Record]{Value: line, Err: translate(err)}
}

// Welcome signs the canary user in at production, which makes them a user there, and looks at what arrived.
func (s *Survey) Welcome(ctx context.Context, n check.Newcomer, password string) (check.Newcomer, error) {
	token, said, challenge := s.signIn(ctx, n.Client, n.Email, password)
	n.SignIn, n.Challenge, n.Tokens = said, challenge, token != ""
	if !n.Tokens {
		return n, ctx.Err()
	}
	began := s.now()
	until(ctx, s.patience, func() bool {
		n.Line = s.line(ctx, n.Staging[0].Sub)
		return n.Line.Err == nil && n.Line.Value.State == ledger.Moved
	})
	n.Waited = s.now().Sub(began).Round(time.Second)
	until(ctx, s.lag, func() bool {
		n.Arrived = s.arrived(ctx, subOf(token))
		return n.Arrived.Err == nil
	})
	n.Rows = s.rowsOf(ctx, n.Line)
	return n, ctx.Err()
}

func (s *Survey) arrived(ctx context.Context, sub string) check.Seen[userpool.User] {
	user, err := s.production.people.FindBySub(ctx, sub)
	if errors.Is(err, userpool.ErrUserNotFound) {
		err = check.ErrMissing
	}
	return check.Seen[userpool.User]{Value: user, Err: translate(err)}
}

// subOf reads the sub out of an access token, which came from Cognito by TLS.
func subOf(token string) string {
	var claims struct{ Sub string }
	if parts := strings.Split(token, "."); len(parts) == 3 {
		raw, _ := base64.RawURLEncoding.DecodeString(parts[1])
		_ = json.Unmarshal(raw, &claims) // what is not there is no user's sub
	}
	return claims.Sub
}

// until looks again and again, until there is nothing more to wait for or patience ends. It looks once at least.
func until(ctx context.Context, patience time.Duration, done func() bool) {
	end := time.After(patience)
	for !done() {
		select {
		case <-ctx.Done():
			return
		case <-end:
			return
		case <-time.After(patience/100 + 10*time.Millisecond):
		}
	}
}

// rowsOf compares the rows of both ends, as bulk verify does. Until all have moved there is nothing to compare.
func (s *Survey) rowsOf(ctx context.Context, line check.Seen[ledger.Record]) (all []check.Moved) {
	v := verify.New(s.settings.Tables, rows.NewStore(s.staging.tables), rows.NewStore(s.production.tables), nil)
	one := func(yield func(ledger.Record, error) bool) { yield(line.Value, nil) }
	_, err := v.Everybody(ctx, one, 1, func(c verify.Comparison) error {
		for _, t := range c.Tables {
			m := check.Moved{Table: t.Name, Staging: t.Staging, Found: t.Same}
			if c.Unread != "" {
				m.Err = errors.New(c.Unread)
			}
			all = append(all, m)
		}
		return nil
	})
	if err != nil {
		all = append(all, check.Moved{Table: "rows", Err: translate(err)})
	}
	return all
}
