package journeys

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// All lists the journeys in the order in which they are played.
var All = []Journey{
	{"signs in with the staging password", signIn},
	{"forgot the password before ever signing in", forgotPassword},
	{"wrong password and unknown address get the same answer", sameAnswers},
	{"disabled, unconfirmed, temporary password: rejected", ineligible},
	{"has an authenticator app: must reset the password", totp},
	{"has 2,500 projects: signs in at once, all are copied", manyProjects},
	{"has the user's id inside rows: the app finds the new one", idsInRows},
	{"is in two groups, of which one is carried over", groups},
	{"edits projects before the move is complete", editedMeanwhile},
	{"was never in staging: nothing is changed", native},
	{"forged another user's staging id: gets nothing", forged},
	{"signs in while staging throttles: works later", throttled},
	{"was migrated, then deleted: is not imported again", deleted},
	{"has another's address in staging, unverified: rejected", squatter},
	{"the operator migrates the remaining users", operatorSweeps},
}

// Groups is MIGRATE_GROUPS of the journeys.
const Groups = "beta"

// toStaging selects every request to the staging account.
var toStaging = cloud.Filter{Account: cloud.StagingAccount}

func signIn(s *story) {
	u := Ada.User
	sub := s.add(u)
	s.isNotInProduction("Ada", u.Email)
	s.signsIn("Ada signs in to production with her staging password and gets tokens", u.Email, u.Password)
	s.hasAllData("her profile and 3 projects are there, every field and file reference", u.Email, sub)
	s.step("her account has her attributes and her staging id", func() error {
		user, err := s.ProductionUser(s.ctx, u.Email)
		if err != nil {
			return err
		}
		for name, want := range map[string]string{
			"name": "Ada", "phone_number": "+15555550100", "email_verified": "true", "preferred_username": u.Email,
			"custom:staging_sub": sub,
		} {
			if got := spaceport.Attribute(user, name); got != want {
				return fmt.Errorf("%s is %q, not %q", name, got, want)
			}
		}
		return ensure(user.UserStatus == types.UserStatusTypeConfirmed, "she is %s", user.UserStatus)
	})
	s.makesRequests("her second sign-in makes no request to staging", toStaging, 0, func() error {
		_, err := s.SignIn(s.ctx, u.Email, u.Password)
		return err
	})
	s.signsIn("upper case in her address does not matter", "ADA@Example.com", u.Password)
}

func forgotPassword(s *story) {
	u := Ben.User
	sub := s.add(u)
	s.isNotInProduction("Ben", u.Email)
	s.resetsPassword("Ben", u.Email, "Ben-Production-1")
	s.hasAllData("his data is there already", u.Email, sub)
	s.signsIn("he signs in with the new password", u.Email, "Ben-Production-1")
	s.isRejected("his old staging password is rejected", u.Email, u.Password, wrongPassword)
}

func sameAnswers(s *story) {
	u := Cleo.User
	s.add(u)
	s.add(spaceport.User{Name: "Clem", Email: "clem@example.com", Password: "Clem-Staging-1", Disabled: true})
	s.isRejected("Cleo mistypes her password: rejected", u.Email, "not-her-password", wrongPassword)
	s.isRejected("an unknown address: exactly the same answer", "unknown@example.com", "any-password", wrongPassword)
	s.getsNoEmail("forgot password for an unknown address: the usual answer, no email", "unknown@example.com")
	s.getsNoEmail("forgot password for an ineligible address: the same answer, no email", "clem@example.com")
	s.isNotInProduction("Cleo", u.Email)
	s.signsIn("Cleo types the right password", u.Email, u.Password)
}

func ineligible(s *story) {
	for _, u := range []struct {
		spaceport.User
		who string
	}{
		{Dan.User, "Dan, disabled,"},
		{Eva.User, "Eva, unconfirmed,"},
		{Flo.User, "Flo, with a temporary password,"},
	} {
		s.add(u.User)
		s.isRejected(u.who+" is rejected at sign-in like an unknown user", u.Email, u.Password, wrongPassword)
		s.getsNoEmail("forgot password sends no email", u.Email)
		s.isNotInProduction("the user", u.Email)
	}
}

func totp(s *story) {
	u := Gus.User
	sub := s.add(u)
	s.isRejected("Gus's password alone is not enough: he must reset it", u.Email, u.Password, resetRequired)
	s.isRejected("the same at a second attempt", u.Email, u.Password, resetRequired)
	s.resetsPassword("Gus", u.Email, "Gus-Production-1")
	s.signsIn("he signs in with the new password", u.Email, "Gus-Production-1")
	s.hasAllData("his data is there", u.Email, sub)
}

func manyProjects(s *story) {
	u := Hal.User
	sub := s.add(u)
	s.signsIn("Hal, with 2,500 projects of 4 KB, signs in within the limit", u.Email, u.Password)
	s.logged("the move continues in the background", spaceport.Datamover, sub, `"decision":"continued"`)
	s.step("the background move ends", func() error { return s.Lambdas.Idle(s.ctx) })
	s.hasAllData("all 2,500 projects are there", u.Email, sub)
}

// idsInRows has a subscription as Spaceport's functions write it: the sub is in the row three more times.
func idsInRows(s *story) {
	u := spaceport.User{Name: "Ora", Email: "ora@example.com", Password: "Ora-Staging-1", Projects: 1}
	sub := s.add(u)
	s.step("Ora subscribes: the app writes her id into her profile three times", func() error {
		return s.Put(s.ctx, s.StagingTables, "Spaceport-Users-staging", subscription(sub))
	})
	s.signsIn("she signs in", u.Email, u.Password)
	s.step("the app finds her subscription under her new id, and her files where they are", func() error {
		owner, got, err := s.productionRows(profiles, u.Email)
		want := subscription(owner)
		want["avatar"] = subscription(sub)["avatar"]
		return errors.Join(err, ensure(len(got) == 1 && rows.Equal(want, got[0]), "the profile is %v", got))
	})
	s.hasAllData("her project is there too", u.Email, sub)
}

// subscription is a profile as the app's subscription function writes it.
func subscription(sub string) rows.Row {
	return rows.Row{
		"id": text(sub), "userSub": text(sub), "userId": text(sub),
		"avatar":       text("s3://spaceport-uploads/" + sub + "/me.png"),
		"subscription": &dynamotypes.AttributeValueMemberM{Value: rows.Row{"plan": text("starter"), "userId": text(sub)}},
	}
}

func groups(s *story) {
	u := spaceport.User{
		Name: "Pia", Email: "pia@example.com", Password: "Pia-Staging-1", Projects: 1, Groups: []string{"beta", "admins"},
	}
	sub := s.add(u)
	s.step("production has both groups, and MIGRATE_GROUPS names one: "+Groups, func() error {
		return errors.Join(spaceport.MakeGroup(s.ctx, s.Production, s.ProductionPool, "beta"),
			spaceport.MakeGroup(s.ctx, s.Production, s.ProductionPool, "admins"))
	})
	s.signsIn("Pia signs in", u.Email, u.Password)
	s.hasAllData("she has everything", u.Email, sub)
	in := func(want ...string) func() error {
		return func() error {
			got, err := s.GroupsOf(s.ctx, u.Email)
			return errors.Join(err, ensure(slices.Equal(got, want), "she is in %v", got))
		}
	}
	s.step("she is in that one, and not in admins", in("beta"))
	s.step("an administrator removes her from it", func() error {
		_, err := s.Production.AdminRemoveUserFromGroup(s.ctx, &cognito.AdminRemoveUserFromGroupInput{
			UserPoolId: &s.ProductionPool, Username: &u.Email, GroupName: aws.String("beta"),
		})
		return err
	})
	s.signsIn("she signs in again", u.Email, u.Password)
	s.step("she stays out of it", in())
}

func editedMeanwhile(s *story) {
	u := spaceport.User{Name: "Ida", Email: "ida@example.com", Password: "Ida-Staging-1", Projects: 150}
	sub := s.add(u)
	restore := s.SlowMoves(500 * time.Millisecond)
	defer restore()
	s.signsIn("Ida signs in while the table is slow: the move is not complete", u.Email, u.Password)
	const copied, notCopied = "project-00000", "project-00149"
	s.step("her first projects are copied, her last are not", func() error {
		titles, err := s.titles(u.Email)
		ok := titles[copied] == "Flight 0" && titles[notCopied] == ""
		return errors.Join(err, ensure(ok, "titles %q and %q", titles[copied], titles[notCopied]))
	})
	s.step("she edits a project that is copied, and one that is not", func() error {
		return errors.Join(s.edit(u.Email, copied), s.edit(u.Email, notCopied))
	})
	restore()
	s.step("the move ends", func() error { return s.Lambdas.Idle(s.ctx) })
	s.step("both edits are kept, and the other 148 projects are there", func() error {
		titles, err := s.titles(u.Email)
		ok := len(titles) == u.Projects && titles[copied] == editedTitle && titles[notCopied] == editedTitle
		return errors.Join(err, ensure(ok, "%d projects, titles %q and %q", len(titles), titles[copied], titles[notCopied]))
	})
	s.step("the ledger counts the kept rows", func() error {
		record, err := s.Ledger(s.ctx, sub)
		kept := record.Kept["Spaceport-Projects-prod"]
		return errors.Join(err, ensure(record.State == ledger.Moved && kept >= 1, "state %s, kept %d", record.State, kept))
	})
}

func native(s *story) {
	u := Nia.User
	s.addNative(u)
	asked := s.Cloud.CountRequests(cloud.Filter{Caller: spaceport.Datamover})
	s.makesRequests("Nia signs in: no request to staging", toStaging, 0, func() error {
		_, err := s.SignIn(s.ctx, u.Email, u.Password)
		return err
	})
	s.step("and the hook made no request at all", func() error {
		return ensure(s.Cloud.CountRequests(cloud.Filter{Caller: spaceport.Datamover}) == asked, "it made some")
	})
	s.isRejected("she mistypes her password: rejected", u.Email, "wrong-Password-1", wrongPassword)
	s.hasNoRows("nothing was copied to her", u.Email)
}

func forged(s *story) {
	u := spaceport.User{Name: "Vic", Email: "vic@example.com", Password: "Vic-Staging-1", Projects: 2}
	sub := s.add(u)
	s.step("Vic asks for a code, but does not use it yet", func() error {
		_, err := s.ForgotPassword(s.ctx, u.Email)
		return err
	})
	mallory := spaceport.User{
		Name: "Mallory", Email: "mallory@example.com", Password: "Mallory-Production-1",
		Attributes: map[string]string{"custom:staging_sub": sub},
	}
	s.addNative(mallory)
	s.signsIn("Mallory, who forged Vic's staging id, signs in", mallory.Email, mallory.Password)
	s.hasNoRows("Mallory gets nothing", mallory.Email)
	s.logged("and the claim is reported", spaceport.Datamover, `"level":"WARN"`, sub, `"decision":"rejected"`)
	s.step("Vic sets a new password with the code from the email", func() error {
		message, _ := s.Cloud.LastMessage(u.Email)
		return s.ConfirmForgotPassword(s.ctx, u.Email, message.Code, "Vic-Production-1")
	})
	s.hasAllData("Vic has everything", u.Email, sub)
}

func throttled(s *story) {
	u := spaceport.User{Name: "Kim", Email: "kim@example.com", Password: "Kim-Staging-1", Projects: 1}
	sub := s.add(u)
	restore := s.Cloud.Inject(
		cloud.Fault{Account: cloud.StagingAccount, Service: "cognito-idp", Caller: spaceport.Trigger, Kind: cloud.Throttle},
	)
	defer restore()
	s.step("staging throttles: Kim is asked to try again, inside the limit", func() error {
		began := time.Now()
		_, err := s.SignIn(s.ctx, u.Email, u.Password)
		return errors.Join(inTime(began), expect(err, busy))
	})
	s.isNotInProduction("she", u.Email)
	s.step("and not in the ledger", func() error {
		record, err := s.Ledger(s.ctx, sub)
		return errors.Join(err, ensure(!record.Exists(), "there is a record"))
	})
	restore()
	s.signsIn("staging recovers: she signs in", u.Email, u.Password)
	s.hasAllData("and has everything", u.Email, sub)
}

func deleted(s *story) {
	u := spaceport.User{Name: "Leo", Email: "leo@example.com", Password: "Leo-Staging-1", Projects: 1}
	s.add(u)
	s.signsIn("Leo signs in", u.Email, u.Password)
	s.step("his account is deleted in production", func() error {
		in := &cognito.AdminDeleteUserInput{UserPoolId: &s.ProductionPool, Username: &u.Email}
		_, err := s.Production.AdminDeleteUser(s.ctx, in)
		return err
	})
	s.isRejected("his next sign-in is rejected", u.Email, u.Password, wrongPassword)
	s.getsNoEmail("forgot password sends no email", u.Email)
	s.isNotInProduction("he", u.Email)
}

func squatter(s *story) {
	u := Max.User
	s.add(u)
	const target = "ceo@example.com"
	s.step("Max changes his email in staging to the CEO's, without verifying it", func() error {
		_, err := s.Staging.AdminUpdateUserAttributes(s.ctx, &cognito.AdminUpdateUserAttributesInput{
			UserPoolId: &s.StagingPool, Username: &u.Email,
			UserAttributes: []types.AttributeType{named("email", target), named("email_verified", "false")},
		})
		return err
	})
	s.step("staging itself accepts a sign-in with that address", func() error {
		_, err := s.Staging.AdminInitiateAuth(s.ctx, &cognito.AdminInitiateAuthInput{
			UserPoolId: &s.StagingPool, ClientId: &s.StagingClient, AuthFlow: types.AuthFlowTypeAdminUserPasswordAuth,
			AuthParameters: map[string]string{"USERNAME": target, "PASSWORD": u.Password},
		})
		return err
	})
	s.isRejected("production rejects it", target, u.Password, wrongPassword)
	s.getsNoEmail("forgot password sends no email", target)
	s.isNotInProduction("the CEO's address", target)
}
