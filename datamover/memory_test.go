package datamover

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/settings"
)

var tables = []settings.Table{
	{Source: "Users-staging", Target: "Users-prod", OwnerKey: "id"},
	{Source: "Projects-staging", Target: "Projects-prod", OwnerKey: "userSub"},
}

const (
	ada       = "5ada0000-57a9-4000-8000-57a910900ada"
	adaNow    = "ada00000-9204-4000-8000-920d0c710ada"
	adasEmail = "ada@example.com"
	pageSize  = 3
)

// memory is both ends of a move, in memory. before, where it is set, runs ahead of every call with its name and may
// fail it; after runs when it has taken effect.
type memory struct {
	before, after func(call string) error

	mu     sync.Mutex
	source map[string][]rows.Row          // table → rows in order
	target map[string]map[string]rows.Row // table → key → row
	calls  map[string]int

	expired int // rows in each page, left out
}

func newMemory(projects int) *memory {
	m := &memory{source: map[string][]rows.Row{}, target: map[string]map[string]rows.Row{}, calls: map[string]int{}}
	m.source["Users-staging"] = []rows.Row{{"id": text(ada), "name": text("Ada")}}
	for i := range projects {
		m.source["Projects-staging"] = append(m.source["Projects-staging"], project(ada, i))
	}
	return m
}

func project(owner string, i int) rows.Row {
	return rows.Row{
		"userSub": text(owner), "projectId": text(fmt.Sprintf("p%04d", i)),
		"file": text(fmt.Sprintf("s3://uploads/%s/%d.jpg", ada, i)), // a reference to the old id stays as it is
	}
}

func text(s string) *types.AttributeValueMemberS { return &types.AttributeValueMemberS{Value: s} }

func value(row rows.Row, name string) string {
	if v, ok := row[name].(*types.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

func (m *memory) step(call string, f func()) error {
	if m.before != nil {
		if err := m.before(call); err != nil {
			return err
		}
	}
	m.mu.Lock()
	m.calls[call]++
	f()
	m.mu.Unlock()
	if m.after != nil {
		return m.after(call)
	}
	return nil
}

func (m *memory) Query(ctx context.Context, t settings.Table, owner, after string) (page rows.Page, err error) {
	if ctx.Err() != nil {
		return page, ctx.Err()
	}
	err = m.step("Query "+t.Source, func() {
		from, _ := strconv.Atoi(after)
		all := m.source[t.Source]
		to := min(from+pageSize, len(all))
		for _, row := range all[from:to] {
			if value(row, t.OwnerKey) == owner {
				page.Rows = append(page.Rows, row)
			}
		}
		page.Expired = m.expired
		if to < len(all) {
			page.Next = strconv.Itoa(to)
		}
	})
	return page, err
}

func (m *memory) CheckKeys(_ context.Context, t settings.Table, _ []rows.Row, _ string) error {
	if m.before != nil {
		return m.before("CheckKeys " + t.Target)
	}
	return nil
}

func (m *memory) PutIfAbsent(ctx context.Context, t settings.Table, row rows.Row,
	owner string) (copied bool, err error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	err = m.step("PutIfAbsent "+t.Target, func() {
		row = maps.Clone(row)
		row[t.OwnerKey] = text(owner)
		key := owner + "/" + value(row, "projectId")
		existing, ok := m.target[t.Target][key]
		if !ok {
			if m.target[t.Target] == nil {
				m.target[t.Target] = map[string]rows.Row{}
			}
			m.target[t.Target][key] = row
		}
		copied = !ok || rows.Equal(existing, row)
	})
	return copied, err
}

func (m *memory) called(call string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls[call]
}
