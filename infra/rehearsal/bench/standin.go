package bench

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// standIn answers as STS, Cognito and DynamoDB of both accounts would, at once and from memory, where moto is too slow
// to measure against. It generates users, each with a profile and projects, from their index, and keeps only what is
// written. What it does not support is an error.
type standIn struct {
	mu       sync.Mutex
	users    int                        // in both pools
	projects int                        // of each
	migrated bool                       // production's tables and the ledger have everything already
	empty    bool                       // production has no user
	written  map[string]map[string]item // table → key → row
	calls    map[string]int             // by operation and table
}

// The pools' ids.
const (
	stagingPool    = "us-east-1_staging"
	productionPool = "us-east-1_production"
)

func newStandIn(users, projects int) *standIn {
	s := &standIn{}
	s.resize(users, projects)
	return s
}

// resize has other users, and forgets what was written and called.
func (s *standIn) resize(users, projects int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users, s.projects, s.written, s.calls = users, projects, map[string]map[string]item{}, map[string]int{}
}

// standInCall is the part of a call that is read.
type standInCall struct {
	rowCall
	UserPoolId, PaginationToken, NextToken, Filter, Username string
	AuthParameters                                           struct{ USERNAME string }
}

var standInOperations = map[string]func(*standIn, standInCall) (any, error){
	"AdminInitiateAuth": (*standIn).signIn, "AdminGetUser": (*standIn).getUser,
	"DescribeUserPool": (*standIn).describeUserPool, "ListUsers": (*standIn).listUsers,
	"ListGroups": (*standIn).listGroups, "ListUsersInGroup": (*standIn).listUsersInGroup,

	"GetItem": (*standIn).getItem, "BatchGetItem": (*standIn).batchGetItem, "PutItem": (*standIn).putItem,
	"UpdateItem": (*standIn).updateItem, "Query": (*standIn).query, "Scan": (*standIn).scan,
	"DescribeTable": (*standIn).describeTable, "DescribeTimeToLive": (*standIn).describeTimeToLive,
}

var errUserNotFound = errors.New("user not found")

// ServeHTTP answers as the services do ("Amazon DynamoDB API reference", "Amazon Cognito user pools API reference").
func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, name, known := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if !known {
		s.count("AssumeRole")
		assumeRole(w)
		return
	}
	var in standInCall
	err := json.NewDecoder(r.Body).Decode(&in)
	s.count(strings.TrimSpace(name + " " + in.TableName))
	operation := standInOperations[name]
	if operation == nil || in.TableName != "" && tableKeys[in.TableName] == nil {
		err = errUnknown
	}
	var out any
	if err == nil {
		s.mu.Lock()
		out, err = operation(s, in)
		s.mu.Unlock()
	}
	if err != nil {
		answer(w, http.StatusBadRequest, errorOf(err))
		return
	}
	answer(w, http.StatusOK, out)
}

func errorOf(err error) object {
	var failed *conditionFailed
	switch {
	case errors.As(err, &failed):
		return object{"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "Item": failed.item}
	case errors.Is(err, errUserNotFound):
		return object{"__type": "UserNotFoundException"}
	}
	return object{"__type": "ValidationException", "message": err.Error()}
}

func answer(w http.ResponseWriter, status int, body any) {
	text, _ := json.Marshal(body) // strings, numbers and JSON
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(text)), 10)) // the SDK checks it
	w.WriteHeader(status)
	_, _ = w.Write(text) // the client may have disconnected
}

func (s *standIn) count(call string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[call]++
}

// takeCalls returns the calls since it was last called.
func (s *standIn) takeCalls() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := maps.Clone(s.calls)
	clear(s.calls)
	return calls
}

// moved returns an error unless so many users are moved, each with all rows, and nothing is left to do.
func (s *standIn) moved(users int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	records := s.written[ledgerTable]
	for _, record := range records {
		if text(record["state"]) != "moved" || record["movingUntil"] != nil || record["cursor"] != nil {
			return fmt.Errorf("ledger record %s", record)
		}
	}
	profiles, projects := len(s.written[productionProfiles]), len(s.written[productionProjects])
	if len(records) != users || profiles != users || projects != users*s.projects {
		return fmt.Errorf("%d records, %d profiles and %d projects of %d users", len(records), profiles, projects, users)
	}
	return nil
}

func assumeRole(w http.ResponseWriter) {
	fmt.Fprintf(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>`+
		`<AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>`+
		`<Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
		time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
}

// signIn accepts any password.
func (s *standIn) signIn(in standInCall) (any, error) {
	u := testUser(indexOf(in.AuthParameters.USERNAME))
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"` + u.stagingSub + `"}`))
	return object{"AuthenticationResult": object{"AccessToken": "e30." + claims + ".s"}}, nil
}

func (s *standIn) getUser(in standInCall) (any, error) {
	i := indexOf(in.Username)
	users, pattern := s.pool(in)
	if i >= users {
		return nil, errUserNotFound
	}
	out := object{}
	_ = json.Unmarshal(fmt.Appendf(nil, pattern, i), &out) // is JSON
	out["UserAttributes"] = out["Attributes"]
	return out, nil
}

// pool returns how many users the pool of a call has, and the JSON of one by the index.
func (s *standIn) pool(in standInCall) (users int, pattern string) {
	switch {
	case in.UserPoolId == stagingPool:
		return s.users, stagingUser
	case s.empty:
		return 0, productionUser
	}
	return s.users, productionUser
}

func (s *standIn) describeUserPool(in standInCall) (any, error) {
	users, _ := s.pool(in)
	return object{"UserPool": object{
		"Id": in.UserPoolId, "Name": "Spaceport", "EstimatedNumberOfUsers": users, "UsernameAttributes": []string{"email"},
		"UsernameConfiguration": object{"CaseSensitive": false}, "MfaConfiguration": "OFF",
		"EmailConfiguration": object{"EmailSendingAccount": "DEVELOPER"},
		"SchemaAttributes":   []object{{"Name": "custom:staging_sub", "AttributeDataType": "String"}},
	}}, nil
}

// listUsers pages through the users in the order of their index, or finds one by email or sub.
func (s *standIn) listUsers(in standInCall) (any, error) {
	users, pattern := s.pool(in)
	if _, value, filtered := strings.Cut(in.Filter, `"`); filtered {
		i := indexOf(strings.TrimSuffix(value, `"`))
		return page(pattern, min(users, i+1), 1, 1, strconv.Itoa(i), ""), nil
	}
	return page(pattern, users, 1, in.Limit, in.PaginationToken, "PaginationToken"), nil
}

const groupOf = 10 // one user of so many is in the group

func (s *standIn) listGroups(standInCall) (any, error) {
	return object{"Groups": []object{{"GroupName": "pilots"}}}, nil
}

func (s *standIn) listUsersInGroup(in standInCall) (any, error) {
	users, pattern := s.pool(in)
	return page(pattern, users, groupOf, in.Limit, in.NextToken, "NextToken"), nil
}

// page is every step-th user after a token, which is an index. Its successor is named next.
func page(pattern string, users, step, limit int, token, next string) object {
	i, _ := strconv.Atoi(token) // "" is the beginning
	found := []json.RawMessage{}
	for ; i < users && len(found) < limit; i += step {
		found = append(found, fmt.Appendf(nil, pattern, i))
	}
	out := object{"Users": found}
	if i < users {
		out[next] = strconv.Itoa(i)
	}
	return out
}

// The JSON of a user in each pool and of the ledger record, with verbs for the index; and of rows, with verbs for their
// owner and the index of a project.
var (
	stagingUser    = ofIndex(cognitoUser(testUser(0).stagingSub))
	productionUser = ofIndex(cognitoUser(testUser(0).productionSub))
	ledgerRecord   = ofIndex(recordOf(testUser(0)))
	profile        = ofOwner(row{"id": &types.AttributeValueMemberS{Value: owner}})
	project        = ofOwner(spaceport.Project(owner, 0, notes))
)

type row = map[string]types.AttributeValue

const owner = "{owner}"

func ofIndex(user any) string {
	raw, _ := json.Marshal(user) // strings and numbers
	return strings.NewReplacer("%", "%%", "000000000000", "%012[1]d", "user-0@", "user-%[1]d@").Replace(string(raw))
}

func ofOwner(r row) string {
	raw, _ := attributevalue.MarshalMapJSON(r) // strings and numbers
	return strings.NewReplacer("%", "%%", owner, "%[1]s", "project-00000", "project-%05[2]d").Replace(string(raw))
}

// generate returns the k-th row of an owner.
func (s *standIn) generate(table, owner string, k int) json.RawMessage {
	switch {
	case table == ledgerTable:
		return fmt.Appendf(nil, ledgerRecord, indexOf(owner))
	case len(tableKeys[table]) > 1:
		return fmt.Appendf(nil, project, owner, k)
	}
	return fmt.Appendf(nil, profile, owner)
}

// cognitoUser is user 0 as a pool describes them.
func cognitoUser(sub string) object {
	attributes := []object{}
	for name, value := range map[string]string{
		"sub": sub, "email": testUser(0).email, "email_verified": "true", "custom:staging_sub": testUser(0).stagingSub,
	} {
		if name != "custom:staging_sub" || value != sub {
			attributes = append(attributes, object{"Name": name, "Value": value})
		}
	}
	return object{
		"Username": sub, "Enabled": true, "UserStatus": "CONFIRMED", "UserCreateDate": 1.7e9, "Attributes": attributes,
	}
}

// recordOf is the ledger record of a user who is moved, in DynamoDB's JSON.
func recordOf(u user) json.RawMessage {
	r := ledger.NewRecord(u.stagingSub, u.stagingSub, u.email, ledger.SignIn, time.Now().Add(-time.Hour))
	r.State, r.ProductionSub, r.MovedAt = ledger.Moved, u.productionSub, r.ImportedAt
	r.Copied = map[string]int{productionProfiles: 1, productionProjects: someProjects}
	inTable, _ := attributevalue.MarshalMapWithOptions(r,
		func(o *attributevalue.EncoderOptions) { o.OmitEmptyTime = true })
	raw, _ := attributevalue.MarshalMapJSON(inTable) // of strings, numbers and a map
	return raw
}
