package journeys

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// signsIn lets a person in, inside the limit.
func (s *story) signsIn(what, email, password string) {
	s.step(what, func() error {
		began := time.Now()
		out, err := s.SignIn(s.ctx, email, password)
		if err := expect(err, letIn); err != nil {
			return err
		}
		if out.AuthenticationResult == nil || out.AuthenticationResult.AccessToken == nil {
			return errors.New("no tokens")
		}
		return inTime(began)
	})
}

// isRefused tries to sign in and wants that very answer.
func (s *story) isRefused(what, email, password, want string) {
	s.step(what, func() error {
		began := time.Now()
		_, err := s.SignIn(s.ctx, email, password)
		return errors.Join(expect(err, want), inTime(began))
	})
}

// comesByMailbox asks for a code, reads the letter and sets a new password.
func (s *story) comesByMailbox(name, email, password string) {
	s.step(name+" asks for a code, which arrives by e-mail", func() error {
		if _, err := s.ForgotPassword(s.ctx, email); err != nil {
			return err
		}
		_, arrived := s.Cloud.LastLetter(email)
		return that(arrived, "no letter to %s", email)
	})
	s.step("sets a new password with the code", func() error {
		letter, _ := s.Cloud.LastLetter(email)
		return s.ConfirmForgotPassword(s.ctx, email, letter.Code, password)
	})
}

// getsNoLetter asks for a code for a name that must not get one, and wants the answer that anybody gets.
func (s *story) getsNoLetter(what, email string) {
	s.step(what, func() error {
		before := len(s.Cloud.Letters())
		stranger, errStranger := s.ForgotPassword(s.ctx, "nobody-at-all@example.com")
		got, err := s.ForgotPassword(s.ctx, email)
		if spaceport.Answer(err) != spaceport.Answer(errStranger) {
			return fmt.Errorf("the app was told %q, a stranger %q", spaceport.Answer(err), spaceport.Answer(errStranger))
		}
		if err == nil && shape(got) != shape(stranger) {
			return fmt.Errorf("the app was told %s, a stranger %s", shape(got), shape(stranger))
		}
		return that(len(s.Cloud.Letters()) == before, "a letter was sent")
	})
}

// shape is a delivery as the app sees it, less the address that it asked for itself.
func shape(out *cognito.ForgotPasswordOutput) string {
	d := out.CodeDeliveryDetails
	return fmt.Sprint(*d.AttributeName, d.DeliveryMedium, strings.Count(*d.Destination, "*"))
}

func (s *story) isUnknownToProduction(name, email string) {
	s.step(name+" is not in production", func() error {
		user, err := s.ProductionUser(s.ctx, email)
		return errors.Join(err, that(user == nil, "there is an account"))
	})
}

// hasEverything compares production's rows with staging's, every field, and the ledger line with both.
func (s *story) hasEverything(what, email, stagingSub string) {
	s.step(what, func() error {
		user, err := s.ProductionUser(s.ctx, email)
		if err != nil || user == nil {
			return fmt.Errorf("no account: %w", err)
		}
		sub := spaceport.Attribute(user, "sub")
		for _, t := range s.Settings.Tables {
			want, err := spaceport.Rows(s.ctx, s.StagingTables, t.Source, t.OwnerKey, stagingSub)
			if err != nil {
				return err
			}
			got, err := spaceport.Rows(s.ctx, s.ProductionTables, t.Target, t.OwnerKey, sub)
			if err != nil {
				return err
			}
			if err := sameRows(want, got, t.OwnerKey, sub); err != nil {
				return fmt.Errorf("%s: %w", t.Target, err)
			}
		}
		line, err := s.Ledger(s.ctx, stagingSub)
		return errors.Join(err, that(line.State == ledger.Moved && line.ProductionSub == sub, "the ledger says %+v", line))
	})
}

func sameRows(want, got []map[string]dynamotypes.AttributeValue, ownerKey, owner string) error {
	if len(want) != len(got) {
		return fmt.Errorf("%d rows, staging has %d", len(got), len(want))
	}
	for i := range want {
		moved := maps.Clone(want[i])
		moved[ownerKey] = &dynamotypes.AttributeValueMemberS{Value: owner}
		if !rows.Equal(moved, got[i]) {
			return fmt.Errorf("row %d is not as in staging", i)
		}
	}
	return nil
}

// hasNothing makes sure that a production user has no rows.
func (s *story) hasNothing(what, email string) {
	s.step(what, func() error {
		user, err := s.ProductionUser(s.ctx, email)
		if err != nil || user == nil {
			return fmt.Errorf("no account: %w", err)
		}
		for _, t := range s.Settings.Tables {
			got, err := spaceport.Rows(s.ctx, s.ProductionTables, t.Target, t.OwnerKey, spaceport.Attribute(user, "sub"))
			if err != nil || len(got) > 0 {
				return errors.Join(err, that(len(got) == 0, "%d rows in %s", len(got), t.Target))
			}
		}
		return nil
	})
}

// isNative makes a production user who never was in staging.
func (s *story) isNative(p spaceport.Person) {
	s.step("an account that never was in staging is made in production", func() error { return s.AddNative(s.ctx, p) })
}

func named(name, value string) types.AttributeType {
	return types.AttributeType{Name: &name, Value: &value}
}

// costs counts the requests that a person's step makes on somebody's behalf.
func (s *story) costs(what string, of cloud.Filter, want int, do func() error) {
	s.step(what, func() error {
		before := s.Cloud.CountRequests(of)
		if err := do(); err != nil {
			return err
		}
		got := s.Cloud.CountRequests(of) - before
		return that(got == want, "%d requests", got)
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
