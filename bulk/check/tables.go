package check

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ledgerTable: without it nobody is imported.
func ledgerTable(f Facts) verdict {
	t, name := f.Ledger.Value, f.Settings.LedgerTable
	switch {
	case errors.Is(f.Ledger.Err, ErrMissing):
		return fail("Deploy the production stack, which makes it, or check LEDGER_TABLE.", "there is no table %s", name)
	case f.Ledger.Err != nil:
		return fail("Allow dynamodb:DescribeTable on it.", "%s could not be read (%v)", name, f.Ledger.Err)
	case t.Status != "ACTIVE":
		return fail("Wait until it is ACTIVE.", "%s is %s", name, t.Status)
	case !slices.Equal(t.Keys, []Key{{"stagingSub", "S"}}):
		return fail("Make it with the key stagingSub (S) alone.", "the key of %s is %s", name, keyText(t.Keys))
	}
	return ok("%s, key stagingSub", name)
}

// keys: rows keep their key but for the owner, so both ends must have the same.
func keys(t TablePair) verdict {
	for _, end := range []struct {
		name string
		Seen[Table]
	}{{t.Source, t.From}, {t.Target, t.To}} {
		switch {
		case errors.Is(end.Err, ErrMissing):
			return fail("Check MIGRATION_TABLES, or make the table (Spaceport's own in production: make deploy-production CreateTables=yes).", "there is no table %s", end.name)
		case end.Err != nil:
			return fail("Allow dynamodb:DescribeTable on it.", "%s could not be read (%v)", end.name, end.Err)
		case end.Value.Status != "ACTIVE" && end.Value.Status != "UPDATING":
			return fail("Wait until it is ACTIVE.", "%s is %s", end.name, end.Value.Status)
		case len(end.Value.Keys) == 0 || end.Value.Keys[0] != Key{t.OwnerKey, "S"}:
			return fail("Set its ownerKey in MIGRATION_TABLES to the partition key that holds the user's id.",
				"the key of %s is %s, not %s (S) first", end.name, keyText(end.Value.Keys), t.OwnerKey)
		}
	}
	if !slices.Equal(t.From.Value.Keys, t.To.Value.Keys) {
		return fail("Make the production table with staging's key.", "%s has the key %s, %s has %s",
			t.Source, keyText(t.From.Value.Keys), t.Target, keyText(t.To.Value.Keys))
	}
	return ok("%s and %s: %s", t.Source, t.Target, keyText(t.To.Value.Keys))
}

func keyText(keys []Key) string {
	var parts []string
	for _, k := range keys {
		parts = append(parts, k.Name+" ("+k.Type+")")
	}
	return strings.Join(parts, ", ")
}

// streams: every row that arrives is an event to whoever reads the stream.
func streams(t TablePair) verdict {
	switch {
	case t.To.Err != nil:
		return unseen("See above.", fmt.Errorf("%s: %w", t.Target, t.To.Err))
	case t.To.Value.Stream:
		return warn("Make sure that its readers can bear every row that moves, and send nobody an e-mail for it.",
			"%s has a stream", t.Target)
	}
	return ok("%s has none", t.Target)
}

// timeToLive: old rows that move may be deleted within days.
func timeToLive(t TablePair) verdict {
	if t.To.Err != nil {
		return unseen("See above.", fmt.Errorf("%s: %w", t.Target, t.To.Err))
	}
	switch ttl := t.To.Value.TimeToLive; {
	case ttl.Err != nil:
		return warn("Allow dynamodb:DescribeTimeToLive, or look yourself.",
			"that of %s could not be looked at (%v)", t.Target, ttl.Err)
	case ttl.Value != "":
		return warn("Make sure that staging's rows bear none that has passed.",
			"%s deletes rows whose %s has passed", t.Target, ttl.Value)
	}
	return ok("%s deletes no rows by itself", t.Target)
}

// files: references move, the files that they name do not.
func files(t TablePair) verdict {
	s := t.Sample.Value
	if t.Sample.Err != nil {
		return warn("Allow dynamodb:Scan in staging, or look yourself: references move, files do not.",
			"the rows of %s could not be looked at (%v)", t.Source, t.Sample.Err)
	}
	looked := fmt.Sprintf("in %s of %s", quantity(s.Rows, "row", "rows"), t.Source)
	if s.All {
		looked = fmt.Sprintf("in the %s of %s", quantity(s.Rows, "row", "rows"), t.Source)
	}
	if len(s.Buckets) == 0 {
		return ok("%s no S3 bucket is named", looked)
	}
	var named []string
	for _, bucket := range slices.Sorted(maps.Keys(s.Buckets)) {
		named = append(named, fmt.Sprintf("%s (%s)", bucket, quantity(s.Buckets[bucket], "row", "rows")))
	}
	return warn("References move, files do not: the buckets must outlive staging and be readable from production.",
		"%s S3 buckets are named: %s", looked, strings.Join(named, ", "))
}

// protection is a note: what stands between a slip and the loss of what came over.
func protection(f Facts) verdict {
	tables := []Seen[Table]{f.Ledger}
	for _, t := range f.Tables {
		tables = append(tables, t.To)
	}
	var notes []string
	for _, t := range tables {
		if t.Err == nil {
			notes = append(notes, t.Value.protection())
		}
	}
	return ok("%s", strings.Join(notes, "; "))
}

func (t Table) protection() string {
	recovery := "point-in-time recovery off"
	switch {
	case t.Recovery.Err != nil:
		recovery = "point-in-time recovery unknown"
	case t.Recovery.Value:
		recovery = "point-in-time recovery on"
	}
	deletion := "deletion protection off"
	if t.Protected {
		deletion = "deletion protection on"
	}
	return t.Name + ": " + recovery + ", " + deletion
}
