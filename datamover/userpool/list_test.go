package userpool

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakeCognito lists its users, and finds those whose filter it was given.
type fakeCognito struct {
	cognitoAPI
	users   []types.UserType
	found   map[string][]types.UserType // filter → answer
	err     error
	filters []string
	pages   int
	groups  []string // every user is a member of every group
	inGroup error
}

func page[T any](all []T, limit *int32, token *string) (part []T, next *string) {
	from := 0
	if token != nil {
		_, _ = fmt.Sscan(*token, &from)
	}
	to := min(from+int(*limit), len(all))
	if to < len(all) {
		next = aws.String(fmt.Sprint(to))
	}
	return all[from:to], next
}

func (f *fakeCognito) ListGroups(_ context.Context, in *cognito.ListGroupsInput,
	_ ...func(*cognito.Options)) (*cognito.ListGroupsOutput, error) {
	names, next := page(f.groups, in.Limit, in.NextToken)
	out := &cognito.ListGroupsOutput{NextToken: next}
	for _, name := range names {
		out.Groups = append(out.Groups, types.GroupType{GroupName: &name})
	}
	return out, f.err
}

func (f *fakeCognito) ListUsersInGroup(_ context.Context, in *cognito.ListUsersInGroupInput,
	_ ...func(*cognito.Options)) (*cognito.ListUsersInGroupOutput, error) {
	f.pages++
	users, next := page(f.users, in.Limit, in.NextToken)
	return &cognito.ListUsersInGroupOutput{Users: users, NextToken: next}, f.inGroup
}

func (f *fakeCognito) ListUsers(_ context.Context, in *cognito.ListUsersInput,
	_ ...func(*cognito.Options)) (*cognito.ListUsersOutput, error) {
	f.pages++
	if f.err != nil {
		return nil, f.err
	}
	if in.Filter != nil {
		f.filters = append(f.filters, *in.Filter)
		return &cognito.ListUsersOutput{Users: f.found[*in.Filter]}, nil
	}
	users, next := page(f.users, in.Limit, in.PaginationToken)
	return &cognito.ListUsersOutput{Users: users, PaginationToken: next}, nil
}

func (f *fakeCognito) DescribeUserPool(context.Context, *cognito.DescribeUserPoolInput,
	...func(*cognito.Options)) (*cognito.DescribeUserPoolOutput, error) {
	if f.err != nil {
		return nil, f.err
	}
	return &cognito.DescribeUserPoolOutput{UserPool: &types.UserPoolType{EstimatedNumberOfUsers: int32(len(f.users))}}, nil
}

func listedUser(sub, email string) types.UserType {
	return types.UserType{
		Username: aws.String("name-of-" + sub), Enabled: true, UserStatus: types.UserStatusTypeConfirmed,
		UserCreateDate: aws.Time(time.Unix(1.7e9, 0)), UserLastModifiedDate: aws.Time(time.Unix(1.8e9, 0)),
		Attributes: []types.AttributeType{{Name: aws.String("sub"), Value: &sub}, {Name: aws.String("email"), Value: &email}},
	}
}

func TestListStreamsPageByPage(t *testing.T) {
	api := &fakeCognito{}
	for i := range 150 {
		api.users = append(api.users, listedUser(fmt.Sprint(i), fmt.Sprintf("u%d@example.com", i)))
	}
	pool := New(api, "us-west-2_pool")
	n := 0
	for u, err := range pool.List(t.Context()) {
		require.NoError(t, err)
		assert.Equal(t, fmt.Sprint(n), u.Sub)
		n++
	}
	assert.Equal(t, 150, n)
	assert.Equal(t, 150, pool.EstimatedSize(t.Context()))

	assert.Equal(t, 3, api.pages, "60 a page")
}

// TestListReadsOnePageAhead, while the caller works on the one before, and no more.
func TestListReadsOnePageAhead(t *testing.T) {
	api := &paged{asked: make(chan string, 9)}
	for range New(api, "p").List(t.Context()) {
		assert.Equal(t, "", <-api.asked)
		assert.Equal(t, "next", <-api.asked, "while this user is looked at")
		break
	}
	assert.Empty(t, api.asked)
}

// paged has a page of users after each.
type paged struct {
	cognitoAPI
	asked chan string
}

func (p *paged) ListUsers(_ context.Context, in *cognito.ListUsersInput,
	_ ...func(*cognito.Options)) (*cognito.ListUsersOutput, error) {
	p.asked <- aws.ToString(in.PaginationToken)
	return &cognito.ListUsersOutput{Users: []types.UserType{listedUser("s", "s@example.com")},
		PaginationToken: aws.String("next")}, nil
}

func TestListHasAllThatListUsersReturns(t *testing.T) {
	api := &fakeCognito{users: []types.UserType{listedUser("s", "ada@example.com")}}
	for r, err := range New(api, "p").List(t.Context()) {
		require.NoError(t, err)
		assert.Equal(t, User{
			Username: "name-of-s", Sub: "s", Status: "CONFIRMED", Enabled: true, Created: time.Unix(1.7e9, 0),
			Modified: time.Unix(1.8e9, 0), Attributes: map[Attribute]string{"sub": "s", "email": "ada@example.com"},
		}, r)
	}
}

func TestMemberships(t *testing.T) {
	api := &fakeCognito{}
	for i := range 70 {
		api.groups = append(api.groups, fmt.Sprint("group-", i))
		api.users = append(api.users, listedUser(fmt.Sprint(i), fmt.Sprintf("u%d@example.com", i)))
	}
	pool := New(api, "us-west-2_pool")
	names, err := pool.Groups(t.Context())
	require.NoError(t, err)
	assert.Equal(t, api.groups, names)

	n := 0
	for m, err := range pool.Memberships(t.Context()) {
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint("group-", n/70), m.Group)
		require.Equal(t, fmt.Sprint("name-of-", n%70), m.User.Username)
		n++
	}
	assert.Equal(t, 70*70, n, "every user of every group")
	assert.Equal(t, 2*70, api.pages)
	for range pool.Memberships(t.Context()) {
		break
	}
	assert.Equal(t, 2*70+1, api.pages, "nothing is read ahead")

	api.groups = nil
	for range pool.Memberships(t.Context()) {
		assert.Fail(t, "a member of no group")
	}
}

func TestMembershipsThatCannotBeRead(t *testing.T) {
	denied := &smithy.GenericAPIError{Code: "AccessDeniedException"}
	for says, api := range map[string]*fakeCognito{
		"list groups of us-west-2_pool (cognito-idp:ListGroups): access denied": {err: denied},
		"list users of group pilots (cognito-idp:ListUsersInGroup): access denied": {groups: []string{"pilots",
			"x"}, inGroup: denied},
	} {
		errs := 0
		for _, err := range New(api, "us-west-2_pool").Memberships(t.Context()) {
			require.ErrorIs(t, err, ErrAccessDenied)
			require.ErrorContains(t, err, says)
			errs++
		}
		assert.Equal(t, 1, errs, "the first error ends it")
	}
}

func TestFindByEmailSearchesBothSpellingsOnce(t *testing.T) {
	both := []types.UserType{listedUser("1", "ada@example.com")}
	api := &fakeCognito{found: map[string][]types.UserType{
		`email = "Ada@Example.com"`: append(both, listedUser("2", "Ada@Example.com")),
		`email = "ada@example.com"`: both,
	}}
	found, err := New(api, "p").FindByEmail(t.Context(), "Ada@Example.com")
	require.NoError(t, err)
	require.Len(t, found, 2)
	assert.Equal(t, []string{`email = "Ada@Example.com"`, `email = "ada@example.com"`}, api.filters)

	api.filters = nil
	_, err = New(api, "p").FindByEmail(t.Context(), "ada@example.com")
	require.NoError(t, err)
	assert.Len(t, api.filters, 1)
}

func TestFilterIsQuoted(t *testing.T) {
	api := &fakeCognito{}
	_, err := New(api, "p").FindByEmail(t.Context(), `a\" or "b@example.com`)
	require.NoError(t, err)
	assert.Equal(t, []string{`email = "a\\\" or \"b@example.com"`}, api.filters)
}

func TestFindBySub(t *testing.T) {
	api := &fakeCognito{found: map[string][]types.UserType{`sub = "1"`: {listedUser("1", "ada@example.com")}}}
	u, err := New(api, "p").FindBySub(t.Context(), "1")
	require.NoError(t, err)
	assert.Equal(t, "ada@example.com", u.Email())
	_, err = New(api, "p").FindBySub(t.Context(), "2")
	require.ErrorIs(t, err, ErrUserNotFound)
}

func TestErrorsAreTranslated(t *testing.T) {
	for code, want := range map[string]error{
		"ResourceNotFoundException": ErrPoolNotFound, "AccessDeniedException": ErrAccessDenied,
		"AccessDenied":           ErrAccessDenied,
		"NotAuthorizedException": ErrAccessDenied, "TooManyRequestsException": ErrThrottled,
	} {
		pool := New(&fakeCognito{err: &smithy.GenericAPIError{Code: code}}, "us-west-2_pool")
		for _, err := range pool.List(t.Context()) {
			require.ErrorIs(t, err, want)
			require.ErrorContains(t, err, "list users of us-west-2_pool")
			var api smithy.APIError
			require.ErrorAs(t, err, &api, "the SDK's error is kept")
		}
		_, err := pool.FindByEmail(t.Context(), "ada@example.com")
		require.ErrorIs(t, err, want)
		_, err = pool.FindBySub(t.Context(), "1")
		require.ErrorIs(t, err, want)
		assert.Zero(t, pool.EstimatedSize(t.Context()), "an estimate returns no error")
	}
	_, err := New(&fakeCognito{err: errors.New("x")}, "p").FindByEmail(t.Context(), "ada@example.com")
	assert.ErrorContains(t, err, "x")
}
