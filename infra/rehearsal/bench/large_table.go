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

// largeTable stands in for both ends of one table, between the mover and the local cloud: it makes up one owner's rows in
// staging, and remembers the keys of the rows that are put into production. moto would need a quarter of an hour for
// 50,000 rows. All else goes on to the cloud: roles, the ledger, the other table, the descriptions of tables.
type largeTable struct {
	mu    sync.Mutex
	cloud http.Handler
	rows  int             // in staging
	put   map[string]bool // in production, by owner and project
}

// standBefore says where the cloud is, which starts after what stands before it.
func (t *largeTable) standBefore(cloud string) error {
	address, err := url.Parse(cloud)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cloud = httputil.NewSingleHostReverseProxy(address)
	return nil
}

// reset gives staging that many rows, whoever asks, and production none.
func (t *largeTable) reset(rows int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows, t.put = rows, map[string]bool{}
}

// arrived says how many rows of an owner stand in production.
func (t *largeTable) arrived(owner string) (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key := range t.put {
		if strings.HasPrefix(key, owner+"/") {
			n++
		}
	}
	return n
}

// asked is what is read of a Query or PutItem.
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
		return // the mover is gone
	}
	var in asked
	_ = json.Unmarshal(body, &in) // what is of another shape is not for us
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch operation + " " + in.TableName {
	case "Query " + stagingProjects:
		answer(w, http.StatusOK, t.page(in))
	case "PutItem " + productionProjects:
		t.keep(w, in.Item)
	default:
		r.Body = io.NopCloser(bytes.NewReader(body))
		t.cloud.ServeHTTP(w, r)
	}
}

// page is rows from after the start key on, and the key of the last one unless it is the last of all.
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

// wire is a row as it goes over the wire. A project has no other types than these.
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

// keep puts a row where nothing stands.
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
	text, _ := json.Marshal(body) // texts and numbers
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(text)), 10)) // the SDK checks it
	w.WriteHeader(status)
	_, _ = w.Write(text) // to a mover that may be gone
}
