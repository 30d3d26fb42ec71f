package datamover

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spaceport/user-migration/datamover/settings"
)

// segment is rows that are still to be moved: of one table from a position on, to its end or for one page.
type segment struct {
	Table string `json:"table"`           // its source
	After string `json:"after,omitempty"` // empty: from the beginning
	Page  bool   `json:"page,omitempty"`  // one page, of which some rows did not arrive
}

// cursor is a ledger line's Cursor: what is still to do. Pages with rows that failed are in it by themselves, so that
// nothing that has arrived is put again: its owner may have deleted it since.
type cursor struct {
	Tables string    `json:"tables"` // the tables that it was made for
	Todo   []segment `json:"todo"`
}

// decodeCursor reads a line's cursor. ok is false where there is none, or it was made for other tables: then everything is
// to do.
func decodeCursor(text string, tables []settings.Table) (todo []segment, ok bool) {
	var c cursor
	if json.Unmarshal([]byte(text), &c) == nil && c.Tables == names(tables) && len(c.Todo) > 0 {
		return c.Todo, true
	}
	for _, t := range tables {
		todo = append(todo, segment{Table: t.Source})
	}
	return todo, false
}

func encodeCursor(todo []segment, tables []settings.Table) (string, error) {
	text, err := json.Marshal(cursor{Tables: names(tables), Todo: todo})
	if err != nil {
		return "", fmt.Errorf("encode cursor: %w", err)
	}
	return string(text), nil
}

// names is the sources in their order; a comma can stand in none of them.
func names(tables []settings.Table) string {
	var all []string
	for _, t := range tables {
		all = append(all, t.Source)
	}
	return strings.Join(all, ",")
}
