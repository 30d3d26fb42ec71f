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

// snapshot is what the page shows beside the sign-in, the newest first.
type snapshot struct {
	Ledger      []record        `json:"ledger"`
	LedgerCount int             `json:"ledgerCount"` // including records that are not shown
	Messages    []cloud.Message `json:"messages"`
	Decisions   []decision      `json:"decisions"`
}

// How much is shown: more than a user reads, and few enough for a browser to draw many times a minute.
const (
	shownRecords = 200
	shown        = 100 // emails, and decisions
)

type record struct {
	StagingSub    string       `json:"stagingSub"`
	ProductionSub string       `json:"productionSub"`
	Email         string       `json:"email"`
	State         ledger.State `json:"state"`
	Via           ledger.Via   `json:"via"`
	Rows          int          `json:"rows"` // in production, copied or kept
	Error         string       `json:"error"`

	updated time.Time
}

// observer only reads.
type observer struct {
	*spaceport.Spaceport
	decisions *decisions
}

func (o observer) snapshot(ctx context.Context) (snapshot, error) {
	records := []record{}
	for r, err := range ledger.New(o.ProductionTables, o.Settings.LedgerTable).All(ctx) {
		if err != nil {
			return snapshot{}, err
		}
		records = append(records, show(r))
	}
	slices.SortFunc(records, func(a, b record) int {
		if order := b.updated.Compare(a.updated); order != 0 {
			return order
		}
		return strings.Compare(a.StagingSub, b.StagingSub)
	})
	return snapshot{
		Ledger: records[:min(len(records), shownRecords)], LedgerCount: len(records),
		Messages: newest(o.Cloud.Messages()), Decisions: o.decisions.newest(records),
	}, nil
}

func show(r ledger.Record) record {
	rows := 0
	for _, byTable := range []map[string]int{r.Copied, r.Kept} {
		for _, n := range byTable {
			rows += n
		}
	}
	times := []time.Time{r.ImportedAt, r.PasswordSetAt, r.ResetAt, r.MovedAt, r.SeenAt}
	return record{
		StagingSub: r.StagingSub, ProductionSub: r.ProductionSub, Email: r.Email, State: r.State, Via: r.Via,
		Rows: rows, Error: r.LastError,
		updated: slices.MaxFunc(times, time.Time.Compare),
	}
}

func newest(all []cloud.Message) []cloud.Message {
	messages := append([]cloud.Message{}, all[max(0, len(all)-shown):]...)
	slices.Reverse(messages)
	return messages
}
