package journeys

import (
	"errors"
	"fmt"
	"time"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// All lists the journeys in the order in which they are told.
var All = []Journey{
	{"signs in with the staging password", signIn},
	{"forgot the password before ever signing in", forgotPassword},
	{"wrong password and unknown address are told the same", sameAnswers},
	{"disabled, unconfirmed, temporary password: no way in", ineligible},
	{"has an authenticator app: only through the mailbox", totp},
	{"has 2,500 projects: signs in at once, and all arrive", manyProjects},
	{"edited a project before the move was finished", editedMeanwhile},
	{"never was in staging: untouched", native},
	{"forged a claim to be somebody else: gets nothing", forged},
	{"signs in while staging throttles: later it works", throttled},
	{"was migrated, then deleted: does not come back", deleted},
	{"took somebody's address in staging, unverified: no way in", squatter},
	{"the operator sweeps whoever is left", operatorSweeps},
}

// toStaging selects every request to the staging account.
var toStaging = cloud.Filter{Account: cloud.StagingAccount}

func signIn(s *story) {
	p := Ada.Person
	sub := s.meet(p)
	s.isUnknownToProduction("Ada", p.Email)
	s.signsIn("Ada signs in to production with her staging password and gets tokens", p.Email, p.Password)
	s.hasEverything("her profile and 3 projects are there, every field and file reference", p.Email, sub)
	s.step("her account keeps her attributes, and knows who she was in staging", func() error {
		user, err := s.ProductionUser(s.ctx, p.Email)
		if err != nil {
			return err
		}
		for name, want := range map[string]string{
			"name": "Ada", "phone_number": "+15555550100", "email_verified": "true", "preferred_username": p.Email, "custom:staging_sub": sub,
		} {
			if got := spaceport.Attribute(user, name); got != want {
				return fmt.Errorf("%s is %q, not %q", name, got, want)
			}
		}
		return that(user.UserStatus == types.UserStatusTypeConfirmed, "she is %s", user.UserStatus)
	})
	s.costs("her second sign-in asks staging nothing", toStaging, 0, func() error {
		_, err := s.SignIn(s.ctx, p.Email, p.Password)
		return err
	})
	s.signsIn("upper case in her address does not matter", "ADA@Example.com", p.Password)
}

func forgotPassword(s *story) {
	p := Ben.Person
	sub := s.meet(p)
	s.isUnknownToProduction("Ben", p.Email)
	s.comesByMailbox("Ben", p.Email, "Ben-Production-1")
	s.hasEverything("his data is there already", p.Email, sub)
	s.signsIn("he signs in with the new password", p.Email, "Ben-Production-1")
	s.isRefused("his old staging password is refused", p.Email, p.Password, wrongPassword)
}

func sameAnswers(s *story) {
	p := Cleo.Person
	s.meet(p)
	s.meet(spaceport.Person{Name: "Clem", Email: "clem@example.com", Password: "Clem-Staging-1", Disabled: true})
	s.isRefused("Cleo mistypes her password: refused", p.Email, "not-her-password", wrongPassword)
	s.isRefused("an unknown address: the same answer, to the letter", "nobody@example.com", "any-password", wrongPassword)
	s.getsNoLetter("an unknown address forgets its password: the usual answer, no letter", "nobody@example.com")
	s.getsNoLetter("an ineligible address: the same answer, no letter", "clem@example.com")
	s.isUnknownToProduction("Cleo", p.Email)
	s.signsIn("Cleo types the right password", p.Email, p.Password)
}

func ineligible(s *story) {
	for _, p := range []struct {
		spaceport.Person
		who string
	}{
		{Dan.Person, "Dan, disabled,"},
		{Eva.Person, "Eva, unconfirmed,"},
		{Flo.Person, "Flo, with a temporary password,"},
	} {
		s.meet(p.Person)
		s.isRefused(p.who+" is refused at sign-in like a stranger", p.Email, p.Password, wrongPassword)
		s.getsNoLetter("and gets no letter at forgot password", p.Email)
		s.isUnknownToProduction("and", p.Email)
	}
}

func totp(s *story) {
	p := Gus.Person
	sub := s.meet(p)
	s.isRefused("Gus's password alone does not let him in: he is asked to reset it", p.Email, p.Password, resetRequired)
	s.isRefused("nor does it a second time", p.Email, p.Password, resetRequired)
	s.comesByMailbox("Gus", p.Email, "Gus-Production-1")
	s.signsIn("he signs in with the new password", p.Email, "Gus-Production-1")
	s.hasEverything("his data is there", p.Email, sub)
}

func manyProjects(s *story) {
	p := Hal.Person
	sub := s.meet(p)
	s.signsIn("Hal, with 2,500 projects of 4 KB, signs in within the limit", p.Email, p.Password)
	s.logged("the rest was handed over to an invocation outside the sign-in", spaceport.Datamover, sub, `"decision":"continued"`)
	s.step("the hand-over ends", func() error { return s.Lambdas.Idle(s.ctx) })
	s.hasEverything("all 2,500 projects are there", p.Email, sub)
}

func editedMeanwhile(s *story) {
	p := spaceport.Person{Name: "Ida", Email: "ida@example.com", Password: "Ida-Staging-1", Projects: 150}
	sub := s.meet(p)
	restore := s.Cloud.Inject(cloud.Fault{
		Service: "dynamodb", Operation: "PutItem", Table: "Spaceport-Projects-prod", Caller: spaceport.Datamover, Kind: cloud.Latency, Delay: 500 * time.Millisecond,
	})
	defer restore()
	s.signsIn("Ida signs in while the table is slow: the move is under way", p.Email, p.Password)
	const arrived, onItsWay = "project-00000", "project-00149"
	s.step("her first projects have arrived, her last have not", func() error {
		early, err := s.titleOf(p.Email, arrived)
		late, errLate := s.titleOf(p.Email, onItsWay)
		return errors.Join(err, errLate, that(early == "Flight 0" && late == "", "titles %q and %q", early, late))
	})
	s.step("she edits a project that has arrived, and one that has not", func() error {
		return errors.Join(s.edit(p.Email, arrived), s.edit(p.Email, onItsWay))
	})
	restore()
	s.step("the move ends", func() error { return s.Lambdas.Idle(s.ctx) })
	s.step("both edits stand, and the other 148 projects are there", func() error {
		all, err := s.projects(p.Email)
		early, errEarly := s.titleOf(p.Email, arrived)
		late, errLate := s.titleOf(p.Email, onItsWay)
		return errors.Join(err, errEarly, errLate, that(len(all) == p.Projects && early == editedTitle && late == editedTitle,
			"%d projects, titles %q and %q", len(all), early, late))
	})
	s.step("the ledger counts what was kept", func() error {
		line, err := s.Ledger(s.ctx, sub)
		kept := line.Kept["Spaceport-Projects-prod"]
		return errors.Join(err, that(line.State == ledger.Moved && kept >= 1, "state %s, kept %d", line.State, kept))
	})
}

func native(s *story) {
	p := Nia.Person
	s.isNative(p)
	asked := s.Cloud.CountRequests(cloud.Filter{Caller: spaceport.Datamover})
	s.costs("Nia signs in: staging is asked nothing", toStaging, 0, func() error {
		_, err := s.SignIn(s.ctx, p.Email, p.Password)
		return err
	})
	s.step("and the hook made no request at all", func() error {
		return that(s.Cloud.CountRequests(cloud.Filter{Caller: spaceport.Datamover}) == asked, "it made some")
	})
	s.isRefused("a wrong password is hers to mistype; staging is not asked either", p.Email, "wrong-Password-1", wrongPassword)
	s.hasNothing("nothing was moved to her", p.Email)
}

func forged(s *story) {
	p := spaceport.Person{Name: "Vic", Email: "vic@example.com", Password: "Vic-Staging-1", Projects: 2}
	sub := s.meet(p)
	s.step("Vic asks for a code, but does not use it yet", func() error {
		_, err := s.ForgotPassword(s.ctx, p.Email)
		return err
	})
	mallory := spaceport.Person{
		Name: "Mallory", Email: "mallory@example.com", Password: "Mallory-Production-1", Attributes: map[string]string{"custom:staging_sub": sub},
	}
	s.isNative(mallory)
	s.signsIn("Mallory, who forged Vic's staging id, signs in", mallory.Email, mallory.Password)
	s.hasNothing("Mallory gets nothing", mallory.Email)
	s.logged("and it is reported", spaceport.Datamover, `"level":"WARN"`, sub, `"decision":"rejected"`)
	s.step("Vic comes back to the letter and sets a new password", func() error {
		letter, _ := s.Cloud.LastLetter(p.Email)
		return s.ConfirmForgotPassword(s.ctx, p.Email, letter.Code, "Vic-Production-1")
	})
	s.hasEverything("Vic has everything", p.Email, sub)
}

func throttled(s *story) {
	p := spaceport.Person{Name: "Kim", Email: "kim@example.com", Password: "Kim-Staging-1", Projects: 1}
	sub := s.meet(p)
	restore := s.Cloud.Inject(cloud.Fault{Account: cloud.StagingAccount, Service: "cognito-idp", Caller: spaceport.Trigger, Kind: cloud.Throttle})
	defer restore()
	s.step("staging throttles: Kim is refused inside the limit, and told nothing about herself", func() error {
		began := time.Now()
		_, err := s.SignIn(s.ctx, p.Email, p.Password)
		return errors.Join(inTime(began), expect(err, "UserLambdaValidationException: UserMigration failed with error the migration is busy, please try again."))
	})
	s.isUnknownToProduction("she", p.Email)
	s.step("and not in the ledger", func() error {
		line, err := s.Ledger(s.ctx, sub)
		return errors.Join(err, that(!line.Exists(), "there is a line"))
	})
	restore()
	s.signsIn("staging recovers: she signs in", p.Email, p.Password)
	s.hasEverything("and has everything", p.Email, sub)
}

func deleted(s *story) {
	p := spaceport.Person{Name: "Leo", Email: "leo@example.com", Password: "Leo-Staging-1", Projects: 1}
	s.meet(p)
	s.signsIn("Leo signs in", p.Email, p.Password)
	s.step("his account is deleted in production", func() error {
		_, err := s.Production.AdminDeleteUser(s.ctx, &cognito.AdminDeleteUserInput{UserPoolId: &s.ProductionPool, Username: &p.Email})
		return err
	})
	s.isRefused("he does not come back by signing in", p.Email, p.Password, wrongPassword)
	s.getsNoLetter("nor by forgot password", p.Email)
	s.isUnknownToProduction("he", p.Email)
}

func squatter(s *story) {
	p := Max.Person
	s.meet(p)
	const target = "ceo@example.com"
	s.step("Max changes his e-mail in staging to the CEO's, without verifying it", func() error {
		_, err := s.Staging.AdminUpdateUserAttributes(s.ctx, &cognito.AdminUpdateUserAttributesInput{
			UserPoolId: &s.StagingPool, Username: &p.Email,
			UserAttributes: []types.AttributeType{named("email", target), named("email_verified", "false")},
		})
		return err
	})
	s.step("staging itself lets him in under that name", func() error {
		_, err := s.Staging.AdminInitiateAuth(s.ctx, &cognito.AdminInitiateAuthInput{
			UserPoolId: &s.StagingPool, ClientId: &s.StagingClient, AuthFlow: types.AuthFlowTypeAdminUserPasswordAuth,
			AuthParameters: map[string]string{"USERNAME": target, "PASSWORD": p.Password},
		})
		return err
	})
	s.isRefused("production does not", target, p.Password, wrongPassword)
	s.getsNoLetter("nor by forgot password", target)
	s.isUnknownToProduction("the CEO's address", target)
}
