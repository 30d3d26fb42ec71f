package cloud

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	stagingAdminKey    = "AKIASTAGINGADMIN0000"
	productionAdminKey = "AKIAPRODUCTIONADMIN0"
)

// Role is a role that may be assumed.
type Role struct {
	ARN        string   // arn:aws:iam::<account>:role/<name>
	ExternalID string   // empty: none is asked for
	Principals []string // names of the identities that may assume it; empty: any
	Allow      []string // actions of its sessions, e.g. "cognito-idp:AdminGetUser"; "*" and "dynamodb:*" work
}

func (r Role) account() string { return strings.Split(r.ARN+":::::", ":")[4] }
func (r Role) name() string    { return r.ARN[strings.LastIndex(r.ARN, "/")+1:] }

// AllowRole makes a role assumable, or changes it.
func (c *Cloud) AllowRole(r Role) { c.roles.Store(r.ARN, r) }

// Credentials makes an identity of the production account, such as a function's own role, with the given permissions
// only. Each call makes a new identity with a new key, even for the same name.
func (c *Cloud) Credentials(name string, allow ...string) aws.Credentials {
	i := &identity{name: name, account: ProductionAccount, allow: allow, key: newKey("AKIA")}
	c.identities.Store(i.key, i)
	return credentialsFor(i.key)
}

// identity is a caller.
type identity struct {
	key     string
	name    string
	account string
	allow   []string
}

func (i *identity) arn() string {
	return fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", i.account, i.name, i.name)
}

func (i *identity) may(action string) bool {
	for _, pattern := range i.allow {
		prefix, open := strings.CutSuffix(pattern, "*")
		if pattern == action || open && strings.HasPrefix(action, prefix) {
			return true
		}
	}
	return false
}

func credentialsFor(key string) aws.Credentials {
	return aws.Credentials{AccessKeyID: key, SecretAccessKey: "not-checked", Source: "rehearsal"}
}

func newKey(prefix string) string {
	return prefix + strings.ToUpper(randomHex(8))
}

func randomHex(n int) string {
	raw := make([]byte, n)
	_, _ = rand.Read(raw) // never fails
	return hex.EncodeToString(raw)
}

var credentialScope = regexp.MustCompile(`Credential=([^/]+)/[^/]+/[^/]+/([^/]+)/aws4_request`)

// scope is what a signature says about its request.
type scope struct{ key, service string }

func readScope(h http.Header) (scope, bool) {
	m := credentialScope.FindStringSubmatch(h.Get("Authorization"))
	if m == nil {
		return scope{}, false
	}
	return scope{key: m[1], service: m[2]}, true
}
