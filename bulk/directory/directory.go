// Package directory reads user pools for the operator. It lists, and never calls AdminGetUser or signs in: those make every
// user a monthly active one, who is billed, and run staging's own triggers ("Amazon Cognito pricing"; design, fact 17).
package directory

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/trigger"
)

// pageSize is the most that ListUsers gives at once ("Amazon Cognito API reference, ListUsers").
const pageSize = 60

type cognitoAPI interface {
	ListUsers(context.Context, *cognito.ListUsersInput, ...func(*cognito.Options)) (*cognito.ListUsersOutput, error)
	DescribeUserPool(context.Context, *cognito.DescribeUserPoolInput, ...func(*cognito.Options)) (*cognito.DescribeUserPoolOutput, error)
}

// Pool is one user pool, staging's or production's. It is never written to.
type Pool struct {
	api cognitoAPI
	id  string
}

// New returns the pool that api reads.
func New(api cognitoAPI, poolID string) *Pool { return &Pool{api: api, id: poolID} }

// ID is the pool's id.
func (p *Pool) ID() string { return p.id }

// Record is all that ListUsers says of a user. MFA is not among it.
type Record struct {
	trigger.User
	Modified time.Time
}

// Users streams everybody in the pool, holding one page at a time. The first error ends it.
func (p *Pool) Users(ctx context.Context) iter.Seq2[trigger.User, error] {
	return func(yield func(trigger.User, error) bool) {
		for r, err := range p.list(ctx, nil) {
			if !yield(r.User, err) {
				return
			}
		}
	}
}

// Records streams everybody as Users does, with all that the pool says of them.
func (p *Pool) Records(ctx context.Context) iter.Seq2[Record, error] { return p.list(ctx, nil) }

// ByEmail finds the users who bear an e-mail, verified or not, as given or in lower case: usually none or one, but a
// case-sensitive pool and one with e-mail as an alias can hold more.
func (p *Pool) ByEmail(ctx context.Context, email string) ([]trigger.User, error) {
	var found []trigger.User
	for _, spelling := range spellings(email) {
		users, err := p.search(ctx, "email", spelling)
		if err != nil {
			return nil, err
		}
		found = merge(found, users)
	}
	return found, nil
}

// BySpelling finds the users whose e-mail is the given one but for upper and lower case. ListUsers cannot search so: this
// reads through the whole pool, and calls seen for every user.
func (p *Pool) BySpelling(ctx context.Context, email string, seen func()) ([]trigger.User, error) {
	var found []trigger.User
	for user, err := range p.Users(ctx) {
		if err != nil {
			return nil, err
		}
		seen()
		if ledger.Fold(user.Email()) == ledger.Fold(email) {
			found = append(found, user)
		}
	}
	return found, nil
}

// BySub finds the user with a sub. ok is false where there is none.
func (p *Pool) BySub(ctx context.Context, sub string) (user trigger.User, ok bool, err error) {
	users, err := p.search(ctx, "sub", sub)
	if err != nil || len(users) == 0 {
		return trigger.User{}, false, err
	}
	return users[0], true, nil
}

// Estimate says how many users the pool has, about: Cognito updates that figure now and then. 0 means unknown; nobody has
// to be allowed to ask.
func (p *Pool) Estimate(ctx context.Context) int {
	out, err := p.api.DescribeUserPool(ctx, &cognito.DescribeUserPoolInput{UserPoolId: &p.id})
	if err != nil || out.UserPool == nil {
		return 0
	}
	return int(out.UserPool.EstimatedNumberOfUsers)
}

func spellings(email string) []string {
	if lower := ledger.Fold(email); lower != email {
		return []string{email, lower}
	}
	return []string{email}
}

func merge(found, more []trigger.User) []trigger.User {
	for _, user := range more {
		known := false
		for _, other := range found {
			known = known || other.Sub == user.Sub
		}
		if !known {
			found = append(found, user)
		}
	}
	return found
}

func (p *Pool) search(ctx context.Context, attribute, value string) ([]trigger.User, error) {
	var found []trigger.User
	filter := attribute + ` = "` + quote.Replace(value) + `"`
	for r, err := range p.list(ctx, &filter) {
		if err != nil {
			return nil, err
		}
		found = append(found, r.User)
	}
	return found, nil
}

// quote keeps a value inside its quotation marks ("Amazon Cognito API reference, ListUsers, Filter").
var quote = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func (p *Pool) list(ctx context.Context, filter *string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		in := &cognito.ListUsersInput{UserPoolId: &p.id, Limit: aws.Int32(pageSize), Filter: filter}
		for {
			out, err := p.api.ListUsers(ctx, in)
			if err != nil {
				yield(Record{}, translate("list users of "+p.id, err))
				return
			}
			for _, u := range out.Users {
				if !yield(record(u), nil) {
					return
				}
			}
			if aws.ToString(out.PaginationToken) == "" {
				return
			}
			in.PaginationToken = out.PaginationToken
		}
	}
}

func record(u types.UserType) Record {
	attributes := make(map[string]string, len(u.Attributes))
	for _, a := range u.Attributes {
		attributes[aws.ToString(a.Name)] = aws.ToString(a.Value)
	}
	return Record{
		User: trigger.User{
			Username: aws.ToString(u.Username), Sub: attributes["sub"], Status: string(u.UserStatus), Enabled: u.Enabled,
			Created: aws.ToTime(u.UserCreateDate), Attributes: attributes,
		},
		Modified: aws.ToTime(u.UserLastModifiedDate),
	}
}
