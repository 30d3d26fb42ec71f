package userpool

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
)

type groupsAPI interface {
	AdminListGroupsForUser(
		context.Context, *cognito.AdminListGroupsForUserInput, ...options) (*cognito.AdminListGroupsForUserOutput, error)
	AdminAddUserToGroup(
		context.Context, *cognito.AdminAddUserToGroupInput, ...options) (*cognito.AdminAddUserToGroupOutput, error)
}

// GroupsOf returns the names of a user's groups.
func (p *Pool) GroupsOf(ctx context.Context, username string) (names []string, err error) {
	in := &cognito.AdminListGroupsForUserInput{UserPoolId: &p.id, Username: &username, Limit: aws.Int32(pageSize)}
	for pages := cognito.NewAdminListGroupsForUserPaginator(p.api, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, translate("list the user's groups (cognito-idp:AdminListGroupsForUser)", err)
		}
		for _, group := range page.Groups {
			names = append(names, aws.ToString(group.GroupName))
		}
	}
	return names, nil
}

// AddToGroup adds a user to a group, which a user who is in it already stays in. It returns ErrNoGroup if the pool does
// not have the group.
func (p *Pool) AddToGroup(ctx context.Context, username, group string) error {
	_, err := p.api.AdminAddUserToGroup(ctx, &cognito.AdminAddUserToGroupInput{
		UserPoolId: &p.id, Username: &username, GroupName: &group,
	})
	return translateGroup("add the user to a group (cognito-idp:AdminAddUserToGroup)", err)
}
