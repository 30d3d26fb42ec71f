package bench

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// item is a row in DynamoDB's JSON.
type item = map[string]json.RawMessage

// rowCall is the part of an operation on rows that is read.
type rowCall struct {
	TableName                           string
	Key, Item                           item
	Limit                               int
	ExclusiveStartKey                   item
	UpdateExpression                    string
	ConditionExpression                 string
	ReturnValuesOnConditionCheckFailure string
	Names                               map[string]string `json:"ExpressionAttributeNames"`
	Values                              item              `json:"ExpressionAttributeValues"`
	RequestItems                        map[string]struct{ Keys []item }
}

// place is the key of a row that was written.
func place(table string, i item) (key string) {
	for _, name := range tableKeys[table] {
		key += string(i[name])
	}
	return key
}

// find returns the row with a key, nil if there is none.
func (s *standIn) find(table string, key item) any {
	if written := s.written[table][place(table, key)]; written != nil {
		return written
	}
	owner, k := text(key[tableKeys[table][0]]), 0
	if keys := tableKeys[table]; len(keys) > 1 {
		k = indexOf(text(key[keys[1]]))
	}
	if users, each := s.size(table); indexOf(owner) >= users || k >= each {
		return nil
	}
	return s.generate(table, owner, k)
}

func text(raw json.RawMessage) string {
	var value struct{ S string }
	_ = json.Unmarshal(raw, &value) // of the SDK
	return value.S
}

// size returns how many users have generated rows in a table, and how many each.
func (s *standIn) size(table string) (users, each int) {
	users, each = s.users, 1
	if !strings.HasSuffix(table, "-staging") && !s.migrated {
		users = 0
	}
	if len(tableKeys[table]) > 1 {
		each = s.projects
	}
	return users, each
}

func (s *standIn) describeTimeToLive(standInCall) (any, error) {
	return object{"TimeToLiveDescription": object{"TimeToLiveStatus": "DISABLED"}}, nil
}

func (s *standIn) describeTable(in standInCall) (any, error) {
	var schema []object
	for i, name := range tableKeys[in.TableName] {
		schema = append(schema, object{"AttributeName": name, "KeyType": []string{"HASH", "RANGE"}[i]})
	}
	users, each := s.size(in.TableName)
	return object{"Table": object{"TableName": in.TableName, "KeySchema": schema, "ItemCount": users * each}}, nil
}

func (s *standIn) getItem(in standInCall) (any, error) {
	if have := s.find(in.TableName, in.Key); have != nil {
		return object{"Item": have}, nil
	}
	return object{}, nil
}

func (s *standIn) batchGetItem(in standInCall) (any, error) {
	found := map[string][]any{}
	for table, of := range in.RequestItems {
		for _, key := range of.Keys {
			if have := s.find(table, key); have != nil {
				found[table] = append(found[table], have)
			}
		}
	}
	return object{"Responses": found, "UnprocessedKeys": object{}}, nil
}

func (s *standIn) putItem(in standInCall) (any, error) {
	return s.write(in, in.Item, func(item) (item, error) { return in.Item, nil })
}

func (s *standIn) updateItem(in standInCall) (any, error) {
	return s.write(in, in.Key, func(have item) (item, error) {
		changed := maps.Clone(in.Key)
		maps.Copy(changed, have)
		return changed, in.change(changed)
	})
}

// write replaces the row with a key if the condition allows it. Generated rows cannot be written.
func (s *standIn) write(in standInCall, key item, change func(item) (item, error)) (any, error) {
	if users, _ := s.size(in.TableName); users > 0 {
		return nil, errUnknown
	}
	have := s.written[in.TableName][place(in.TableName, key)]
	if err := in.allowed(have); err != nil {
		return nil, err
	}
	changed, err := change(have)
	if err == nil {
		if s.written[in.TableName] == nil {
			s.written[in.TableName] = map[string]item{}
		}
		s.written[in.TableName][place(in.TableName, key)] = changed
	}
	return object{"Attributes": changed}, err
}

// query returns an owner's rows, a page at a time. Every owner has rows in staging.
func (s *standIn) query(in standInCall) (any, error) {
	users, each := s.size(in.TableName)
	if users == 0 || len(in.Values) != 1 {
		return nil, errUnknown
	}
	var owner string
	for _, value := range in.Values {
		owner = text(value)
	}
	first := 0
	if in.ExclusiveStartKey != nil {
		first = indexOf(text(in.ExclusiveStartKey["projectId"])) + 1
	}
	items := []json.RawMessage{}
	for k := first; k < each && (in.Limit == 0 || len(items) < in.Limit); k++ {
		items = append(items, s.generate(in.TableName, owner, k))
	}
	out := object{"Items": items, "Count": len(items)}
	if last := first + len(items) - 1; last+1 < each {
		out["LastEvaluatedKey"] = object{
			"userSub": object{"S": owner}, "projectId": object{"S": fmt.Sprintf("project-%05d", last)},
		}
	}
	return out, nil
}

const scanPage = 1000 // rows of a Scan: 1 MB of projects ("Amazon DynamoDB API reference, Scan")

// scan pages through the generated rows. As in DynamoDB, its order is not that of the pool, and another one in
// production.
func (s *standIn) scan(in standInCall) (any, error) {
	users, each := s.size(in.TableName)
	step, sub := 7919, func(u user) string { return u.stagingSub } // a prime, so that every index comes once
	if strings.HasSuffix(in.TableName, "-prod") && in.TableName != ledgerTable {
		step, sub = 104729, func(u user) string { return u.productionSub }
	}
	var last struct{ N string }
	_ = json.Unmarshal(in.ExclusiveStartKey["position"], &last) // fails at the beginning
	first, _ := strconv.Atoi(last.N)
	end := min(first+scanPage, users*each)
	items := []json.RawMessage{}
	for i := first; i < end; i++ {
		items = append(items, s.generate(in.TableName, sub(testUser(i/each*step%users)), i%each))
	}
	out := object{"Items": items, "Count": len(items)}
	if end < users*each {
		out["LastEvaluatedKey"] = object{"position": object{"N": strconv.Itoa(end)}}
	}
	return out, nil
}
