package status

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// TestEveryState walks through all states that a user can be in: there is no dead end. Either a sweep goes on, or it
// says why not, and the report has something to do.
func TestEveryState(t *testing.T) {
	stagings := map[string][]userpool.User{
		"eligible": {user("ada", email)}, "disabled": {user("ada", email, disabled)}, "gone": nil,
	}
	records := map[string][]ledger.Record{"absent": nil}
	for _, via := range []ledger.Via{ledger.SignIn, ledger.ForgotPassword, ledger.Sweep} {
		for _, age := range []time.Duration{time.Second, 30 * time.Minute, 2 * time.Hour} {
			records[fmt.Sprint("unbound ", via, " ", age)] = []ledger.Record{record("ada", email, ledger.Imported, via,
				func(r *ledger.Record) { r.ImportedAt = noon.Add(-age) })}
		}
		for _, state := range []ledger.State{ledger.Moving, ledger.Moved} {
			for name, changes := range map[string][]func(*ledger.Record){
				"": nil, "password": {passwordSet}, "reset": {passwordSet,
					resetSent}, "signed in": {signedIn}, "adopted": {adopted},
			} {
				records[fmt.Sprint(state, " ", via, " ", name)] = []ledger.Record{record("ada", email, state, via, changes...)}
			}
		}
	}
	productions := map[string][]userpool.User{"absent": nil}
	for _, status := range []string{"CONFIRMED", "RESET_REQUIRED", "FORCE_CHANGE_PASSWORD", "UNCONFIRMED", "ARCHIVED"} {
		productions["ours "+status] = []userpool.User{user("production-ada", email, is(status), from("ada"))}
		productions["another's "+status] = []userpool.User{user("production-ben", email, is(status), from("ben"))}
		productions["native "+status] = []userpool.User{user("own", email, is(status))}
	}
	productions["ours disabled"] = []userpool.User{user("production-ada", email, from("ada"), disabled)}
	states := 0
	for staging, inStaging := range stagings {
		for record, inLedger := range records {
			for production, inProduction := range productions {
				states++
				name := strings.Join([]string{staging, record, production}, ", ")
				answer, err := state{inStaging, inProduction, inLedger}.collector().User(t.Context(), email)
				require.NoError(t, err, name)
				require.NotEmpty(t, answer.Users, name)
				u := answer.Users[0]
				assert.NotEmpty(t, u.Diagnosis.Text, name)
				assert.NotEmpty(t, u.Diagnosis.Remedies, name)
				assert.Equal(t, staging != "gone", u.Sweep != "", name)
				finished := u.Moved() || staging != "eligible"
				assert.True(t, finished || strings.HasPrefix(u.Sweep, "would") ||
					slices.ContainsFunc(u.Diagnosis.Remedies, isCommand),
					"%s: a dead end: %s, %v", name, u.Sweep, u.Diagnosis)
			}
		}
	}
	t.Logf("%d states", states)
}
