package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/settings"
)

// TablePair is a table whose rows are copied: staging's and production's.
type TablePair struct {
	settings.Table
	From, To   Fact[types.TableDescription]
	Queried    error                             // of a query of From
	Sample     Fact[Sample]                      // of From
	TimeToLive Fact[types.TimeToLiveDescription] // of To
}

func (c checker) tables(f Facts) {
	table, key, want := f.Settings.LedgerTable, keyOf(f.Ledger.Value), "stagingSub (S)"
	v := vars{"table": table, "key": key, "want": want, "error": f.Ledger.Err, "status": f.Ledger.Value.TableStatus,
		"region": f.ProductionRegion, "account": aws.ToString(f.Operator.Account)}
	c.check("tables: ledger", v, append(unusable(f.Ledger), when{"key", key != want})...)
	for _, t := range f.Tables {
		c.keys(t, f)
		c.table(t)
		c.rows(t, f.Users.Err)
	}
}

// unusable are the cases in which no row of a table can be read or written.
func unusable(t Fact[types.TableDescription]) []when {
	active := t.Value.TableStatus == types.TableStatusActive || t.Value.TableStatus == types.TableStatusUpdating
	return []when{{"missing", errors.Is(t.Err, errNotFound)}, {"unread", t.Err != nil}, {"not active", !active}}
}

func (c checker) keys(t TablePair, f Facts) {
	bad, table, region, account := t.From, t.Source, f.StagingRegion, f.StagingAccount.Value
	if !slices.ContainsFunc(unusable(t.From), when.is) {
		bad, table, region, account = t.To, t.Target, f.ProductionRegion, aws.ToString(f.Operator.Account)
	}
	from, to, owner := keyOf(t.From.Value), keyOf(t.To.Value), t.OwnerKey+" (S)"
	v := vars{"table": table, "region": region, "account": account, "status": bad.Value.TableStatus, "error": bad.Err,
		"owner": owner, "source": t.Source, "target": t.Target, "sourceKey": from, "targetKey": to, "queryError": t.Queried}
	c.check("tables: keys", v, append(unusable(bad), when{"owner", !strings.HasPrefix(from+",", owner+",")},
		when{"differ", from != to}, when{"rows unread", t.Queried != nil})...)
}

func (c checker) table(t TablePair) {
	stream := cmp.Or(t.To.Value.StreamSpecification, &types.StreamSpecification{})
	c.check("tables: streams", vars{"table": t.Target, "error": t.To.Err},
		when{"unread", t.To.Err != nil}, when{"on", aws.ToBool(stream.StreamEnabled)})

	ttl, err := t.TimeToLive.Value, t.TimeToLive.Err
	on := ttl.TimeToLiveStatus == types.TimeToLiveStatusEnabled || ttl.TimeToLiveStatus == types.TimeToLiveStatusEnabling
	v := vars{"table": t.Target, "error": cmp.Or(t.To.Err, err), "attribute": aws.ToString(ttl.AttributeName)}
	c.check("tables: time to live", v, when{"unread", t.To.Err != nil || err != nil}, when{"on", on})
}

func (c checker) rows(t TablePair, usersErr error) {
	s, unread := t.Sample.Value, when{"unread", t.Sample.Err != nil}
	unknown := slices.Sorted(maps.Keys(s.Unknown))
	v := vars{"table": t.Source, "target": t.Target, "owner": t.OwnerKey, "error": t.Sample.Err,
		"rows": console.Quantity(s.Rows, "row", "rows"), "expired": console.Quantity(s.Expired, "row is", "rows are"),
		"buckets": listCounts(s.Buckets, "row", "rows"), "indexes": listCounts(s.Rejected, "row", "rows"), "key": s.Example,
		"unknown": console.Count(len(unknown)), "all": console.Quantity(s.Owners, "value", "values"),
		"examples": console.List(unknown[:min(2, len(unknown))])}
	c.needs(usersErr).check("tables: owners", v, unread, when{"empty", s.Owners == 0},
		when{"none", len(unknown) == s.Owners}, when{"some", len(unknown) > 0})
	c.check("tables: indexes", v, unread, when{"rejected", len(s.Rejected) > 0})
	c.check("tables: expired rows", v, unread, when{"some", s.Expired > 0})
	v["attributes"] = listCounts(s.Inside, "row", "rows")
	c.check("tables: old ids", v, unread, when{"some", len(s.Inside) > 0})
	c.check("tables: files", v, unread, when{"some", len(s.Buckets) > 0})
}

// keyOf returns a table's key as "userSub (S), projectId (S)". The partition key is the first.
func keyOf(t types.TableDescription) string {
	return describeKey(t, func(name string) string { return fmt.Sprintf("%s (%s)", name, typeOf(t, name)) })
}

func describeKey(t types.TableDescription, describe func(name string) string) string {
	var parts []string
	for _, k := range t.KeySchema {
		parts = append(parts, describe(*k.AttributeName))
	}
	return strings.Join(parts, ", ")
}

func typeOf(t types.TableDescription, name string) types.ScalarAttributeType {
	is := func(a types.AttributeDefinition) bool { return *a.AttributeName == name }
	return first(t.AttributeDefinitions, is).AttributeType
}

// Sample is what the rows of some owners in a source table show.
type Sample struct {
	Owners, Rows, Expired int             // a move leaves expired rows behind: they are past their time to live
	Unknown               map[string]bool // owner keys that are no user's sub
	Buckets               map[string]int  // S3 bucket → rows that refer to it
	Inside                map[string]int  // attribute → rows that hold their owner's id as a part of a longer value
	Rejected              map[string]int  // key of an index of the target → rows that DynamoDB rejects because of it
	Example               string          // the key of one of these
}

// sample reads the rows of a hundred owners as a move does, a page of each.
func (t TablePair) sample(ctx context.Context, store *rows.Store) (Sample, error) {
	s, scanned := Sample{
		Unknown:  map[string]bool{},
		Buckets:  map[string]int{},
		Inside:   map[string]int{},
		Rejected: map[string]int{},
	}, 0
	for row, err := range store.Scan(ctx, t.Source) {
		if scanned++; err != nil || scanned > 10_000 || s.Owners == 100 {
			return s, err
		}
		owner := row.Text(t.OwnerKey)
		if s.Unknown[owner] {
			continue
		}
		page, err := store.Query(ctx, t.Table, owner, "")
		if err != nil {
			return s, err
		}
		s.Owners, s.Unknown[owner] = s.Owners+1, true
		s.Rows, s.Expired = s.Rows+len(page.Rows)+page.Expired, s.Expired+page.Expired
		for _, row := range page.Rows {
			s.add(t, row)
		}
	}
	return s, nil
}

// add counts the buckets of a row, and the index keys that it does not fit: an attribute has another type, is empty, or
// is too long. A row without the attribute is only not in the index ("Amazon DynamoDB developer guide, Detecting and
// correcting index key violations").
func (s *Sample) add(t TablePair, row rows.Row) {
	for _, name := range row.Containing(row.Text(t.OwnerKey)) {
		s.Inside[name]++
	}
	text, _ := attributevalue.MarshalMapJSON(row) // fails for types that DynamoDB does not have yet
	for bucket := range bucketsIn(string(text)) {
		s.Buckets[bucket]++
	}
	indexes := slices.Clone(t.To.Value.GlobalSecondaryIndexes)
	for _, i := range t.To.Value.LocalSecondaryIndexes {
		indexes = append(indexes, types.GlobalSecondaryIndexDescription{IndexName: i.IndexName, KeySchema: i.KeySchema})
	}
	for _, i := range indexes {
		for _, k := range i.KeySchema {
			name := *k.AttributeName
			text, want := row.Text(name), typeOf(t.To.Value, name)
			same := strings.HasSuffix(fmt.Sprintf("%T", row[name]), "Member"+string(want))
			if row[name] != nil && (!same || text == "" || want == "S" && len(text) > longest[k.KeyType]) {
				s.Rejected[fmt.Sprintf("index %s, %s (%s)", *i.IndexName, name, want)]++
				s.Example = describeKey(t.From.Value, func(key string) string { return key + "=" + row.Text(key) })
			}
		}
	}
}

// longest is how many bytes a key attribute can have.
var longest = map[types.KeyType]int{types.KeyTypeHash: 2048, types.KeyTypeRange: 1024}

// bucketPattern matches a bucket in a URL or ARN ("Amazon S3 user guide, Methods for accessing a bucket").
var bucketPattern = regexp.MustCompile(`\b(?:(?:s3a?://|arn:aws[a-z-]*:s3:::|https?://s3` + s3Host + `/)` + bucketName +
	`|https?://` + bucketName + `\.s3(?:-accelerate)?` + s3Host + `)`)

const bucketName, s3Host = `([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])`, `(?:[.-](?:dualstack\.)?[a-z0-9-]+)?\.amazonaws\.com\b`

func bucketsIn(text string) map[string]bool {
	found := map[string]bool{}
	for _, match := range bucketPattern.FindAllStringSubmatch(text, -1) {
		found[match[1]+match[2]] = true
	}
	return found
}
