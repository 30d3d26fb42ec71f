package userpool

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/spaceport/user-migration/datamover/ledger"
)

// ListUsers is what everything below calls: AdminGetUser and sign-ins make every user a monthly active one, who is
// billed, and sign-ins run the pool's own triggers ("Amazon Cognito pricing").

// pageSize is the most that ListUsers returns at once ("Amazon Cognito API reference, ListUsers").
const pageSize = 60

// List streams all users of the pool and holds one page at a time. The first error ends it.
func (p *Pool) List(ctx context.Context) iter.Seq2[User, error] { return p.list(ctx, nil) }

// Groups returns the names of the pool's groups.
func (p *Pool) Groups(ctx context.Context) (names []string, err error) {
	in := &cognito.ListGroupsInput{UserPoolId: &p.id, Limit: aws.Int32(pageSize)}
	for pages := cognito.NewListGroupsPaginator(p.api, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, translate("list groups of "+p.id+" (cognito-idp:ListGroups)", err)
		}
		for _, group := range page.Groups {
			names = append(names, aws.ToString(group.GroupName))
		}
	}
	return names, nil
}

// Membership is a user of a group.
type Membership struct {
	Group string
	User  User
}

// Memberships streams the users of every group, one group after the other, and holds one page at a time. The first
// error ends it.
func (p *Pool) Memberships(ctx context.Context) iter.Seq2[Membership, error] {
	return func(yield func(Membership, error) bool) {
		groups, err := p.Groups(ctx)
		if err != nil {
			yield(Membership{}, err)
		}
		for _, group := range groups {
			in := &cognito.ListUsersInGroupInput{UserPoolId: &p.id, GroupName: &group, Limit: aws.Int32(pageSize)}
			for pages := cognito.NewListUsersInGroupPaginator(p.api, in); pages.HasMorePages(); {
				page, err := pages.NextPage(ctx)
				if err != nil {
					yield(Membership{}, translate("list users of group "+group+" (cognito-idp:ListUsersInGroup)", err))
					return
				}
				for _, u := range page.Users {
					if !yield(Membership{group, listed(u)}, nil) {
						return
					}
				}
			}
		}
	}
}

// FindByEmail finds the users with an email, verified or not, as given or in lower case: usually none or one, but a
// case-sensitive pool and one with email as an alias can have more.
func (p *Pool) FindByEmail(ctx context.Context, email string) ([]User, error) {
	var found []User
	for _, spelling := range slices.Compact([]string{email, ledger.FoldASCII(email)}) {
		users, err := p.search(ctx, AttrEmail, spelling)
		if err != nil {
			return nil, err
		}
		for _, user := range users {
			if !slices.ContainsFunc(found, func(known User) bool { return known.Sub == user.Sub }) {
				found = append(found, user)
			}
		}
	}
	return found, nil
}

// FindBySub finds the user with a sub, or returns ErrUserNotFound.
func (p *Pool) FindBySub(ctx context.Context, sub string) (User, error) {
	users, err := p.search(ctx, AttrSub, sub)
	if err == nil && len(users) == 0 {
		err = ErrUserNotFound
	}
	if err != nil {
		return User{}, err
	}
	return users[0], nil
}

// EstimatedSize returns how many users the pool has, about: Cognito updates that figure now and then. 0 means unknown,
// also if access is denied.
func (p *Pool) EstimatedSize(ctx context.Context) int {
	out, err := p.api.DescribeUserPool(ctx, &cognito.DescribeUserPoolInput{UserPoolId: &p.id}, once)
	if err != nil || out.UserPool == nil {
		return 0
	}
	return int(out.UserPool.EstimatedNumberOfUsers)
}

// once makes one attempt: an estimate is not worth more.
func once(o *cognito.Options) { o.RetryMaxAttempts = 1 }

func (p *Pool) search(ctx context.Context, attribute Attribute, value string) ([]User, error) {
	var found []User
	filter := string(attribute) + ` = "` + quote.Replace(value) + `"`
	for user, err := range p.list(ctx, &filter) {
		if err != nil {
			return nil, err
		}
		found = append(found, user)
	}
	return found, nil
}

// quote keeps a value inside its quotation marks ("Amazon Cognito API reference, ListUsers, Filter").
var quote = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func (p *Pool) list(ctx context.Context, filter *string) iter.Seq2[User, error] {
	return func(yield func(User, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		for next := p.page(ctx, filter, nil); next != nil; {
			page := <-next
			if page.err != nil {
				yield(User{}, translate("list users of "+p.id, page.err))
				return
			}
			if next = nil; aws.ToString(page.PaginationToken) != "" {
				next = p.page(ctx, filter, page.PaginationToken)
			}
			for _, u := range page.Users {
				if !yield(listed(u), nil) {
					return
				}
			}
		}
	}
}

type listedPage struct {
	*cognito.ListUsersOutput
	err error
}

// page begins to read a page, so that it is under way while the caller works on the one before.
func (p *Pool) page(ctx context.Context, filter, token *string) <-chan listedPage {
	read := make(chan listedPage, 1)
	go func() {
		out, err := p.api.ListUsers(ctx, &cognito.ListUsersInput{
			UserPoolId: &p.id, Limit: aws.Int32(pageSize), Filter: filter, PaginationToken: token,
		})
		read <- listedPage{out, err}
	}()
	return read
}

func listed(u types.UserType) User {
	attributes := attributesOf(u.Attributes)
	return User{
		Username: aws.ToString(u.Username), Sub: attributes[AttrSub], Status: string(u.UserStatus), Enabled: u.Enabled,
		Created: aws.ToTime(u.UserCreateDate), Modified: aws.ToTime(u.UserLastModifiedDate), Attributes: attributes,
	}
}
