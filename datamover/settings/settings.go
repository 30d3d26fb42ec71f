// Package settings reads the environment that the trigger, the datamover and bulk share.
package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Settings is what an operator decides about one migration. Each binary needs some of it; see Require.
type Settings struct {
	StagingUserPoolID string
	StagingClientID   string
	StagingRoleARN    string // empty: staging is in the same account
	StagingExternalID string
	StagingCutoff     time.Time // zero: no cut-off

	ProductionUserPoolID string

	LedgerTable      string
	Tables           []Table
	CustomAttributes []string // with their "custom:" prefix
	MFAUsers         MFAPolicy
	HookBudget       time.Duration
}

// Table is one table whose rows belong to users: OwnerKey is the partition key of both ends and holds the user's sub.
type Table struct {
	Source   string `json:"source"`
	Target   string `json:"target"`
	OwnerKey string `json:"ownerKey"`
}

// MFAPolicy says what becomes of a staging user who has a second factor, which cannot be exported.
type MFAPolicy string

const (
	MFAReset  MFAPolicy = "reset"  // the mailbox proves them: import, but ask for a new password by e-mail
	MFARefuse MFAPolicy = "refuse" // not imported
	MFAAccept MFAPolicy = "accept" // the password alone is enough
)

// maxHookBudget leaves room inside Cognito's five seconds: for the hand-over, for a cold start and for the way there.
const maxHookBudget = 3500 * time.Millisecond

// Variable is one environment variable: its name, what it is for, and how a value is taken over.
type Variable struct {
	Name    string
	Default string
	Help    string
	set     func(*Settings, string) error
}

// Variables lists every variable in the order in which a reader meets them.
var Variables = []Variable{
	{"STAGING_USER_POOL_ID", "", "user pool that people come from", text(func(s *Settings) *string { return &s.StagingUserPoolID })},
	{"STAGING_CLIENT_ID", "", "app client of the staging pool with ADMIN_USER_PASSWORD_AUTH and no secret", text(func(s *Settings) *string { return &s.StagingClientID })},
	{"STAGING_ROLE_ARN", "", "role to assume in the staging account; empty: same account", text(func(s *Settings) *string { return &s.StagingRoleARN })},
	{"STAGING_EXTERNAL_ID", "", "external id that the staging role asks for", text(func(s *Settings) *string { return &s.StagingExternalID })},
	{"STAGING_CUTOFF", "", "RFC 3339 time; users created in staging at or after it stay there", setCutoff},
	{"PRODUCTION_USER_POOL_ID", "", "user pool that people move to", text(func(s *Settings) *string { return &s.ProductionUserPoolID })},
	{"LEDGER_TABLE", "Spaceport-Migration-prod", "table with one line per migrated user", text(func(s *Settings) *string { return &s.LedgerTable })},
	{"MIGRATION_TABLES", defaultTables, `JSON list of {"source","target","ownerKey"}, profile first`, setTables},
	{"CUSTOM_ATTRIBUTES", "", "comma list of custom attributes to carry over; all others stay behind", setCustomAttributes},
	{"MFA_USERS", string(MFAReset), "reset, refuse or accept users who have a second factor in staging", setMFAUsers},
	{"HOOK_BUDGET", "3s", "how long a sign-in may wait for its data before the rest is handed over (0s to 3.5s)", setHookBudget},
}

const defaultTables = `[{"source":"Spaceport-Users-staging","target":"Spaceport-Users-prod","ownerKey":"id"},` +
	`{"source":"Spaceport-Projects-staging","target":"Spaceport-Projects-prod","ownerKey":"userSub"}]`

// Read takes every variable from getenv. Its error names all that is wrong at once, and all of required that is unset.
func Read(getenv func(string) string, required ...string) (Settings, error) {
	var (
		s        Settings
		problems []error
	)
	for _, name := range required {
		if strings.TrimSpace(getenv(name)) == "" {
			problems = append(problems, fmt.Errorf("%s is not set: %s", name, help(name)))
		}
	}
	for _, v := range Variables {
		value := strings.TrimSpace(getenv(v.Name))
		if value == "" {
			value = v.Default
		}
		if value == "" {
			continue
		}
		if err := v.set(&s, value); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", v.Name, err))
		}
	}
	return s, errors.Join(problems...)
}

func help(name string) string {
	for _, v := range Variables {
		if v.Name == name {
			return v.Help
		}
	}
	return "required"
}

func text(field func(*Settings) *string) func(*Settings, string) error {
	return func(s *Settings, value string) error {
		*field(s) = value
		return nil
	}
}

func setCutoff(s *Settings, value string) (err error) {
	if s.StagingCutoff, err = time.Parse(time.RFC3339, value); err != nil {
		return fmt.Errorf("%q is not an RFC 3339 time such as 2026-01-31T12:00:00Z", value)
	}
	return nil
}

func setTables(s *Settings, value string) error {
	dec := json.NewDecoder(strings.NewReader(value))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s.Tables); err != nil {
		return fmt.Errorf(`not a JSON list of {"source","target","ownerKey"}: %w`, err)
	}
	if len(s.Tables) == 0 {
		return errors.New("names no table")
	}
	for i, t := range s.Tables {
		if t.Source == "" || t.Target == "" || t.OwnerKey == "" {
			return fmt.Errorf("entry %d: source, target and ownerKey are all needed", i+1)
		}
		for _, other := range s.Tables[:i] {
			if other.Target == t.Target || other.Source == t.Source {
				return fmt.Errorf("entry %d: a table can be named once only", i+1)
			}
		}
	}
	return nil
}

func setCustomAttributes(s *Settings, value string) error {
	for name := range strings.SplitSeq(value, ",") {
		name = strings.TrimPrefix(strings.TrimSpace(name), "custom:")
		if name != "" {
			s.CustomAttributes = append(s.CustomAttributes, "custom:"+name)
		}
	}
	return nil
}

func setMFAUsers(s *Settings, value string) error {
	switch p := MFAPolicy(value); p {
	case MFAReset, MFARefuse, MFAAccept:
		s.MFAUsers = p
		return nil
	}
	return fmt.Errorf("%q is none of reset, refuse, accept", value)
}

func setHookBudget(s *Settings, value string) (err error) {
	if s.HookBudget, err = time.ParseDuration(value); err != nil {
		return fmt.Errorf("%q is not a duration such as 3s", value)
	}
	if s.HookBudget < 0 || s.HookBudget > maxHookBudget {
		return fmt.Errorf("%s is not between 0s and %s (Cognito waits 5 s)", s.HookBudget, maxHookBudget)
	}
	return nil
}
