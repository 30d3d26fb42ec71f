package sweep

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/bulk/users"
)

// Status is what happened to a user in one step.
type Status string

// Reason says why a user is skipped. A user who is not eligible has a userpool.Reason.
type Reason string

const (
	DryRun    Status = "DRY_RUN"
	Created   Status = "CREATED"
	DataMoved Status = "DATA_MOVED"
	ResetSent Status = "RESET_SENT"
	Skipped   Status = "SKIPPED"
	Failed    Status = "FAILED"

	AlreadyMoved          Reason = "already-moved"               // by sign-in, or adopted; nothing is left to do
	SignedInSince         Reason = "signed-in"                   // created by a sweep, and has signed in since
	ResetAlreadySent      Reason = "reset-sent"                  // created by a sweep, and was sent a reset email
	ResetNotRequested     Reason = "reset-not-requested"         // created by a sweep, without a reset email
	SigningIn             Reason = "signing-in"                  // right now
	AwaitingUser          Reason = "awaiting-user"               // imported by the trigger within the hour
	SameEmail             Reason = "same-email"                  // as another staging user, who is migrated
	AliasInUse            Reason = "alias-in-use"                // a phone number, or another attribute to sign in with
	EmailChanged          Reason = "production-email-changed"    // before the hook bound the user
	EmailUnverified       Reason = "production-email-unverified" // so that nothing proves whose account it is
	RowsFailed            Reason = "rows-failed"                 // some rows cannot be written
	ProductionUserExists  Reason = "production-user-exists"      // was not created by this migration
	ProductionUserDeleted Reason = "production-user-deleted"     // was bound to the record
	ProductionUserBlocked Reason = "production-user-blocked"     // disabled, or not confirmed
	MoveInProgress        Reason = "move-in-progress"            // another mover has the lease
	SenderFailed          Reason = "sender-failed"               // no account is created whose email cannot be sent
	LimitReached          Reason = "limit-reached"               // Options.Limit
)

//go:embed reasons.txt
var reasons string

// Explain returns what a reason means and what resolves it, or "".
func (r Reason) Explain() string {
	_, rest, _ := strings.Cut("\n"+reasons, "\n"+string(r)+": ")
	text, _, _ := strings.Cut(rest, "\n")
	return text
}

// Error makes a Reason what an action returns if the user must be skipped.
func (r Reason) Error() string { return string(r) }

// Counters count what Plan has found and what Run has done.
type Counters struct {
	Users   int            `json:"users"` // that Plan looked at
	Planned Planned        `json:"planned"`
	Created int            `json:"created"`
	Moved   int            `json:"moved"`
	Resets  int            `json:"resets"`
	Failed  int            `json:"failed"`
	Partial bool           `json:"partial,omitempty"` // the plan ended with --limit
	Skipped map[Reason]int `json:"skipped"`
	Pairs   []users.Pair   `json:"pairs,omitempty"`
	Sender  string         `json:"sender,omitempty"`            // why no more emails were sent
	LeftOut int            `json:"attributesLeftOut,omitempty"` // of all whose data was moved

	CreatedEmails []string `json:"-"` // the first few
	ToCreate      []string `json:"-"` // the emails of the first users to create

	mu sync.Mutex
}

// Outcome says what Run has done until now.
func (c *Counters) Outcome() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	skipped := 0
	for _, n := range c.Skipped {
		skipped += n
	}
	return fmt.Sprintf("%s migrated, %s skipped, %s failed",
		console.Count(c.Moved), console.Count(skipped), console.Count(c.Failed))
}

// Planned is what Run would do.
type Planned struct {
	Create   int     `json:"create"`   // users to create
	Complete int     `json:"complete"` // unfinished copies to resume
	Adopt    int     `json:"adopt"`    // existing production users to bind
	Resets   int     `json:"resets"`   // reset emails to send
	Send     int     `json:"-"`        // users who need nothing else
	Seconds  float64 `json:"seconds"`  // at the quotas
}

// Users is for how many users there is something to do.
func (p Planned) Users() int { return p.Create + p.Complete + p.Adopt + p.Send }

// Entry is one line of the audit log.
type Entry struct {
	Timestamp     time.Time `json:"timestamp"`
	UserEmail     string    `json:"user_email"`
	Status        Status    `json:"status"`
	Details       string    `json:"details"`
	StagingSub    string    `json:"staging_sub"`
	ProductionSub string    `json:"production_sub"`
}

// note counts what happened to the user and logs it, by one write: a kill leaves no partial line.
func (m *migration) note(status Status, details string) error {
	m.logged = true
	m.mu.Lock()
	counts := map[Status]*int{Created: &m.Created, DataMoved: &m.Moved, ResetSent: &m.Resets, Failed: &m.Failed}
	*cmp.Or(counts[status], new(int))++
	switch {
	case status == Skipped: // details is the reason
		m.Skipped[Reason(details)]++
		details += ": " + Reason(details).Explain()
	case status == Created && m.Created <= 5:
		m.CreatedEmails = append(m.CreatedEmails, m.staging.Email())
	}
	m.mu.Unlock()
	return json.NewEncoder(m.Log).Encode(Entry{Timestamp: m.Now().UTC(), UserEmail: m.staging.Email(), Status: status,
		Details: details, StagingSub: m.staging.Sub, ProductionSub: m.record.ProductionSub})
}

// Log is the audit log: a file in Dir, which is made for the first entry and named after the time.
type Log struct {
	Dir  string
	Now  func() time.Time
	Made func(path string)

	mu   sync.Mutex
	file *os.File
}

// Write writes an entry; an empty one only makes the file. Only its owner can read it, since it holds emails.
func (l *Log) Write(entry []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for now := l.Now(); l.file == nil; now = now.Add(time.Second) { // a second sweep within one second has its own name
		path := filepath.Join(l.Dir, "migration_log_"+now.Format("20060102_150405")+".jsonl")
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
		if err == nil {
			l.file = file
			l.Made(path)
		} else if !os.IsExist(err) {
			return 0, fmt.Errorf("create sweep log: %w", err)
		}
	}
	return l.file.Write(entry)
}

// Close closes the file, if there is one.
func (l *Log) Close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
