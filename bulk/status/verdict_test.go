package status

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/golden"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/ledger/ledgertest"
	"github.com/spaceport/user-migration/datamover/userpool"
)

var places = Places{StagingPool: "us-west-2_staging", ProductionPool: "us-west-2_production", LedgerTable: "Spaceport-Migration-prod"}

const email = "ada@example.com"

// TestTickets has every answer that the desk can give, each from what the pools and the ledger hold.
func TestTickets(t *testing.T) {
	ada := func(changes ...func(*userpool.User)) []userpool.User {
		return []userpool.User{somebody("ada", email, changes...)}
	}
	theirs := func(changes ...func(*userpool.User)) []userpool.User {
		return []userpool.User{somebody("production-ada", email, append(changes, from("ada"))...)}
	}
	own := func(changes ...func(*userpool.User)) []userpool.User {
		return []userpool.User{somebody("native", email, changes...)}
	}
	renamed := func(u *userpool.User) { u.Attributes["email"] = "ada@new.example.com" }
	moved := line("ada", email, ledger.Moved, ledger.SignIn)
	swept := line("ada", email, ledger.Moved, ledger.Sweep, made, letter)
	imported := line("ada", email, ledger.Imported, ledger.SignIn)

	tests := []struct {
		name                string
		asked               string
		staging, production []userpool.User
		lines               []ledger.Record
		code                string
	}{
		{"nobody knows them", "", nil, nil, nil, "unknown"},
		{"native", "", nil, own(), nil, "native"},
		{"native, must reset", "", nil, own(status("RESET_REQUIRED")), nil, "production-reset-required"},
		{"eligible, has not come", "", ada(), nil, nil, "can-come"},
		{"eligible, asked by staging sub", "ada", ada(), nil, nil, "can-come"},
		{"eligible, spelled with capitals", "ada@example.com", []userpool.User{somebody("ada", "Ada@Example.com")}, nil, nil, "can-come"},
		{"quotes in the e-mail", "o'hara@example.com", []userpool.User{somebody("ada", "o'hara@example.com")}, nil, nil, "can-come"},
		{"federated", "", ada(status("EXTERNAL_PROVIDER")), nil, nil, "federated"},
		{"unconfirmed", "", ada(status("UNCONFIRMED")), nil, nil, "not-confirmed"},
		{"temporary password in staging", "", ada(status("FORCE_CHANGE_PASSWORD")), nil, nil, "not-confirmed"},
		{"reset required in staging", "", ada(status("RESET_REQUIRED")), nil, nil, "not-confirmed"},
		{"compromised", "", ada(status("COMPROMISED")), nil, nil, "not-confirmed"},
		{"disabled in staging", "", ada(disabled), nil, nil, "disabled"},
		{"unverified", "", ada(unverified), nil, nil, "email-unverified"},
		{"no e-mail at all", "ada", ada(withoutEmail), nil, nil, "email-unverified"},
		{"after the cut-off", "", ada(late), nil, nil, "after-cutoff"},
		{"unverified, and somebody has the e-mail", "", ada(unverified), own(), nil, "email-unverified"},
		{"production had the e-mail first", "", ada(), own(), nil, "native"},
		{"production had the e-mail first, disabled", "", ada(), own(disabled), nil, "production-disabled"},
		{"production has a forged attribute", "", ada(), own(from("ada")), nil, "native"},
		{"imported, production did not take it", "", ada(), nil, []ledger.Record{imported}, "not-come"},
		{"imported, never signed in", "", ada(), theirs(), []ledger.Record{imported}, "not-bound"},
		{"imported for reset", "", ada(), theirs(status("RESET_REQUIRED")), []ledger.Record{imported}, "production-reset-required"},
		{"imported, but the account is another", "", ada(), own(), []ledger.Record{imported}, "native"},
		{"sweep was interrupted", "", ada(), theirs(status("FORCE_CHANGE_PASSWORD")), []ledger.Record{line("ada", email, ledger.Imported, ledger.Sweep)}, "production-temporary-password"},
		{"invited by an administrator", "", nil, own(status("FORCE_CHANGE_PASSWORD")), nil, "production-temporary-password"},
		{"moved", "", ada(), theirs(), []ledger.Record{moved}, "moved"},
		{"moved, then changed e-mail", "", ada(), theirs(renamed), []ledger.Record{moved}, "moved"},
		{"moved, e-mail not verified in production", "", ada(), theirs(unverified), []ledger.Record{moved}, "moved"},
		{"moved, staging user deleted", "", nil, theirs(), []ledger.Record{moved}, "moved"},
		{"moved, reset required", "", ada(), theirs(status("RESET_REQUIRED")), []ledger.Record{moved}, "production-reset-required"},
		{"moved, reset required, e-mail not verified", "", ada(), theirs(status("RESET_REQUIRED"), unverified), []ledger.Record{moved}, "production-reset-required"},
		{"moved, disabled in production", "", ada(), theirs(disabled), []ledger.Record{moved}, "production-disabled"},
		{"moved, unconfirmed in production", "", ada(), theirs(status("UNCONFIRMED")), []ledger.Record{moved}, "production-unconfirmed"},
		{"moved, federated in production", "", ada(), theirs(status("EXTERNAL_PROVIDER")), []ledger.Record{moved}, "production-federated"},
		{"moved, odd status in production", "", ada(), theirs(status("COMPROMISED")), []ledger.Record{moved}, "production-compromised"},
		{"swept, letter sent", "", ada(), theirs(status("RESET_REQUIRED")), []ledger.Record{swept}, "production-reset-required"},
		{"swept without a letter", "", ada(), theirs(), []ledger.Record{line("ada", email, ledger.Moved, ledger.Sweep, made)}, "swept"},
		{"swept and seen", "", ada(), theirs(), []ledger.Record{line("ada", email, ledger.Moved, ledger.Sweep, made, letter, seen)}, "moved"},
		{"moving", "", ada(), theirs(), []ledger.Record{line("ada", email, ledger.Moving, ledger.SignIn)}, "moving"},
		{"failed", "", ada(), theirs(), []ledger.Record{line("ada", email, ledger.Moving, ledger.SignIn, failed("table Projects-prod: key is id, not userSub"))}, "failed"},
		{"deleted in production", "", ada(), nil, []ledger.Record{moved}, "production-user-deleted"},
		{"deleted in production, not eligible now", "", ada(disabled), nil, []ledger.Record{moved}, "production-user-deleted"},
		{"deleted in production, signed up again", "", ada(), own(), []ledger.Record{moved}, "production-user-deleted"},
		{"deleted on both sides", "ada", nil, nil, []ledger.Record{moved}, "production-user-deleted"},
		{"twins", "ADA@example.com", []userpool.User{somebody("ada", email), somebody("twin", "ADA@example.com")}, theirs(), []ledger.Record{moved}, "moved"},
	}
	var all strings.Builder
	for _, tt := range tests {
		asked := tt.asked
		if asked == "" {
			asked = email
		}
		desk := NewDesk(&fakePool{users: tt.staging}, &fakePool{users: tt.production}, ledgertest.New(tt.lines...), noon, places, nil)
		answer, err := desk.Answer(t.Context(), asked)
		require.NoError(t, err, tt.name)
		assert.Equal(t, tt.code, answer.Persons[0].Verdict.Code, tt.name)
		all.WriteString("=== " + tt.name + ": bulk status --user " + asked + "\n")
		require.NoError(t, answer.WriteText(&all))
		all.WriteString("\n")
	}
	golden.Equal(t, "tickets", all.String())
}

func TestAnotherSpellingIsLookedForOnlyWhereNoneIsFound(t *testing.T) {
	staging := &fakePool{users: []userpool.User{somebody("ada", "ADA@example.com")}}
	desk := NewDesk(staging, &fakePool{}, ledgertest.New(), noon, places, nil)
	answer, err := desk.Answer(t.Context(), email)
	require.NoError(t, err)
	assert.Equal(t, "ADA@example.com", answer.Persons[0].Staging.Email)
	assert.Equal(t, 1, staging.listed)

	staging.listed = 0
	_, err = desk.Answer(t.Context(), "ADA@example.com")
	require.NoError(t, err)
	assert.Zero(t, staging.listed)
}

func TestErrorsOfEachSide(t *testing.T) {
	broken, ada := &fakePool{err: errAWS}, &fakePool{users: []userpool.User{somebody("ada", email)}}
	lines := ledgertest.New(line("ada", email, ledger.Moved, ledger.SignIn))
	away := ledgertest.New()
	away.Before = func(string) error { return errAWS }
	for name, desk := range map[string]*Desk{
		"staging":    NewDesk(broken, ada, lines, noon, places, nil),
		"production": NewDesk(ada, broken, lines, noon, places, nil),
		"ledger":     NewDesk(ada, ada, away, noon, places, nil),
	} {
		for _, asked := range []string{email, "ada"} {
			_, err := desk.Answer(t.Context(), asked)
			require.ErrorIs(t, err, errAWS, name+" "+asked)
		}
	}
}

func TestShell(t *testing.T) {
	for in, want := range map[string]string{
		"ada@example.com": "ada@example.com", "": "''", "o'hara@x.io": `'o'\''hara@x.io'`, "a b": "'a b'", "$(rm)": "'$(rm)'",
	} {
		assert.Equal(t, want, shell(in))
	}
}
