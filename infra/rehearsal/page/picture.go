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
	Ledger    []line     `json:"ledger"`
	Letters   []letter   `json:"letters"`
	Decisions []decision `json:"decisions"`
}

// shown is how many letters and decisions are.
const shown = 100

type line struct {
	StagingSub    string       `json:"stagingSub"`
	ProductionSub string       `json:"productionSub"`
	Email         string       `json:"email"`
	State         ledger.State `json:"state"`
	Via           ledger.Via   `json:"via"`
	Rows          int          `json:"rows"` // in production, whoever wrote them
	Error         string       `json:"error"`
	Updated       time.Time    `json:"updated"`
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
		if order := b.Updated.Compare(a.Updated); order != 0 {
			return order
		}
		return strings.Compare(a.StagingSub, b.StagingSub)
	})
	return picture{Ledger: lines, Letters: newest(o.Cloud.Letters()), Decisions: o.decisions.newest(lines)}, nil
}

func show(l ledger.Line) line {
	rows := 0
	for _, byTable := range []map[string]int{l.Copied, l.Kept} {
		for _, n := range byTable {
			rows += n
		}
	}
	return line{
		StagingSub: l.StagingSub, ProductionSub: l.ProductionSub, Email: l.Email, State: l.State, Via: l.Via, Rows: rows, Error: l.LastError,
		Updated: slices.MaxFunc([]time.Time{l.ImportedAt, l.PasswordSetAt, l.ResetAt, l.MovedAt, l.SeenAt}, time.Time.Compare),
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
