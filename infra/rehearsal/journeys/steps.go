package journeys

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// signsIn signs a user in, inside the limit.
func (s *story) signsIn(what, email, password string) {
	s.step(what, func() error {
		began := time.Now()
		out, err := s.SignIn(s.ctx, email, password)
		if err := expect(err, signedIn); err != nil {
			return err
		}
		if out.AuthenticationResult == nil || out.AuthenticationResult.AccessToken == nil {
			return errors.New("no tokens")
		}
		return inTime(began)
	})
}

// isRejected tries to sign in and wants exactly this answer.
func (s *story) isRejected(what, email, password, want string) {
	s.step(what, func() error {
		began := time.Now()
		_, err := s.SignIn(s.ctx, email, password)
		return errors.Join(expect(err, want), inTime(began))
	})
}

// resetsPassword asks for a code, reads the email and sets a new password.
func (s *story) resetsPassword(name, email, password string) {
	s.step(name+" asks for a code and gets an email", func() error {
		if _, err := s.ForgotPassword(s.ctx, email); err != nil {
			return err
		}
		_, arrived := s.Cloud.LastMessage(email)
		return ensure(arrived, "no email to %s", email)
	})
	s.step("sets a new password with the code", func() error {
		message, _ := s.Cloud.LastMessage(email)
		return s.ConfirmForgotPassword(s.ctx, email, message.Code, password)
	})
}

// getsNoEmail asks for a code for an address that must not get one, and wants the answer that an unknown address gets.
func (s *story) getsNoEmail(what, email string) {
	s.step(what, func() error {
		before := len(s.Cloud.Messages())
		want, errWant := s.ForgotPassword(s.ctx, "no-such-user@example.com")
		got, err := s.ForgotPassword(s.ctx, email)
		if spaceport.Answer(err) != spaceport.Answer(errWant) {
			return fmt.Errorf("the answer is %q, an unknown address gets %q", spaceport.Answer(err), spaceport.Answer(errWant))
		}
		if err == nil && shape(got) != shape(want) {
			return fmt.Errorf("the answer is %s, an unknown address gets %s", shape(got), shape(want))
		}
		return ensure(len(s.Cloud.Messages()) == before, "an email was sent")
	})
}

// shape is a delivery as the app sees it, without the address, which the app knows.
func shape(out *cognito.ForgotPasswordOutput) string {
	d := out.CodeDeliveryDetails
	return fmt.Sprint(*d.AttributeName, d.DeliveryMedium, strings.Count(*d.Destination, "*"))
}

func (s *story) isNotInProduction(name, email string) {
	s.step(name+" is not in production", func() error {
		user, err := s.ProductionUser(s.ctx, email)
		return errors.Join(err, ensure(user == nil, "there is an account"))
	})
}

// The tables that move.
var (
	profiles = settings.Table{Source: "Spaceport-Users-staging", Target: "Spaceport-Users-prod", OwnerKey: "id"}
	projects = settings.Table{Source: "Spaceport-Projects-staging", Target: "Spaceport-Projects-prod", OwnerKey: "userSub"}
)

func (s *story) productionSub(email string) (string, error) {
	user, err := s.ProductionUser(s.ctx, email)
	if err != nil || user == nil {
		return "", fmt.Errorf("no account: %w", err)
	}
	return spaceport.Attribute(user, "sub"), nil
}

// productionRows returns a user's rows in production, and their owner.
func (s *story) productionRows(t settings.Table, email string) (sub string, all []rows.Row, err error) {
	if sub, err = s.productionSub(email); err != nil {
		return "", nil, err
	}
	all, err = spaceport.Rows(s.ctx, s.ProductionTables, t.Target, t.OwnerKey, sub)
	return sub, all, err
}

// hasAllData compares production's rows with staging's, every field, and the ledger record with both.
func (s *story) hasAllData(what, email, stagingSub string) {
	s.step(what, func() error {
		for _, t := range []settings.Table{profiles, projects} {
			want, err := spaceport.Rows(s.ctx, s.StagingTables, t.Source, t.OwnerKey, stagingSub)
			if err != nil {
				return err
			}
			sub, got, err := s.productionRows(t, email)
			same := slices.EqualFunc(want, got, func(a, b rows.Row) bool { return rows.Equal(a.OwnedBy(t, sub), b) })
			if err != nil || !same {
				return errors.Join(err, fmt.Errorf("%d rows in %s differ from staging's %d", len(got), t.Target, len(want)))
			}
		}
		sub, err := s.productionSub(email)
		record, errLedger := s.Ledger(s.ctx, stagingSub)
		ok := record.State == ledger.Moved && record.ProductionSub == sub
		return errors.Join(err, errLedger, ensure(ok, "the record is %+v", record))
	})
}

// hasNoRows ensures that a production user has no rows.
func (s *story) hasNoRows(what, email string) {
	s.step(what, func() error {
		_, some, err := s.productionRows(profiles, email)
		_, more, errMore := s.productionRows(projects, email)
		return errors.Join(err, errMore, ensure(len(some)+len(more) == 0, "%d rows", len(some)+len(more)))
	})
}

// addNative creates a production user who was never in staging.
func (s *story) addNative(u spaceport.User) {
	s.step("an account that was never in staging is created in production", func() error { return s.AddNative(s.ctx, u) })
}

func named(name, value string) types.AttributeType {
	return types.AttributeType{Name: &name, Value: &value}
}

// makesRequests counts the matching requests that a step causes.
func (s *story) makesRequests(what string, of cloud.Filter, want int, do func() error) {
	s.step(what, func() error {
		before := s.Cloud.CountRequests(of)
		if err := do(); err != nil {
			return err
		}
		got := s.Cloud.CountRequests(of) - before
		return ensure(got == want, "%d requests", got)
	})
}

// logged wants a line in a function's log with all of these words.
func (s *story) logged(what, function string, words ...string) {
	s.step(what, func() error {
		for line := range strings.Lines(string(s.Lambdas.Log(function))) {
			if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) }) {
				return nil
			}
		}
		return fmt.Errorf("no such line in the log of %s", function)
	})
}
