package bench

import (
	"bytes"
	"encoding/json"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// largeTable fakes the source and the target of one table, between the mover and the local cloud: it generates one
// owner's rows in staging, and remembers the keys of the rows that are put into production. moto would need 15 minutes
// for 50,000 rows. Everything else is forwarded to the cloud: roles, the ledger, the other table, the descriptions of
// tables.
type largeTable struct {
	mu    sync.Mutex
	cloud http.Handler
	rows  int             // in staging
	put   map[string]bool // in production, by owner and project
}

// forwardTo sets the URL of the cloud, which starts after this table.
func (t *largeTable) forwardTo(cloud string) error {
	address, err := url.Parse(cloud)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cloud = httputil.NewSingleHostReverseProxy(address)
	return nil
}

// reset gives staging that many rows, for any owner, and production none.
func (t *largeTable) reset(rows int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows, t.put = rows, map[string]bool{}
}

// copied returns how many rows of an owner are in production.
func (t *largeTable) copied(owner string) (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key := range t.put {
		if strings.HasPrefix(key, owner+"/") {
			n++
		}
	}
	return n
}

// asked is the part of a Query or PutItem that is read.
type asked struct {
	TableName         string
	Limit             int
	ExclusiveStartKey projectKey
	Item              projectKey
	Values            struct {
		Owner text `json:":owner"`
	} `json:"ExpressionAttributeValues"`
}

type projectKey struct {
	Owner   text `json:"userSub"`
	Project text `json:"projectId"`
}

type text struct{ S string }

// ServeHTTP answers as DynamoDB would ("Amazon DynamoDB API reference, Query" and "PutItem").
func (t *largeTable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the mover has disconnected
	}
	var in asked
	_ = json.Unmarshal(body, &in) // another operation is forwarded
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch operation + " " + in.TableName {
	case "Query " + stagingProjects:
		answer(w, http.StatusOK, t.page(in))
	case "DescribeTimeToLive " + stagingProjects:
		answer(w, http.StatusOK, noTimeToLive)
	case "PutItem " + productionProjects:
		t.keep(w, in.Item)
	default:
		r.Body = io.NopCloser(bytes.NewReader(body))
		t.cloud.ServeHTTP(w, r)
	}
}

// page is the rows after the start key, and the key of the last one unless the table ends there.
func (t *largeTable) page(in asked) object {
	t.mu.Lock()
	defer t.mu.Unlock()
	from := 0
	if last := in.ExclusiveStartKey.Project.S; last != "" {
		from, _ = strconv.Atoi(last[strings.LastIndexByte(last, '-')+1:]) // as spaceport.Project names them
		from++
	}
	items := make([]object, 0, in.Limit)
	for i := from; i < min(from+in.Limit, t.rows); i++ {
		items = append(items, wire(spaceport.Project(in.Values.Owner.S, i, notes)))
	}
	out := object{"Items": items}
	if from+len(items) < t.rows {
		last := items[len(items)-1]
		out["LastEvaluatedKey"] = object{"userSub": last["userSub"], "projectId": last["projectId"]}
	}
	return out
}

// wire is a row in DynamoDB's JSON. A project has no other types than these.
func wire(r row) object {
	out := object{}
	for name, value := range r {
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			out[name] = object{"S": v.Value}
		case *types.AttributeValueMemberN:
			out[name] = object{"N": v.Value}
		}
	}
	return out
}

// keep puts a row unless it exists.
func (t *largeTable) keep(w http.ResponseWriter, k projectKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := k.Owner.S + "/" + k.Project.S
	if t.put[key] {
		answer(w, http.StatusBadRequest, object{"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"})
		return
	}
	t.put[key] = true
	answer(w, http.StatusOK, object{})
}

func answer(w http.ResponseWriter, status int, body object) {
	text, _ := json.Marshal(body) // strings and numbers
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(text)), 10)) // the SDK checks it
	w.WriteHeader(status)
	_, _ = w.Write(text) // the mover may have disconnected
}
