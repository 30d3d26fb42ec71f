package bench

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"github.com/spaceport/user-migration/datamover/ledger"
)

// generatedPool is both accounts with any number of users, each with a profile and two projects. It generates every
// user, record and row from the user's index, keeps nothing and takes no writes.
type generatedPool struct {
	users, migrated     int                 // migrated is 0 or all of them
	staging, production string              // JSON of a user, see pattern
	rows                map[string][]string // table → JSON of a user's rows
	calls               atomic.Int64
}

const (
	scanPage         = 1000 // rows of a Scan: 1 MB of projects ("Amazon DynamoDB API reference, Scan")
	groupOf          = 10   // one user of so many is in the group
	stagingPoolID    = "us-east-1_staging"
	productionPoolID = "us-east-1_production"
)

// newGeneratedPool has that many users, of whom none or all are migrated.
func newGeneratedPool(users, migrated int) (*generatedPool, error) {
	u := testUser(0)
	record := ledger.NewRecord(u.stagingSub, u.stagingSub, u.email, ledger.SignIn, time.Now().Add(-time.Hour))
	record.State, record.ProductionSub, record.MovedAt = ledger.Moved, u.productionSub, record.ImportedAt
	record.Copied = map[string]int{productionProfiles: 1, productionProjects: someProjects}
	inLedger, err := recordOf(record)
	if err != nil {
		return nil, err
	}
	own := user{stagingSub: u.productionSub, email: u.email} // a profile and projects under the new id
	p := &generatedPool{users: users, migrated: migrated, rows: map[string][]string{}}
	for table, rows := range map[string][]row{
		ledgerTable: {inLedger}, stagingProfiles: {profileOf(u)}, productionProfiles: {profileOf(own)},
		stagingProjects:    projectsOf(u.stagingSub, someProjects),
		productionProjects: projectsOf(u.productionSub, someProjects),
	} {
		for _, r := range rows {
			raw, err := attributevalue.MarshalMapJSON(r)
			if err != nil {
				return nil, err
			}
			p.rows[table] = append(p.rows[table], pattern(raw))
		}
	}
	staging, _ := json.Marshal(cognitoUser("Attributes", u.stagingSub, u.email)) // strings and numbers
	production, _ := json.Marshal(cognitoUser("Attributes", u.productionSub, u.email, "custom:staging_sub", u.stagingSub))
	p.staging, p.production = pattern(staging), pattern(production)
	return p, nil
}

// pattern is the JSON of what belongs to user 0, with verbs for the index of any other.
func pattern(raw []byte) string {
	return strings.NewReplacer("%", "%%", "000000000000", "%012[1]d", "user-0@", "user-%[1]d@").Replace(string(raw))
}

func generate(pattern string, i int) json.RawMessage { return fmt.Appendf(nil, pattern, i) }

// poolCall is the part of a call that is read.
type poolCall struct {
	rowCall
	RequestItems                                             map[string]struct{ Keys []item }
	UserPoolId, PaginationToken, NextToken, Filter, Username string
}

var poolOperations = map[string]func(*generatedPool, poolCall) object{
	"DescribeUserPool": (*generatedPool).describe, "ListUsers": (*generatedPool).list,
	"AdminGetUser": (*generatedPool).user,
	"ListGroups":   (*generatedPool).groups, "ListUsersInGroup": (*generatedPool).members,
	"DescribeTable": (*generatedPool).describeTable, "Scan": (*generatedPool).scan, "Query": (*generatedPool).query,
	"GetItem": (*generatedPool).get, "BatchGetItem": (*generatedPool).batchGet,
	"DescribeTimeToLive": func(*generatedPool, poolCall) object { return noTimeToLive },
}

// ServeHTTP answers as STS, Cognito or DynamoDB would. A write is rejected.
func (p *generatedPool) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.calls.Add(1)
	_, name, known := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if !known {
		assumeRole(w, r)
		return
	}
	var in poolCall
	err := json.NewDecoder(r.Body).Decode(&in)
	operation := poolOperations[name]
	if err != nil || operation == nil {
		answer(w, http.StatusBadRequest, object{"__type": "AccessDeniedException", "message": name + " is not expected"})
		return
	}
	if out := operation(p, in); out != nil {
		answer(w, http.StatusOK, out)
		return
	}
	answer(w, http.StatusBadRequest, object{"__type": "UserNotFoundException"})
}

// of returns how many users the pool of a call has, and the JSON of one.
func (p *generatedPool) of(in poolCall) (users int, pattern string) {
	if in.UserPoolId == stagingPoolID {
		return p.users, p.staging
	}
	return p.migrated, p.production
}

func (p *generatedPool) describe(in poolCall) object {
	users, _ := p.of(in)
	return object{"UserPool": object{
		"Id": in.UserPoolId, "Name": "Spaceport", "EstimatedNumberOfUsers": users, "UsernameAttributes": []string{"email"},
		"UsernameConfiguration": object{"CaseSensitive": false}, "MfaConfiguration": "OFF",
		"EmailConfiguration": object{"EmailSendingAccount": "DEVELOPER"},
		"SchemaAttributes":   []object{{"Name": "custom:staging_sub", "AttributeDataType": "String"}},
	}}
}

// list pages through the users in the order of their index, or finds one by email or sub.
func (p *generatedPool) list(in poolCall) object {
	users, pattern := p.of(in)
	if _, value, filtered := strings.Cut(in.Filter, `"`); filtered {
		found := []json.RawMessage{}
		if i := indexOf(strings.TrimSuffix(value, `"`)); i < users {
			found = append(found, generate(pattern, i))
		}
		return object{"Users": found}
	}
	return page(pattern, users, 1, in.Limit, in.PaginationToken, "PaginationToken")
}

// page is every step-th user after a token, which is an index. Its successor is named next.
func page(pattern string, users, step, limit int, token, next string) object {
	i, _ := strconv.Atoi(token) // "" is the beginning
	found := []json.RawMessage{}
	for ; i < users && len(found) < limit; i += step {
		found = append(found, generate(pattern, i))
	}
	out := object{"Users": found}
	if i < users {
		out[next] = strconv.Itoa(i)
	}
	return out
}

func (p *generatedPool) user(in poolCall) object {
	users, pattern := p.of(in)
	i := indexOf(in.Username)
	if i >= users {
		return nil
	}
	out := object{}
	_ = json.Unmarshal(generate(pattern, i), &out) // is JSON
	out["UserAttributes"] = out["Attributes"]
	return out
}

func (p *generatedPool) groups(poolCall) object {
	return object{"Groups": []object{{"GroupName": "pilots"}}}
}

func (p *generatedPool) members(in poolCall) object {
	users, pattern := p.of(in)
	return page(pattern, users, groupOf, in.Limit, in.NextToken, "NextToken")
}

// size returns how many users have rows in a table.
func (p *generatedPool) size(table string) int {
	if table == stagingProfiles || table == stagingProjects {
		return p.users
	}
	return p.migrated
}

func (p *generatedPool) describeTable(in poolCall) object {
	return described(in.TableName, p.size(in.TableName)*len(p.rows[in.TableName]))
}

// scan pages through a table. As in DynamoDB, its order is not that of the pool, and another one in production.
func (p *generatedPool) scan(in poolCall) object {
	rows, users, step := p.rows[in.TableName], p.size(in.TableName), 7919 // a prime, so that every index comes once
	if strings.HasSuffix(in.TableName, "-prod") && in.TableName != ledgerTable {
		step = 104729
	}
	var last struct{ N string }
	_ = json.Unmarshal(in.ExclusiveStartKey["position"], &last) // fails at the beginning
	first, _ := strconv.Atoi(last.N)
	end := min(first+scanPage, users*len(rows))
	items := []json.RawMessage{}
	for i := first; i < end; i++ {
		items = append(items, generate(rows[i%len(rows)], i/len(rows)*step%users))
	}
	out := object{"Items": items, "Count": len(items)}
	if end < users*len(rows) {
		out["LastEvaluatedKey"] = object{"position": object{"N": strconv.Itoa(end)}}
	}
	return out
}

// query returns an owner's rows.
func (p *generatedPool) query(in poolCall) object {
	items := []json.RawMessage{}
	for _, owner := range in.Values { // the only one
		for kind := range p.rows[in.TableName] {
			items = append(items, p.find(in.TableName, numberIn(owner), kind)...)
		}
	}
	return object{"Items": items, "Count": len(items)}
}

func (p *generatedPool) get(in poolCall) object {
	for _, found := range p.byKey(in.TableName, in.Key) {
		return object{"Item": found}
	}
	return object{}
}

func (p *generatedPool) batchGet(in poolCall) object {
	found := map[string][]json.RawMessage{}
	for table, of := range in.RequestItems {
		for _, key := range of.Keys {
			found[table] = append(found[table], p.byKey(table, key)...)
		}
	}
	return object{"Responses": found, "UnprocessedKeys": object{}}
}

// byKey returns the row with a key, or none.
func (p *generatedPool) byKey(table string, key item) []json.RawMessage {
	kind, keys := 0, tableKeys[table]
	if len(keys) > 1 {
		kind = numberIn(key[keys[1]])
	}
	return p.find(table, numberIn(key[keys[0]]), kind)
}

func (p *generatedPool) find(table string, user, kind int) []json.RawMessage {
	if user >= p.size(table) || kind >= len(p.rows[table]) {
		return nil
	}
	return []json.RawMessage{generate(p.rows[table][kind], user)}
}

// numberIn is the index in a sub or in the name of a project.
func numberIn(raw json.RawMessage) int {
	var value text
	_ = json.Unmarshal(raw, &value) // of the SDK
	return indexOf(value.S)
}
