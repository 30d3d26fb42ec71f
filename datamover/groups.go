package datamover

import (
	"context"
	"errors"
	"slices"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// Groups carries users' groups over, by name: only those that an operator has named, since a group may grant rights.
// The contract of both pools is that of userpool.Pool.
type Groups struct {
	Names   []string
	Staging interface {
		pool
		GroupsOf(ctx context.Context, username string) ([]string, error)
	}
	Production interface { // of the function, each event names it
		AddToGroup(ctx context.Context, username, group string) error
	}
}

// carry adds the production user to their groups, and returns those that production does not have.
func (g Groups) carry(ctx context.Context, record ledger.Record) (missing []string, err error) {
	theirs, err := g.of(ctx, record)
	for _, name := range g.Names {
		if err != nil || !slices.Contains(theirs, name) {
			continue
		}
		if err = g.Production.AddToGroup(ctx, record.ProductionSub, name); errors.Is(err, userpool.ErrNoGroup) {
			missing, err = append(missing, name), nil
		}
	}
	return missing, err
}

// of returns the staging user's groups; none if they were deleted, and someone else may have their name now.
func (g Groups) of(ctx context.Context, record ledger.Record) (names []string, err error) {
	if record.StagingUsername != "" { // a sub is nobody else's
		var user userpool.User
		if user, err = g.Staging.Get(ctx, record.StagingUsername); err == nil && user.Sub != record.StagingSub {
			return nil, nil
		}
	}
	if err == nil {
		names, err = g.Staging.GroupsOf(ctx, record.Username())
	}
	if errors.Is(err, userpool.ErrUserNotFound) {
		return nil, nil
	}
	return names, err
}
