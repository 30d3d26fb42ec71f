package datamover

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spaceport/user-migration/datamover/settings"
)

// segment is what remains to be moved: rows of one table from a position on, to its end or for one page, or the groups.
type segment struct {
	Table string `json:"table"`           // the source; empty: the groups
	After string `json:"after,omitempty"` // empty: from the beginning
	Page  bool   `json:"page,omitempty"`  // one page, of which some rows failed
}

// cursor is a record's Cursor: what remains. Pages with failed rows are segments of their own, so that no row that was
// written is put again: its owner may have deleted it since.
type cursor struct {
	Tables    string    `json:"tables"` // the tables that it was made for
	Remaining []segment `json:"remaining"`
}

// decodeCursor reads a record's cursor. ok is false if there is none, or it was made for other tables: then everything
// remains.
func decodeCursor(text string, tables []settings.Table) (remaining []segment, ok bool) {
	var c cursor
	if json.Unmarshal([]byte(text), &c) == nil && c.Tables == sources(tables) && len(c.Remaining) > 0 {
		return c.Remaining, true
	}
	for _, t := range tables {
		remaining = append(remaining, segment{Table: t.Source})
	}
	return remaining, false
}

func encodeCursor(remaining []segment, tables []settings.Table) (string, error) {
	text, err := json.Marshal(cursor{Tables: sources(tables), Remaining: remaining})
	if err != nil {
		return "", fmt.Errorf("encode cursor: %w", err)
	}
	return string(text), nil
}

// sources returns the source tables in their order. Table names have no comma.
func sources(tables []settings.Table) string {
	var names []string
	for _, t := range tables {
		names = append(names, t.Source)
	}
	return strings.Join(names, ",")
}
