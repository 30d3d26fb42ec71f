package check

import (
	"errors"
	"time"

	"github.com/spaceport/user-migration/datamover/settings"
)

// Why something could not be looked at. Any other error is an outage, or something that this cloud does not offer.
var (
	ErrAccessDenied = errors.New("access denied")
	ErrMissing      = errors.New("not there")
)

// Seen is something that was looked at, or why it could not be.
type Seen[T any] struct {
	Value T
	Err   error
}

// Facts is what was found in both accounts.
type Facts struct {
	Settings settings.Settings
	Now      time.Time

	Operator          Identity       // who runs this, in production
	OperatorRole      string         // ARN of who is to, as the stack says; empty where nobody says
	StagingOperator   Seen[Identity] // who they are in staging
	Production        Seen[Pool]
	Staging           Seen[Pool]
	ProductionClients Seen[[]Client]
	StagingClients    Seen[[]Client]
	TriggerClient     Seen[Client]            // the staging client that the trigger uses
	Policies          map[string]Seen[string] // function → its resource policy, JSON
	Groups            Seen[[]string]          // of staging

	People Seen[Census]
	Bound  Seen[int] // ledger lines that a production user owns
	Ledger Seen[Table]
	Tables []TablePair

	Permissions []Permission
}

// Identity is an AWS principal.
type Identity struct{ ARN, Account string }

// Pool is a user pool's settings, as far as they matter.
type Pool struct {
	ID, Name, ARN      string
	Users              int // an estimate
	CaseSensitive      bool
	UsernameAttributes []string
	Aliases            []string
	Schema             map[string]Attribute
	Triggers           map[string]string // name, such as UserMigration → function
	SelfSignUp         bool
	VerifyBeforeUpdate []string
	AutoVerified       []string
	Recovery           []string // by priority; empty: the pool does not say
	OwnSender          bool     // sends by SES
	MFA                string   // OFF, OPTIONAL, ON
	Passwords          PasswordPolicy
	Protected          bool // against deletion
}

// PasswordPolicy is what a new password needs.
type PasswordPolicy struct {
	MinimumLength                  int
	Lower, Upper, Numbers, Symbols bool
}

// Attribute is one attribute of a pool's schema. Limits are nil where there are none.
type Attribute struct {
	Type     string // String, Number, DateTime, Boolean
	Mutable  bool
	Required bool
	Min, Max *float64 // length of a String, value of a Number
}

// Client is an app client.
type Client struct {
	ID, Name   string
	Flows      []string // ExplicitAuthFlows
	Writes     []string // WriteAttributes; empty: every attribute
	HidesUsers bool     // PreventUserExistenceErrors
	HasASecret bool
}

// TablePair is both ends of a table that moves.
type TablePair struct {
	settings.Table
	From, To Seen[Table]
	Sample   Seen[Sample] // of staging's rows
}

// Key is one attribute of a table's key.
type Key struct{ Name, Type string }

// Table is a table's settings, as far as they matter.
type Table struct {
	Name       string
	Status     string
	Keys       []Key // partition key first
	Stream     bool
	Protected  bool         // against deletion
	TimeToLive Seen[string] // the attribute; empty: off
	Recovery   Seen[bool]   // point-in-time recovery
}

// Sample is what was found in some rows of a table.
type Sample struct {
	Rows    int
	All     bool           // the table has no more
	Buckets map[string]int // bucket → rows that name it
}

// ErrUntried is of a permission that nothing but its use could tell: no such call is sure to be refused.
var ErrUntried = errors.New("not tried")

// Permission is something that the operator must be allowed, and what trying it gave: nil, ErrAccessDenied, ErrUntried, or an
// error that tells neither.
type Permission struct {
	Account string // "production" or "staging"
	Purpose string // such as "create users"
	Action  string // such as cognito-idp:AdminCreateUser
	On      string // pool or table
	Err     error
}
