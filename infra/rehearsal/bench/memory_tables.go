package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// memoryTables replaces DynamoDB during a sweep: rows and ledger are kept in this process. moto would need 40 ms of
// Python for the rows and the ledger record of one user. It supports the expressions that the mover and the ledger
// write, and rejects any other; operations that are not on rows are forwarded to the cloud.
type memoryTables struct {
	cloud http.Handler

	mu   sync.Mutex
	rows map[string]map[string]map[string]item // table → partition → sort key → row
}

// item is a row in DynamoDB's JSON.
type item = map[string]json.RawMessage

// tableKeys are the partition key and the sort key of Spaceport's tables.
var tableKeys = map[string][]string{
	ledgerTable:        {"stagingSub"},
	stagingProfiles:    {"id"},
	productionProfiles: {"id"},
	stagingProjects:    {"userSub", "projectId"},
	productionProjects: {"userSub", "projectId"},
}

func newMemoryTables(cloud string) (*memoryTables, error) {
	address, err := url.Parse(cloud)
	if err != nil {
		return nil, err
	}
	return &memoryTables{
		cloud: httputil.NewSingleHostReverseProxy(address),
		rows:  map[string]map[string]map[string]item{},
	}, nil
}

// insert puts a row, and replaces an existing one.
func (t *memoryTables) insert(table string, r row) error {
	raw, err := json.Marshal(wire(r))
	if err != nil {
		return err
	}
	var i item
	if err := json.Unmarshal(raw, &i); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.set(table, i)
	return nil
}

// addRows gives a staging user a profile and projects.
func (t *memoryTables) addRows(u user, projects int) error {
	err := t.insert(stagingProfiles, profileOf(u))
	for _, project := range projectsOf(u.stagingSub, projects) {
		err = errors.Join(err, t.insert(stagingProjects, project))
	}
	return err
}

// rowsOf is an owner's rows in the order of the table.
func (t *memoryTables) rowsOf(table, owner string) []item {
	t.mu.Lock()
	defer t.mu.Unlock()
	partition := t.rows[table][string(wireText(owner))]
	var rows []item
	for _, key := range slices.Sorted(maps.Keys(partition)) {
		rows = append(rows, partition[key])
	}
	return rows
}

func wireText(s string) json.RawMessage {
	raw, _ := json.Marshal(object{"S": s}) // a string
	return raw
}

func place(table string, key item) (partition, sort string) {
	keys := tableKeys[table]
	partition = string(key[keys[0]])
	if len(keys) > 1 {
		sort = string(key[keys[1]])
	}
	return partition, sort
}

func (t *memoryTables) at(table string, key item) item {
	partition, sort := place(table, key)
	return t.rows[table][partition][sort]
}

func (t *memoryTables) set(table string, i item) {
	partition, sort := place(table, i)
	if t.rows[table] == nil {
		t.rows[table] = map[string]map[string]item{}
	}
	if t.rows[table][partition] == nil {
		t.rows[table][partition] = map[string]item{}
	}
	t.rows[table][partition][sort] = i
}

// rowCall is the part of an operation on rows that is read.
type rowCall struct {
	TableName                           string
	Key, Item                           item
	Limit                               int
	ExclusiveStartKey                   item
	KeyConditionExpression              string
	UpdateExpression                    string
	ConditionExpression                 string
	ReturnValuesOnConditionCheckFailure string
	Names                               map[string]string `json:"ExpressionAttributeNames"`
	Values                              item              `json:"ExpressionAttributeValues"`
}

var rowOperations = map[string]func(*memoryTables, rowCall) (object, error){
	"GetItem": (*memoryTables).get, "PutItem": (*memoryTables).put, "UpdateItem": (*memoryTables).update,
	"Query": (*memoryTables).query, "DescribeTimeToLive": (*memoryTables).describeTimeToLive,
	"DescribeTable": (*memoryTables).describeTable,
}

// ServeHTTP answers as DynamoDB would ("Amazon DynamoDB API reference").
func (t *memoryTables) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has disconnected
	}
	_, name, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	operation := rowOperations[name]
	if operation == nil {
		r.Body = io.NopCloser(bytes.NewReader(body))
		t.cloud.ServeHTTP(w, r)
		return
	}
	var in rowCall
	err = json.Unmarshal(body, &in)
	if err == nil && tableKeys[in.TableName] == nil {
		err = errUnknown
	}
	var out object
	if err == nil {
		out, err = t.locked(operation, in)
	}
	if err != nil {
		out = object{"__type": "com.amazonaws.dynamodb.v20120810#ValidationException", "message": err.Error()}
		var no *conditionFailed
		if errors.As(err, &no) {
			out = object{"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "Item": no.item}
		}
		answer(w, http.StatusBadRequest, out)
		return
	}
	answer(w, http.StatusOK, out)
}

func (t *memoryTables) locked(operation func(*memoryTables, rowCall) (object, error), in rowCall) (object, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return operation(t, in)
}

// errUnknown rejects what this fake does not support.
var errUnknown = errors.New("unknown table or expression")

// conditionFailed has the existing row, if it was requested.
type conditionFailed struct{ item item }

func (e *conditionFailed) Error() string { return "The conditional request failed" }

func (t *memoryTables) describeTimeToLive(rowCall) (object, error) { return noTimeToLive, nil }

func (t *memoryTables) describeTable(in rowCall) (object, error) {
	return described(in.TableName, 0), nil
}

func described(table string, rows int) object {
	var schema []object
	for i, name := range tableKeys[table] {
		schema = append(schema, object{"AttributeName": name, "KeyType": []string{"HASH", "RANGE"}[i]})
	}
	return object{"Table": object{"TableName": table, "KeySchema": schema, "ItemCount": rows}}
}

var noTimeToLive = object{"TimeToLiveDescription": object{"TimeToLiveStatus": "DISABLED"}}

func (t *memoryTables) get(in rowCall) (object, error) {
	if have := t.at(in.TableName, in.Key); have != nil {
		return object{"Item": have}, nil
	}
	return object{}, nil
}

func (t *memoryTables) put(in rowCall) (object, error) {
	if err := in.allowed(t.at(in.TableName, in.Item)); err != nil {
		return nil, err
	}
	t.set(in.TableName, in.Item)
	return object{}, nil
}

func (t *memoryTables) update(in rowCall) (object, error) {
	have := t.at(in.TableName, in.Key)
	if err := in.allowed(have); err != nil {
		return nil, err
	}
	changed := maps.Clone(in.Key)
	maps.Copy(changed, have)
	if err := in.change(changed); err != nil {
		return nil, err
	}
	t.set(in.TableName, changed)
	return object{"Attributes": changed}, nil
}

// query returns all rows of a partition at once. Users with more than a page are not for a benchmark of many users.
func (t *memoryTables) query(in rowCall) (object, error) {
	name, value, _ := strings.Cut(in.KeyConditionExpression, " = ")
	if in.name(name) != tableKeys[in.TableName][0] || in.Values[value] == nil || in.ExclusiveStartKey != nil {
		return nil, errUnknown
	}
	partition := t.rows[in.TableName][string(in.Values[value])]
	if len(partition) > in.Limit {
		return nil, errUnknown
	}
	items := make([]item, 0, len(partition))
	for _, key := range slices.Sorted(maps.Keys(partition)) {
		items = append(items, partition[key])
	}
	return object{"Items": items}, nil
}

func (in rowCall) name(written string) string {
	if name, ok := in.Names[written]; ok {
		return name
	}
	return written
}

// allowed evaluates the condition: clauses of which all must be true. One can be two clauses with OR.
func (in rowCall) allowed(have item) error {
	for clause := range strings.SplitSeq(in.ConditionExpression, " AND ") {
		met, err := in.meets(clause, have)
		if err != nil {
			return err
		}
		if !met {
			no := &conditionFailed{}
			if in.ReturnValuesOnConditionCheckFailure == "ALL_OLD" {
				no.item = have
			}
			return no
		}
	}
	return nil
}

func (in rowCall) meets(clause string, have item) (bool, error) {
	if either, or, ok := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(clause, "("), ")"), " OR "); ok {
		one, err := in.meets(either, have)
		other, errOther := in.meets(or, have)
		return one || other, errors.Join(err, errOther)
	}
	if name, ok := argument(clause, "attribute_exists"); ok {
		return have[in.name(name)] != nil, nil
	}
	if name, ok := argument(clause, "attribute_not_exists"); ok {
		return have[in.name(name)] == nil, nil
	}
	if name, values, ok := strings.Cut(clause, " IN "); ok {
		return slices.ContainsFunc(strings.Split(strings.Trim(values, "()"), ", "), func(value string) bool {
			return bytes.Equal(have[in.name(name)], in.Values[value])
		}), nil
	}
	if name, value, ok := strings.Cut(clause, " <= "); ok && in.Values[value] != nil { // of texts
		return bytes.Compare(have[in.name(name)], in.Values[value]) <= 0, nil
	}
	name, value, ok := strings.Cut(clause, " = ")
	if !ok || in.Values[value] == nil {
		return false, errUnknown
	}
	return bytes.Equal(have[in.name(name)], in.Values[value]), nil
}

func argument(clause, function string) (name string, ok bool) {
	inside, ok := strings.CutPrefix(clause, function+"(")
	return strings.TrimSuffix(inside, ")"), ok
}

// change applies SET a = :a, … REMOVE b, …
func (in rowCall) change(i item) error {
	set, remove, removes := strings.Cut(" "+in.UpdateExpression, " REMOVE ")
	set, sets := strings.CutPrefix(set, " SET ")
	if !sets && !removes {
		return errUnknown
	}
	if !sets {
		set = ""
	}
	for _, part := range strings.Fields(strings.ReplaceAll(set, " = ", "=")) {
		name, value, _ := strings.Cut(strings.TrimSuffix(part, ","), "=")
		if in.Values[value] == nil {
			return errUnknown
		}
		i[in.name(name)] = in.Values[value]
	}
	if removes {
		for name := range strings.SplitSeq(remove, ", ") {
			delete(i, in.name(name))
		}
	}
	return nil
}
