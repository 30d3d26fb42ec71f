package status

import (
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/bulk/console/consoletest"
	"github.com/spaceport/user-migration/bulk/golden"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/ledger/ledgertest"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/userpool"
)

const email = "ada@example.com"

// state is what the three stores have.
type state struct {
	staging, production []userpool.User
	records             []ledger.Record
}

func (s state) collector(changes ...func(*Collector)) Collector {
	c := collector(
		&fakePool{id: "us-west-2_staging", users: slices.Clone(s.staging)},
		&fakePool{id: "us-west-2_production", users: slices.Clone(s.production)}, ledgertest.New(s.records...))
	for _, change := range changes {
		change(&c)
	}
	return c
}

func refuseMFA(c *Collector) { c.MFAUsers = settings.MFARefuse }

// inEditors has groups carried over, one of which the user is in.
func inEditors(c *Collector) {
	c.Groups, c.Staging.(*fakePool).groups = []string{"editors"}, []string{"admins", "editors"}
}

func withFactor(c *Collector) { c.Staging.(*fakePool).mfa = true }
func denied(c *Collector)     { c.Staging.(*fakePool).getErr = userpool.ErrAccessDenied }
func byPhone(c *Collector)    { c.Production.(*fakePool).byPhone = true }
func byName(c *Collector)     { c.StagingByEmail = false }
func sensitive(c *Collector)  { c.StagingCaseSensitive, c.UniqueEmails = true, false }

// TestRules is the decision table once more: each diagnosis, from what the three stores have.
func TestRules(t *testing.T) {
	ada := func(changes ...func(*userpool.User)) []userpool.User {
		return []userpool.User{user("ada", email, changes...)}
	}
	bound := func(changes ...func(*userpool.User)) []userpool.User {
		return []userpool.User{user("production-ada", email, append(changes, from("ada"))...)}
	}
	own := func(changes ...func(*userpool.User)) []userpool.User {
		return []userpool.User{user("own", email, changes...)}
	}
	named := func(email string) []userpool.User { return []userpool.User{user("ada", email)} }
	renamed := func(u *userpool.User) { u.Attributes[userpool.AttrEmail] = "ada@new.example.com" }
	records := func(state ledger.State, via ledger.Via, changes ...func(*ledger.Record)) []ledger.Record {
		return []ledger.Record{record("ada", email, state, via, changes...)}
	}
	phone := func(u *userpool.User) {
		u.Attributes[userpool.AttrPhoneNumber], u.Attributes[userpool.AttrPhoneNumberVerified] = "+15555550100", "true"
	}
	luis := []userpool.User{user("luis", "luis@example.com", phone)}
	called := func(name string) func(*userpool.User) { return func(u *userpool.User) { u.Username = name } }
	leased := func(r *ledger.Record) { r.MovingUntil = noon.Add(40 * time.Second) }
	killed := func(r *ledger.Record) { r.MovingUntil = noon.Add(-40 * time.Second) }
	misfits := func(r *ledger.Record) {
		r.LastError, r.Failures, r.FailedRows = "1 row cannot be written", 3, []string{"Projects-prod: project-7"}
		r.RetryAfter = noon.Add(8 * time.Minute)
	}
	under := func(name string) func(*ledger.Record) { return func(r *ledger.Record) { r.StagingUsername = name } }
	older := records(ledger.Imported, ledger.SignIn, func(r *ledger.Record) { r.Email = "ada@old.example.com" })
	failed := records(ledger.Moving, ledger.SignIn, misfits)
	moved := records(ledger.Moved, ledger.SignIn)
	swept := records(ledger.Moved, ledger.Sweep, passwordSet)
	sent := records(ledger.Moved, ledger.Sweep, passwordSet, resetSent)
	seen := records(ledger.Moved, ledger.Sweep, passwordSet, resetSent, signedIn)
	begun := records(ledger.Imported, ledger.Sweep)
	imported := records(ledger.Imported, ledger.SignIn)
	misfit := records(ledger.Moving, ledger.SignIn, lastError("table Projects-prod: key is id, not userSub"))

	with := func(changes ...func(*Collector)) []func(*Collector) { return changes }
	tests := []struct {
		name, asked string
		state
		code    string
		changes []func(*Collector)
	}{
		{"unknown", email, state{nil, nil, nil}, "unknown", nil},
		{"only in production", email, state{nil, own(), nil}, "production-only", nil},
		{"only in production, must reset", email, state{nil, own(is("RESET_REQUIRED")), nil},
			"production-reset-required", nil},
		{"eligible", email, state{ada(), nil, nil}, "eligible", nil},
		{"eligible, asked by staging sub", "ada", state{ada(), nil, nil}, "eligible", nil},
		{"eligible, email in other case", email, state{named("Ada@Example.com"), nil, nil}, "eligible", nil},
		{"quote in the email", "o'hara@example.com", state{named("o'hara@example.com"), nil, nil}, "eligible", nil},
		{"federated", email, state{ada(is("EXTERNAL_PROVIDER")), nil, nil}, "federated", nil},
		{"unconfirmed", email, state{ada(is("UNCONFIRMED")), nil, nil}, "not-confirmed", nil},
		{"temporary password in staging", email, state{ada(is("FORCE_CHANGE_PASSWORD")), nil, nil}, "not-confirmed", nil},
		{"reset required in staging", email, state{ada(is("RESET_REQUIRED")), nil, nil}, "not-confirmed", nil},
		{"compromised", email, state{ada(is("COMPROMISED")), nil, nil}, "not-confirmed", nil},
		{"disabled in staging", email, state{ada(disabled), nil, nil}, "disabled", nil},
		{"email not verified", email, state{ada(unverified), nil, nil}, "email-unverified", nil},
		{"no email", "ada", state{ada(withoutEmail), nil, nil}, "email-unverified", nil},
		{"after the cut-off", email, state{ada(late), nil, nil}, "after-cutoff", nil},
		{"email not verified, production has it", email, state{ada(unverified), own(), nil}, "email-unverified", nil},
		{"production had the email first", email, state{ada(), own(), nil}, "production-user-exists", nil},
		{"production had the email first, disabled", email, state{ada(), own(disabled), nil}, "production-blocked", nil},
		{"forged attribute in production", email, state{ada(), own(from("ada")), nil}, "production-user-exists", nil},
		{"imported, not created", email, state{ada(), nil, imported}, "not-created", nil},
		{"imported, never signed in", email, state{ada(), bound(), imported}, "not-bound", nil},
		{"imported for reset", email, state{ada(), bound(is("RESET_REQUIRED")), imported}, "production-reset-required", nil},
		{"imported, production has another user", email, state{ada(), own(), imported}, "production-user-exists", nil},
		{"sweep was interrupted", email, state{ada(), bound(is("FORCE_CHANGE_PASSWORD")), begun}, "sweep-interrupted", nil},
		{"invited by an administrator", email, state{nil, own(is("FORCE_CHANGE_PASSWORD")), nil},
			"production-temporary-password", nil},
		{"moved", email, state{ada(), bound(), moved}, "moved", nil},
		{"moved, then changed the email", email, state{ada(), bound(renamed), moved}, "moved", nil},
		{"moved, asked by the new email", "ada@new.example.com", state{ada(), bound(renamed), moved}, "moved", nil},
		{"moved, email not verified in production", email, state{ada(), bound(unverified), moved}, "moved", nil},
		{"moved, staging user deleted", email, state{nil, bound(), moved}, "moved", nil},
		{"moved, then disabled in staging", email, state{ada(disabled), bound(), moved}, "moved", nil},
		{"moved, reset required", email, state{ada(), bound(is("RESET_REQUIRED")), moved}, "production-reset-required", nil},
		{"moved, reset required, email not verified", email, state{ada(), bound(is("RESET_REQUIRED"), unverified), moved},
			"production-reset-required", nil},
		{"moved, disabled in production", email, state{ada(), bound(disabled), moved}, "production-blocked", nil},
		{"moved, unconfirmed in production", email, state{ada(), bound(is("UNCONFIRMED")), moved}, "production-blocked", nil},
		{"moved, federated in production", email, state{ada(), bound(is("EXTERNAL_PROVIDER")), moved},
			"production-blocked", nil},
		{"moved, compromised in production", email, state{ada(), bound(is("COMPROMISED")), moved}, "production-blocked", nil},
		{"swept, reset email sent", email, state{ada(), bound(is("RESET_REQUIRED")), sent}, "production-reset-required", nil},
		{"swept, no reset email", email, state{ada(), bound(), swept}, "swept", nil},
		{"swept, signed in since", email, state{ada(), bound(), seen}, "moved", nil},
		{"bound to an existing user", email, state{ada(), bound(),
			records(ledger.Moved, ledger.Sweep, adopted)}, "moved", nil},
		{"moving", email, state{ada(), bound(), records(ledger.Moving, ledger.SignIn)}, "moving", nil},
		{"failed", email, state{ada(), bound(), misfit}, "moving", nil},
		{"deleted in production", email, state{ada(), nil, moved}, "production-user-deleted", nil},
		{"deleted in production, not eligible now", email, state{ada(disabled), nil, moved}, "production-user-deleted", nil},
		{"deleted in production, signed up again", email, state{ada(), own(), moved}, "production-user-deleted", nil},
		{"deleted in both pools", "ada", state{nil, nil, moved}, "production-user-deleted", nil},
		{"two users with the same email", "ADA@example.com",
			state{append(ada(), user("twin", "ADA@example.com")), bound(), moved}, "moved", nil},

		{"second factor, which is refused", email, state{ada(), nil, nil}, "mfa-rejected", with(withFactor, refuseMFA)},
		{"second factor", email, state{ada(), nil, nil}, "eligible", with(withFactor)},
		{"second factor unknown, refused", email, state{ada(), nil, nil}, "eligible", with(denied, refuseMFA)},
		{"second factor, moved before", email, state{ada(), bound(), moved}, "moved", with(withFactor, refuseMFA)},
		{"staging signs in by user name", email, state{ada(called("ada1815")), nil, nil},
			"no-sign-in-by-email", with(byName)},
		{"user name in staging is the email", email, state{ada(called(email)), nil, nil}, "eligible", with(byName)},
		{"capitals in a case-sensitive pool", email, state{named("Ada@Example.com"), nil, nil}, "eligible", with(sensitive)},
		{"another has the email, apart from case, and is older", email,
			state{append(ada(), user("elder", "Ada@example.com",
				func(u *userpool.User) { u.Created = created.Add(-1) })), nil, nil},
			"same-email", with(sensitive)},
		{"moved, groups are due", email, state{ada(), bound(), moved}, "groups", with(inEditors)},
		{"moved, groups are due, disabled in staging", email, state{ada(disabled), bound(), moved},
			"groups", with(inEditors)},
		{"moved, groups are due, staging user deleted", email, state{nil, bound(), moved}, "groups", with(inEditors)},
		{"swept, groups are due", email, state{ada(), bound(is("RESET_REQUIRED")), sent},
			"production-reset-required", with(inEditors)},
		{"phone number of another user", email, state{ada(phone), luis, nil}, "phone-in-use", with(byPhone)},
		{"same phone number, production signs in by email", email, state{ada(phone), luis, nil}, "eligible", nil},
		{"email changed in production before the hook bound them", "ada@new.example.com",
			state{ada(), bound(renamed), imported}, "email-changed", nil},
		{"email changed in production before, not verified", "ada@new.example.com",
			state{ada(), bound(renamed, unverified), imported}, "email-changed", nil},
		{"email changed in production, asked by the old one", email, state{ada(), bound(renamed), imported},
			"email-changed", nil},
		{"email changed in production, disabled in staging since", "ada@new.example.com",
			state{ada(disabled), bound(renamed), imported}, "disabled", nil},
		{"email changed in staging and production", email, state{ada(), bound(), older}, "email-changed", nil},
		{"being moved now", email, state{ada(), bound(), records(ledger.Moving, ledger.SignIn, leased, under("ada1815"))},
			"move-in-progress", nil},
		{"mover was killed", email, state{ada(), bound(), records(ledger.Moving, ledger.SignIn, killed)}, "moving", nil},
		{"rows cannot be written", email, state{ada(), bound(), failed}, "rows-failed", nil},
		{"rows cannot be written, disabled in staging since", email, state{ada(disabled), bound(), failed},
			"rows-failed", nil},
		{"sweep, rows cannot be written", email,
			state{ada(), bound(), records(ledger.Moving, ledger.Sweep, passwordSet, misfits)}, "rows-failed", nil},
		{"sweep was interrupted, disabled in staging since", email,
			state{ada(disabled), bound(is("FORCE_CHANGE_PASSWORD")), records(ledger.Moving, ledger.Sweep)},
			"production-temporary-password", nil},
		{"sweep began, production invited another user", email, state{ada(), own(is("FORCE_CHANGE_PASSWORD")), begun},
			"production-temporary-password", nil},
		{"swept, staging user deleted", email, state{nil, bound(), swept}, "swept", nil},
		{"production had the email first, not verified", email, state{ada(), own(unverified), nil},
			"production-user-exists", nil},
		{"production had the email first, and is another staging user", email, state{ada(), own(from("another")), nil},
			"production-user-exists", nil},
	}
	var all strings.Builder
	reached := map[int]bool{}
	for _, tt := range tests {
		answer, err := tt.collector(tt.changes...).User(t.Context(), tt.asked)
		require.NoError(t, err, tt.name)
		reached[slices.IndexFunc(rules, func(r rule) bool { return r.applies(answer.Users[0]) })] = true
		assert.Equal(t, tt.code, answer.Users[0].Diagnosis.Code, tt.name)
		all.WriteString("=== " + tt.name + ": bulk status --user " + tt.asked + "\n")
		require.NoError(t, answer.WriteText(&all))
		all.WriteString("\n")
		assertRemediesWork(t, answer.Users[0], tt.name)
	}
	assert.Len(t, reached, len(rules), "every rule is reached")
	golden.Equal(t, "users", all.String())
	assertCommandsHaveTheirOwnLine(t, all.String())
	for _, words := range consoletest.Commands(t, strings.ReplaceAll(all.String(), "\n=== ", "\n")) {
		if words[0] == "aws" {
			assert.Contains(t, words, "--region")
		}
	}
}

// assertRemediesWork names the state in which each remedy works, by the reference of AWS and the sweep's own rules.
func assertRemediesWork(t *testing.T, u UserReport, name string) {
	t.Helper()
	const staging, production = " --region us-west-2 --user-pool-id us-west-2_staging",
		" --region us-west-2 --user-pool-id us-west-2_production"
	account, other, all := u.Account(), u.Other(), strings.Join(u.Diagnosis.Remedies, "\n")
	confirmed := account.Enabled && account.Status == userpool.Confirmed
	byEmail := u.From.StagingByEmail || u.Staging.Username == u.Staging.Email
	for remedy, works := range map[string]bool{
		"bulk sweep --live ":       u.Eligible() && !u.BeingMoved() && (account.Sub == "" || account.Enabled),
		"bulk sweep --live --user": u.Eligible() && (!u.Moved() || u.Ledger.ResetAt.IsZero() || !u.GroupsDone()),
		"bulk sweep --live --adopt": other.Status == userpool.Confirmed && other.Enabled &&
			u.SameEmail(other) && other.EmailVerified,
		"bulk verify":                        u.Moved(),
		"admin-confirm-sign-up" + staging:    u.Staging.Status == userpool.Unconfirmed,
		"admin-confirm-sign-up" + production: account.Status == userpool.Unconfirmed,
		"admin-enable-user" + staging:        !u.Staging.Enabled,
		"admin-enable-user" + production:     !account.Enabled,
		"admin-create-user" + staging:        u.Staging.Status == userpool.ForceChangePassword,
		"admin-create-user" + production:     account.Status == userpool.ForceChangePassword,
		// the default is SMS
		"RESEND": strings.Contains(all, "--desired-delivery-mediums EMAIL"),
		"Name=email_verified": account.Email != "" && !account.EmailVerified || u.Staging.Email != "" &&
			!u.Staging.EmailVerified,
		"dynamodb delete-item":                u.Ledger.Exists() && !u.BeingMoved(),
		`They use "forgot password"`:          account.Enabled && (confirmed || account.Status == userpool.ResetRequired),
		`password, or use "forgot password"`:  confirmed,
		`staging password, or use "forgot pa`: account.Sub == "" && u.Eligible() && byEmail,
	} {
		if remedy == `password, or use "forgot password"` {
			works = works || account.Sub == "" && u.Eligible() && byEmail
		}
		if !works {
			assert.NotContains(t, all, remedy, name)
		}
	}
	if account.Sub != "" && account.Email != "" && !account.EmailVerified &&
		strings.Contains(all, `use "forgot password"`) {
		assert.Contains(t, all, `"Forgot password" cannot reach them`, name)
	}
	if adopts := strings.Index(all, "--adopt"); adopts > 0 && u.Ledger.Exists() && u.Ledger.Via != ledger.Sweep {
		assert.Contains(t, all[:adopts], "delete-item", name) // a sweep adopts only without a record
	}
}

// TestHostileEmails has in many states what a user may have set as their email, and what came from that.
func TestHostileEmails(t *testing.T) {
	for _, evil := range consoletest.Hostile {
		other := func(u *userpool.User) { u.Attributes[userpool.AttrEmail] = "new." + evil }
		moving := record("ada", evil, ledger.Moving, ledger.SignIn, lastError(evil), func(r *ledger.Record) {
			r.Failures, r.FailedRows, r.StagingUsername = 1, []string{evil, "x"}, evil
		})
		for i, s := range []state{
			{[]userpool.User{user("ada", evil)}, nil, nil},
			{[]userpool.User{user("ada", evil, unverified, func(u *userpool.User) { u.Username = evil })}, nil, nil},
			{[]userpool.User{user("ada", evil)}, []userpool.User{user("p", evil, from("ada"), other)},
				[]ledger.Record{record("ada", ledger.FoldASCII(evil), ledger.Imported, ledger.SignIn)}},
			{[]userpool.User{user("ada", evil)}, []userpool.User{user("p", evil, from(evil))}, nil},
			{[]userpool.User{user("ada", evil)}, []userpool.User{user("p", evil, unverified, is("FORCE_CHANGE_PASSWORD"))}, nil},
			{[]userpool.User{user("ada", evil)}, []userpool.User{user("production-ada", evil)}, []ledger.Record{moving}},
			{nil, []userpool.User{user("p", evil, is(evil))}, nil},
		} {
			for _, asked := range []string{evil, "new." + evil} {
				answer, err := s.collector(sensitive).User(t.Context(), asked)
				require.NoError(t, err)
				var out strings.Builder
				require.NoError(t, answer.WriteText(&console.Text{W: &out, Columns: 80}))
				commands := consoletest.Commands(t, out.String())
				for _, words := range commands {
					assert.Contains(t, []string{"check", "status", "sweep", "verify", "cognito-idp", "dynamodb", "logs"}, words[1])
				}
				for _, value := range consoletest.After(commands, "--user") {
					assert.Contains(t, []string{evil, "new." + evil}, value, i)
				}
				if i == 2 && asked != evil {
					attributes := consoletest.After(commands, "--user-attributes")
					require.Len(t, attributes, 1)
					var sent []map[string]string
					require.NoError(t, json.Unmarshal([]byte(attributes[0]), &sent))
					assert.Equal(t, ledger.FoldASCII(evil), sent[0]["Value"])
				}
			}
			var lists strings.Builder
			to := &console.Text{W: &lists, Columns: 80}
			overview, err := s.collector().Overview(t.Context())
			require.NoError(t, errors.Join(err, overview.WriteText(to), s.collector().ListIneligible(t.Context(), to, false)))
			assert.Empty(t, consoletest.Commands(t, lists.String()))
		}
	}
}

// TestAdvice holds that each rule has a template, and that every value in it is quoted or kept within its line.
func TestAdvice(t *testing.T) {
	for _, r := range rules {
		assert.NotNil(t, texts.Lookup(r.name), r.name)
	}
	raw, err := files.ReadFile("advice.tmpl")
	require.NoError(t, err)
	value := regexp.MustCompile(`\{\{-? ?([a-z]*)[^{}]*\.[A-Z]`)
	for line := range strings.Lines(string(raw)) {
		for _, found := range value.FindAllStringSubmatch(line, -1) {
			safe := []string{"text", "time", "if", "else", "with", "template", "quote"}
			if isCommand(line) {
				safe = []string{"quote", "options", "template", "if"}
			}
			assert.Contains(t, safe, found[1], line)
		}
	}
}

// assertCommandsHaveTheirOwnLine also finds a folded sentence that looks like a command.
func assertCommandsHaveTheirOwnLine(t *testing.T, text string) {
	t.Helper()
	known := map[string]bool{
		"bulk check": true, "bulk sweep": true, "bulk verify": true, "aws cognito-idp": true, "aws dynamodb": true,
		"bulk status": true, "aws logs": true,
	}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != "bulk" && words[0] != "aws" {
			continue
		}
		require.Greater(t, len(words), 1, line)
		assert.True(t, known[words[0]+" "+words[1]], line)
		assert.True(t, strings.HasPrefix(line, "      "+words[0]), line)
	}
}
