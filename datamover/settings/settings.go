// Package settings reads the environment that the trigger, the datamover and bulk share.
package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Settings are what an operator decides about one migration. Each binary requires some of them.
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
	Groups           []string // to carry over
	MFAUsers         MFAPolicy
	HookBudget       time.Duration

	BackgroundFunction string // empty: the function itself
}

// Table is one table with rows of users: OwnerKey is the partition key of both and holds the user's sub. Values that
// equal it become the production sub, except in the top-level attributes of Keep.
type Table struct {
	Source   string   `json:"source"`
	Target   string   `json:"target"`
	OwnerKey string   `json:"ownerKey"`
	Keep     []string `json:"keep,omitempty"`
}

// MFAPolicy says what to do with a staging user who has a second factor, which cannot be exported.
type MFAPolicy string

const (
	MFAReset  MFAPolicy = "reset"  // import, and ask for a new password by email
	MFARefuse MFAPolicy = "refuse" // not imported
	MFAAccept MFAPolicy = "accept" // the password is enough
)

// maxHookBudget leaves time within Cognito's five seconds for the background invocation, a cold start and the network.
const maxHookBudget = 3500 * time.Millisecond

// Variable is one environment variable.
type Variable struct {
	Name    string
	Default string
	Help    string
	set     func(*Settings, string) error
}

// Variables lists every variable.
var Variables = []Variable{
	{"STAGING_USER_POOL_ID", "", "user pool to migrate from",
		text(func(s *Settings) *string { return &s.StagingUserPoolID })},
	{"STAGING_CLIENT_ID", "", "app client of the staging pool with ADMIN_USER_PASSWORD_AUTH and no secret",
		text(func(s *Settings) *string { return &s.StagingClientID })},
	{"STAGING_ROLE_ARN", "", "role to assume in the staging account; empty: same account",
		text(func(s *Settings) *string { return &s.StagingRoleARN })},
	{"STAGING_EXTERNAL_ID", "", "external id of the staging role",
		text(func(s *Settings) *string { return &s.StagingExternalID })},
	{"STAGING_CUTOFF", "", "RFC 3339 time; users created in staging at or after it are not migrated", setCutoff},
	{"PRODUCTION_USER_POOL_ID", "", "user pool to migrate to",
		text(func(s *Settings) *string { return &s.ProductionUserPoolID })},
	{"LEDGER_TABLE", "Spaceport-Migration-prod", "table with one record per migrated user",
		text(func(s *Settings) *string { return &s.LedgerTable })},
	{"MIGRATION_TABLES", defaultTables, `JSON list of {"source","target","ownerKey"}, profile first`, setTables},
	{"CUSTOM_ATTRIBUTES", "", "comma-separated custom attributes to copy; all others are left out", setCustomAttributes},
	{"MIGRATE_GROUPS", "", "comma-separated groups to carry over; a group may grant rights", setGroups},
	{"MFA_USERS", string(MFAReset), "what to do with users who have a second factor in staging: reset, refuse or accept",
		setMFAUsers},
	{"HOOK_BUDGET", "3s", "how long a sign-in waits for its data; the rest continues in the background (0s to 3.5s)",
		setHookBudget},
	{"BACKGROUND_FUNCTION", "", "Lambda function that continues moves in the background; empty: the hook's own",
		text(func(s *Settings) *string { return &s.BackgroundFunction })},
}

const defaultTables = `[{"source":"Spaceport-Users-staging","target":"Spaceport-Users-prod","ownerKey":"id"},` +
	`{"source":"Spaceport-Projects-staging","target":"Spaceport-Projects-prod","ownerKey":"userSub"}]`

// Read reads every variable. Its error names everything that is wrong, and every required variable that is not set.
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
			return fmt.Errorf("entry %d: source, target and ownerKey are required", i+1)
		}
		if slices.Contains(t.Keep, t.OwnerKey) {
			return fmt.Errorf("entry %d: keep names the owner key, %s, which must become the production sub", i+1, t.OwnerKey)
		}
		for _, other := range s.Tables[:i] {
			if other.Target == t.Target || other.Source == t.Source {
				return fmt.Errorf("entry %d: a table can be listed only once", i+1)
			}
		}
	}
	return nil
}

func setCustomAttributes(s *Settings, value string) error {
	for _, name := range words(value) {
		if name = strings.TrimPrefix(name, "custom:"); name != "" {
			s.CustomAttributes = append(s.CustomAttributes, "custom:"+name)
		}
	}
	return nil
}

// words returns the names of a comma-separated list.
func words(value string) (names []string) {
	for name := range strings.SplitSeq(value, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func setGroups(s *Settings, value string) error {
	for _, name := range words(value) {
		if !slices.Contains(s.Groups, name) {
			s.Groups = append(s.Groups, name)
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
	return fmt.Errorf("%q is not reset, refuse or accept", value)
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
