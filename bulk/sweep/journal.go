package sweep

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spaceport/user-migration/datamover/ledger"
)

// Status is what happened to a user in one step.
type Status string

// The words of the sweep log.
const (
	DryRun    Status = "DRY_RUN"
	Created   Status = "CREATED"
	DataMoved Status = "DATA_MOVED"
	ResetSent Status = "RESET_SENT"
	Skipped   Status = "SKIPPED"
	Failed    Status = "FAILED"
)

// Reason says why a user is passed over. Those of userpool.Reason are used too.
type Reason string

// Reasons of a sweep's own.
const (
	AlreadyMoved   Reason = "already-moved" // came by themselves; nothing is left to do
	CameIn         Reason = "came-in"       // swept before, and live since
	LetterSent     Reason = "letter-sent"   // swept before, and written to
	LetterHeldBack Reason = "letter-held"   // swept before, without a letter
	ComingIn       Reason = "coming-in"     // signing in right now
	NotYetBack     Reason = "not-yet-back"  // imported by the trigger; data moves when they come in
	InProduction   Reason = "in-production" // has an account that this migration did not make
	Deleted        Reason = "deleted"       // was bound to an account that is gone
	LimitReached   Reason = "limit-reached" // next time
)

// Explain says in a sentence what a reason means and what to do, "" for reasons that need none.
func Explain(r Reason) string { return explanations[r] }

var explanations = map[Reason]string{
	"federated":        "signs in through another identity provider; invite them there",
	"not-confirmed":    "unconfirmed, temporary password or reset required in staging",
	"disabled":         "disabled in staging",
	"email-unverified": "no verified e-mail in staging, so nothing could be sent to them",
	"after-cutoff":     "created in staging after the cut-off",
	AlreadyMoved:       "came over by themselves",
	CameIn:             "swept before, and came in since: live, left alone",
	LetterSent:         "swept before, and the letter went out",
	LetterHeldBack:     "swept before without a letter: run with --notify=code to write to them",
	ComingIn:           "is signing in right now: the next sweep sees how that ended",
	NotYetBack:         "asked for a new password and has not come back yet: their data moves when they do",
	InProduction:       "has a production account that this migration did not make: --adopt binds it where both e-mails are verified",
	Deleted:            "their production account was deleted: delete the ledger line to let them in again",
	LimitReached:       "beyond --limit: next time",
}

// Entry is one line of the sweep log.
type Entry struct {
	Timestamp     time.Time `json:"timestamp"`
	UserEmail     string    `json:"user_email"`
	Status        Status    `json:"status"`
	Details       string    `json:"details"`
	StagingSub    string    `json:"staging_sub"`
	ProductionSub string    `json:"production_sub"`
}

// note writes what happened to the journal and counts it.
func (p *person) note(status Status, details string) error {
	reason := Reason("")
	if status == Skipped {
		reason = Reason(details)
		if why := Explain(reason); why != "" {
			details += ": " + why
		}
	}
	p.tally.count(p.user.Email(), status, reason)
	err := p.Journal.Write(Entry{
		Timestamp: p.Now().UTC(), UserEmail: p.user.Email(), Status: status, Details: details,
		StagingSub: p.user.Sub, ProductionSub: p.productionSub,
	})
	if err != nil {
		return fmt.Errorf("write sweep log: %w", err)
	}
	return nil
}

func movedDetails(p ledger.Progress) string {
	var parts []string
	for _, table := range slices.Sorted(maps.Keys(p.Copied)) {
		parts = append(parts, fmt.Sprintf("%d rows to %s", p.Copied[table], table))
	}
	for _, table := range slices.Sorted(maps.Keys(p.Kept)) {
		parts = append(parts, fmt.Sprintf("%d rows kept as %s has them", p.Kept[table], table))
	}
	if len(parts) == 0 {
		return "no rows"
	}
	return strings.Join(parts, ", ")
}

// File is a journal on disk: JSON lines, appended with one unbuffered write each, so that a kill never tears one.
type File struct {
	mu   sync.Mutex
	file *os.File
}

// Create opens a new log in dir, named after the time, that only its owner can read: it holds e-mails.
func Create(dir string, now time.Time) (*File, error) {
	for n := 0; ; n++ {
		// A second sweep within one second gets a name of its own.
		path := filepath.Join(dir, "migration_log_"+now.Add(time.Duration(n)*time.Second).Format("20060102_150405")+".jsonl")
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
		if os.IsExist(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("create sweep log: %w", err)
		}
		return &File{file: file}, nil
	}
}

// Path is where the log is.
func (f *File) Path() string { return f.file.Name() }

// Write appends an entry.
func (f *File) Write(e Entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	_, err = f.file.Write(append(line, '\n'))
	return err
}

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }

// Nowhere is a journal that keeps nothing, for looking ahead.
type Nowhere struct{}

// Write forgets.
func (Nowhere) Write(Entry) error { return nil }
