package datamover

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/ledger/ledgertest"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// memberships is both pools, with Ada's groups in each.
type memberships struct {
	fakePool
	staging, production []string
	exist               []string // in production
	listErr, addErr     error
}

func (m *memberships) GroupsOf(_ context.Context, username string) ([]string, error) {
	if username != m.user.Username {
		return nil, userpool.ErrUserNotFound
	}
	return m.staging, m.listErr
}

func (m *memberships) AddToGroup(_ context.Context, username, group string) error {
	switch {
	case m.addErr != nil:
		return m.addErr
	case username != adaNow:
		return userpool.ErrUserNotFound
	case !slices.Contains(m.exist, group):
		return userpool.ErrNoGroup
	}
	m.production = append(m.production, group)
	return nil
}

func newMemberships() *memberships {
	return &memberships{
		fakePool: fakePool{user: userpool.User{Username: ada, Sub: ada}},
		staging:  []string{"editors", "admins", "old"}, exist: []string{"editors", "admins"},
	}
}

// groupMover is a mover that carries editors and old over.
func groupMover(m *memory, g *memberships, records *ledgertest.Memory) *Mover {
	mover := newMover(m, records)
	mover.groups = Groups{Names: []string{"editors", "old", "unknown"}, Staging: g, Production: g}
	return mover
}

func TestGroups(t *testing.T) {
	m, g, records := newMemory(3), newMemberships(), ledgertest.New(bound())
	progress, err := run(t.Context(), groupMover(m, g, records), records)
	require.NoError(t, err)
	assert.Equal(t, []string{"editors"}, g.production, "none that nobody has named")
	assert.Equal(t, []string{"old"}, progress.MissingGroups, "that production lacks a group fails nothing")
	record := records.Record(ada)
	assert.Equal(t, ledger.Moved, record.State)
	assert.Equal(t, movedAt, record.GroupsAt)
	assert.True(t, record.Finished([]string{"editors"}))

	g.production = nil // by an administrator
	_, err = run(t.Context(), groupMover(m, g, records), records)
	require.NoError(t, err)
	assert.Empty(t, g.production, "a removal stands")
}

// TestGroupsOfWhoIsMoved: MIGRATE_GROUPS was set later. No row is looked at again, since its owner may have deleted it.
func TestGroupsOfWhoIsMoved(t *testing.T) {
	m, g, records := newMemory(3), newMemberships(), ledgertest.New(bound())
	_, err := run(t.Context(), newMover(m, records), records)
	require.NoError(t, err)
	before := records.Record(ada)
	assert.False(t, before.Finished([]string{"editors"}))
	clear(m.target["Projects-prod"])

	mover := groupMover(m, g, records)
	mover.now = func() time.Time { return movedAt.AddDate(0, 0, 1) }
	_, err = run(t.Context(), mover, records)
	require.NoError(t, err)
	assert.Empty(t, m.target["Projects-prod"])
	assert.Equal(t, []string{"editors"}, g.production)
	want := before
	want.GroupsAt = movedAt.AddDate(0, 0, 1)
	assert.Equal(t, want, records.Record(ada))
}

func TestGroupsThatCannotBeCarried(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil  func(*memberships)
		outage bool
	}{
		"staging throttles": {func(g *memberships) { g.listErr = userpool.ErrThrottled }, true},
		"staging denies":    {func(g *memberships) { g.listErr = userpool.ErrAccessDenied }, false},
		"production denies": {func(g *memberships) { g.addErr = userpool.ErrAccessDenied }, false},
	} {
		m, g, records := newMemory(3), newMemberships(), ledgertest.New(bound())
		tt.spoil(g)
		_, err := run(t.Context(), groupMover(m, g, records), records)
		var partial *PartialError
		require.ErrorAs(t, err, &partial, name)
		assert.Equal(t, tt.outage, partial.Outage, name)
		record := records.Record(ada)
		assert.Equal(t, ledger.Moving, record.State, name)
		assert.NotEmpty(t, record.LastError, name)

		puts := m.called("PutIfAbsent Projects-prod")
		g.listErr, g.addErr = nil, nil
		_, err = run(t.Context(), groupMover(m, g, records), records)
		require.NoError(t, err, name)
		assert.Equal(t, puts, m.called("PutIfAbsent Projects-prod"), "%s: no row is put again", name)
		assert.Equal(t, []string{"editors"}, g.production, name)
		assert.Equal(t, ledger.Moved, records.Record(ada).State, name)
		assert.Empty(t, records.Record(ada).LastError, name)
	}
}

// TestGroupsOfSomeoneElse: the user was deleted in staging, and another has the user name.
func TestGroupsOfSomeoneElse(t *testing.T) {
	for name, user := range map[string]userpool.User{
		"another": {Username: "ada1815", Sub: "another"}, "nobody": {Username: "bob", Sub: "bob"},
	} {
		g := newMemberships()
		g.user = user
		record := bound()
		record.StagingUsername = "ada1815"
		groups := Groups{Names: []string{"editors"}, Staging: g, Production: g}
		missing, err := groups.carry(t.Context(), record)
		require.NoError(t, err, name)
		assert.Empty(t, missing, name)
		assert.Empty(t, g.production, name)
	}
	g := newMemberships()
	g.err = errors.New("no answer")
	record := bound()
	record.StagingUsername = "ada1815"
	_, err := Groups{Names: []string{"editors"}, Staging: g, Production: g}.carry(t.Context(), record)
	require.Error(t, err)
}

// hanging is production while it throttles: the SDK repeats until the budget is over.
type hanging struct{ *memberships }

func (h hanging) AddToGroup(ctx context.Context, _, _ string) error { <-ctx.Done(); return ctx.Err() }

// TestBudgetEndsInGroups: what the owner deletes before the background carries the groups over stays deleted.
func TestBudgetEndsInGroups(t *testing.T) {
	m, g, records := newMemory(3), newMemberships(), ledgertest.New(bound())
	mover := groupMover(m, g, records)
	mover.groups.Production = hanging{g}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := run(ctx, mover, records)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Len(t, m.target["Projects-prod"], 3)
	clear(m.target["Projects-prod"])
	_, err = run(t.Context(), groupMover(m, g, records), records)
	require.NoError(t, err)
	assert.Equal(t, ledger.Moved, records.Record(ada).State)
	assert.Equal(t, 3, records.Record(ada).Copied["Projects-prod"])
	assert.Empty(t, m.target["Projects-prod"])
	assert.Equal(t, []string{"editors"}, g.production)
}

// TestPoolOfTheEvent: Cognito names its pool. A background event cannot choose the one that confirms it.
func TestPoolOfTheEvent(t *testing.T) {
	signIn := string(recorded(t, "post_authentication"))
	for payload, want := range map[string]string{
		signIn: "us-west-2_Production",
		`{"stagingSub":"` + ada + `","productionSub":"` + adaNow + `"}`:                                "",
		`{"userPoolId":"us-east-1_Other","stagingSub":"` + ada + `","productionSub":"` + adaNow + `"}`: "",
	} {
		h := newHook(newMemory(1), ledgertest.New(imported()))
		var ids []string
		h.pools = func(id string) ProductionPool {
			ids = append(ids, id)
			return h.production
		}
		_, err := h.Invoke(t.Context(), []byte(payload))
		require.NoError(t, err)
		assert.Equal(t, []string{want}, ids, payload)
	}
}

func TestMissingGroupIsAWarning(t *testing.T) {
	g := newMemberships()
	h := newHook(newMemory(1), ledgertest.New(bound()))
	h.mover.groups = Groups{Names: []string{"old"}, Staging: g}
	h.pools = func(string) ProductionPool { return g }
	_, err := h.Invoke(t.Context(), recorded(t, "post_authentication"))
	require.NoError(t, err)
	assert.Regexp(t, `"level":"WARN".*"missingGroups":\["old"\]`, h.log.String())
	assert.Contains(t, h.log.String(), `"decision":"moved"`)
}
