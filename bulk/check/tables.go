package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	Buckets    Fact[Buckets]                     // of From
	TimeToLive Fact[types.TimeToLiveDescription] // of To
}

func (c checker) tables(f Facts) {
	table, key, want := f.Settings.LedgerTable, keyOf(f.Ledger.Value), "stagingSub (S)"
	v := vars{"table": table, "key": key, "want": want, "error": f.Ledger.Err, "status": f.Ledger.Value.TableStatus}
	c.check("tables: ledger", v, append(unusable(f.Ledger), when{"key", key != want})...)
	for _, t := range f.Tables {
		c.keys(t)
		c.table(t)
	}
}

// unusable are the cases in which no row of a table can be read or written.
func unusable(t Fact[types.TableDescription]) []when {
	active := t.Value.TableStatus == types.TableStatusActive || t.Value.TableStatus == types.TableStatusUpdating
	return []when{{"missing", errors.Is(t.Err, errNotFound)}, {"unread", t.Err != nil}, {"not active", !active}}
}

func (c checker) keys(t TablePair) {
	bad, table := t.From, t.Source
	if !slices.ContainsFunc(unusable(t.From), when.is) {
		bad, table = t.To, t.Target
	}
	from, to, owner := keyOf(t.From.Value), keyOf(t.To.Value), t.OwnerKey+" (S)"
	v := vars{"table": table, "status": bad.Value.TableStatus, "error": bad.Err, "owner": owner,
		"source": t.Source, "target": t.Target, "sourceKey": from, "targetKey": to, "queryError": t.Queried}
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

	found, err := t.Buckets.Value, t.Buckets.Err
	buckets, sample := listCounts(found.ByName, "row", "rows"), console.Quantity(found.Rows, "row", "rows")
	c.check("tables: files", vars{"table": t.Source, "error": err, "buckets": buckets, "rows": sample},
		when{"unread", err != nil}, when{"some", len(found.ByName) > 0})
}

// keyOf returns a table's key as "userSub (S), projectId (S)". The partition key is the first.
func keyOf(t types.TableDescription) string {
	var parts []string
	for _, k := range t.KeySchema {
		name := aws.ToString(k.AttributeName)
		a := first(t.AttributeDefinitions, func(a types.AttributeDefinition) bool { return *a.AttributeName == name })
		parts = append(parts, fmt.Sprintf("%s (%s)", name, a.AttributeType))
	}
	return strings.Join(parts, ", ")
}

// Buckets are the S3 buckets that some rows of a table refer to.
type Buckets struct {
	Rows   int            // rows looked at
	ByName map[string]int // bucket → rows that refer to it
}

// bucketPattern matches a bucket in a URL or ARN ("Amazon S3 user guide, Methods for accessing a bucket").
var bucketPattern = regexp.MustCompile(`\b(?:(?:s3a?://|arn:aws[a-z-]*:s3:::|https?://s3` + s3Host + `/)` + bucketName +
	`|https?://` + bucketName + `\.s3(?:-accelerate)?` + s3Host + `)`)

const bucketName, s3Host = `([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])`, `(?:[.-](?:dualstack\.)?[a-z0-9-]+)?\.amazonaws\.com\b`

func readBuckets(ctx context.Context, store *rows.Store, table string) (Buckets, error) {
	found := Buckets{ByName: map[string]int{}}
	for row, err := range store.Scan(ctx, table) {
		if err != nil || found.Rows == 500 {
			return found, err
		}
		text, err := attributevalue.MarshalMapJSON(row)
		if err != nil {
			return found, err
		}
		for bucket := range bucketsIn(string(text)) {
			found.ByName[bucket]++
		}
		found.Rows++
	}
	return found, nil
}

func bucketsIn(text string) map[string]bool {
	found := map[string]bool{}
	for _, match := range bucketPattern.FindAllStringSubmatch(text, -1) {
		found[match[1]+match[2]] = true
	}
	return found
}
