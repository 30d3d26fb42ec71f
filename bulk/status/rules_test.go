package status

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/golden"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/ledger/ledgertest"
	"github.com/spaceport/user-migration/datamover/userpool"
)

const email = "ada@example.com"

// state is what the three stores have.
type state struct {
	staging, production []userpool.User
	records             []ledger.Record
}

func (s state) collector() Collector {
	return collector(
		&fakePool{id: "us-west-2_staging", users: s.staging}, &fakePool{id: "us-west-2_production", users: s.production},
		ledgertest.New(s.records...))
}

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
	moved := records(ledger.Moved, ledger.SignIn)
	swept := records(ledger.Moved, ledger.Sweep, passwordSet)
	sent := records(ledger.Moved, ledger.Sweep, passwordSet, resetSent)
	seen := records(ledger.Moved, ledger.Sweep, passwordSet, resetSent, signedIn)
	begun := records(ledger.Imported, ledger.Sweep)
	imported := records(ledger.Imported, ledger.SignIn)
	misfit := records(ledger.Moving, ledger.SignIn, lastError("table Projects-prod: key is id, not userSub"))

	tests := []struct {
		name, asked string
		state
		code string
	}{
		{"unknown", email, state{nil, nil, nil}, "unknown"},
		{"only in production", email, state{nil, own(), nil}, "production-only"},
		{"only in production, must reset", email, state{nil, own(is("RESET_REQUIRED")), nil}, "production-reset-required"},
		{"eligible", email, state{ada(), nil, nil}, "eligible"},
		{"eligible, asked by staging sub", "ada", state{ada(), nil, nil}, "eligible"},
		{"eligible, email in other case", email, state{named("Ada@Example.com"), nil, nil}, "eligible"},
		{"quote in the email", "o'hara@example.com", state{named("o'hara@example.com"), nil, nil}, "eligible"},
		{"federated", email, state{ada(is("EXTERNAL_PROVIDER")), nil, nil}, "federated"},
		{"unconfirmed", email, state{ada(is("UNCONFIRMED")), nil, nil}, "not-confirmed"},
		{"temporary password in staging", email, state{ada(is("FORCE_CHANGE_PASSWORD")), nil, nil}, "not-confirmed"},
		{"reset required in staging", email, state{ada(is("RESET_REQUIRED")), nil, nil}, "not-confirmed"},
		{"compromised", email, state{ada(is("COMPROMISED")), nil, nil}, "not-confirmed"},
		{"disabled in staging", email, state{ada(disabled), nil, nil}, "disabled"},
		{"email not verified", email, state{ada(unverified), nil, nil}, "email-unverified"},
		{"no email", "ada", state{ada(withoutEmail), nil, nil}, "email-unverified"},
		{"after the cut-off", email, state{ada(late), nil, nil}, "after-cutoff"},
		{"email not verified, production has it", email, state{ada(unverified), own(), nil}, "email-unverified"},
		{"production had the email first", email, state{ada(), own(), nil}, "production-user-exists"},
		{"production had the email first, disabled", email, state{ada(), own(disabled), nil}, "production-blocked"},
		{"forged attribute in production", email, state{ada(), own(from("ada")), nil}, "production-user-exists"},
		{"imported, not created", email, state{ada(), nil, imported}, "not-created"},
		{"imported, never signed in", email, state{ada(), bound(), imported}, "not-bound"},
		{"imported for reset", email, state{ada(), bound(is("RESET_REQUIRED")), imported}, "production-reset-required"},
		{"imported, production has another user", email, state{ada(), own(), imported}, "production-user-exists"},
		{"sweep was interrupted", email, state{ada(), bound(is("FORCE_CHANGE_PASSWORD")), begun}, "sweep-interrupted"},
		{"invited by an administrator", email, state{nil, own(is("FORCE_CHANGE_PASSWORD")), nil},
			"production-temporary-password"},
		{"moved", email, state{ada(), bound(), moved}, "moved"},
		{"moved, then changed the email", email, state{ada(), bound(renamed), moved}, "moved"},
		{"moved, asked by the new email", "ada@new.example.com", state{ada(), bound(renamed), moved}, "moved"},
		{"moved, email not verified in production", email, state{ada(), bound(unverified), moved}, "moved"},
		{"moved, staging user deleted", email, state{nil, bound(), moved}, "moved"},
		{"moved, then disabled in staging", email, state{ada(disabled), bound(), moved}, "moved"},
		{"moved, reset required", email, state{ada(), bound(is("RESET_REQUIRED")), moved}, "production-reset-required"},
		{"moved, reset required, email not verified", email, state{ada(), bound(is("RESET_REQUIRED"), unverified), moved},
			"production-reset-required"},
		{"moved, disabled in production", email, state{ada(), bound(disabled), moved}, "production-blocked"},
		{"moved, unconfirmed in production", email, state{ada(), bound(is("UNCONFIRMED")), moved}, "production-blocked"},
		{"moved, federated in production", email, state{ada(), bound(is("EXTERNAL_PROVIDER")), moved},
			"production-blocked"},
		{"moved, compromised in production", email, state{ada(), bound(is("COMPROMISED")), moved}, "production-blocked"},
		{"swept, reset email sent", email, state{ada(), bound(is("RESET_REQUIRED")), sent}, "production-reset-required"},
		{"swept, no reset email", email, state{ada(), bound(), swept}, "swept"},
		{"swept, signed in since", email, state{ada(), bound(), seen}, "moved"},
		{"bound to an existing user", email, state{ada(), bound(), records(ledger.Moved, ledger.Sweep, adopted)}, "moved"},
		{"moving", email, state{ada(), bound(), records(ledger.Moving, ledger.SignIn)}, "moving"},
		{"failed", email, state{ada(), bound(), misfit}, "moving"},
		{"deleted in production", email, state{ada(), nil, moved}, "production-user-deleted"},
		{"deleted in production, not eligible now", email, state{ada(disabled), nil, moved}, "production-user-deleted"},
		{"deleted in production, signed up again", email, state{ada(), own(), moved}, "production-user-deleted"},
		{"deleted in both pools", "ada", state{nil, nil, moved}, "production-user-deleted"},
		{"two users with the same email", "ADA@example.com",
			state{append(ada(), user("twin", "ADA@example.com")), bound(), moved}, "moved"},
	}
	var all strings.Builder
	reached := map[int]bool{}
	for _, tt := range tests {
		answer, err := tt.collector().User(t.Context(), tt.asked)
		require.NoError(t, err, tt.name)
		reached[slices.IndexFunc(rules, func(r rule) bool { return r.applies(answer.Users[0]) })] = true
		assert.Equal(t, tt.code, answer.Users[0].Diagnosis.Code, tt.name)
		all.WriteString("=== " + tt.name + ": bulk status --user " + tt.asked + "\n")
		require.NoError(t, answer.WriteText(&all))
		all.WriteString("\n")
	}
	assert.Len(t, reached, len(rules), "every rule is reached")
	golden.Equal(t, "users", all.String())
	assertCommandsHaveTheirOwnLine(t, all.String())
}

// assertCommandsHaveTheirOwnLine also finds a folded sentence that looks like a command.
func assertCommandsHaveTheirOwnLine(t *testing.T, text string) {
	t.Helper()
	known := map[string]bool{
		"bulk check": true, "bulk sweep": true, "bulk verify": true, "aws cognito-idp": true, "aws dynamodb": true,
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

// TestFacts holds the names in all advice against the facts, and those in commands against the ones that are quoted.
func TestFacts(t *testing.T) {
	facts := state{}.collector().facts(UserReport{})
	quoted := []string{"user", "stagingUser", "productionUser", "invited", "ledgerRecord"}
	for rule, lines := range advice {
		for _, line := range lines {
			os.Expand(line, func(name string) string {
				assert.Contains(t, facts, name, rule)
				assert.Equal(t, isCommand(line), slices.Contains(quoted, name), line)
				return ""
			})
		}
	}
}

func TestEachRuleHasASection(t *testing.T) {
	rules := []rule{{name: "a"}, {name: "b"}}
	assert.Equal(t, map[string][]string{"a": {"1", "2"}, "b": {"3"}}, sections("[a]\n1\n2\n\n[b]\n3\n", rules))
	for text, want := range map[string]string{
		"[a]\n1\n":                   "advice.txt has no section b",
		"[a]\n1\n\n[b]\n":            "advice.txt has no section b",
		"[a]\n1\n\n[b]\n2\n\n[c]\n3": "advice.txt has a section without a rule",
	} {
		assert.PanicsWithValue(t, want, func() { sections(text, rules) })
	}
}
