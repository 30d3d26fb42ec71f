package page

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// picture is what there is to observe, the newest first.
type picture struct {
	Ledger      []line     `json:"ledger"`
	LedgerCount int        `json:"ledgerCount"` // also of those that are not shown
	Letters     []letter   `json:"letters"`
	Decisions   []decision `json:"decisions"`
}

// How much is shown: more than anybody reads, and little enough for a browser to draw many times a minute.
const (
	shownLines = 200
	shown      = 100 // letters, and decisions
)

type line struct {
	StagingSub    string       `json:"stagingSub"`
	ProductionSub string       `json:"productionSub"`
	Email         string       `json:"email"`
	State         ledger.State `json:"state"`
	Via           ledger.Via   `json:"via"`
	Rows          int          `json:"rows"` // in production, whoever wrote them
	Error         string       `json:"error"`

	updated time.Time
}

type letter struct {
	To      string    `json:"to"`
	Subject string    `json:"subject"`
	Body    string    `json:"body"`
	Code    string    `json:"code"`
	Time    time.Time `json:"time"`
}

// observer looks, and changes nothing.
type observer struct {
	*spaceport.Spaceport
	decisions *decisions
}

func (o observer) picture(ctx context.Context) (picture, error) {
	lines := []line{}
	for l, err := range ledger.New(o.ProductionTables, o.Settings.LedgerTable).All(ctx) {
		if err != nil {
			return picture{}, err
		}
		lines = append(lines, show(l))
	}
	slices.SortFunc(lines, func(a, b line) int {
		if order := b.updated.Compare(a.updated); order != 0 {
			return order
		}
		return strings.Compare(a.StagingSub, b.StagingSub)
	})
	return picture{
		Ledger: lines[:min(len(lines), shownLines)], LedgerCount: len(lines), Letters: newest(o.Cloud.Letters()), Decisions: o.decisions.newest(lines),
	}, nil
}

func show(l ledger.Record) line {
	rows := 0
	for _, byTable := range []map[string]int{l.Copied, l.Kept} {
		for _, n := range byTable {
			rows += n
		}
	}
	return line{
		StagingSub: l.StagingSub, ProductionSub: l.ProductionSub, Email: l.Email, State: l.State, Via: l.Via, Rows: rows, Error: l.LastError,
		updated: slices.MaxFunc([]time.Time{l.ImportedAt, l.PasswordSetAt, l.ResetAt, l.MovedAt, l.SeenAt}, time.Time.Compare),
	}
}

func newest(all []cloud.Letter) []letter {
	letters := []letter{}
	for _, l := range slices.Backward(all) {
		if len(letters) == shown {
			break
		}
		letters = append(letters, letter{To: l.To, Subject: l.Subject, Body: l.Body, Code: l.Code, Time: l.Time})
	}
	return letters
}
