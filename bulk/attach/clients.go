package attach

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// writable lists the standard attributes that a client can be allowed to write ("Cognito developer guide, Attribute
// permissions and scopes").
var writable = []string{
	"address", "birthdate", "email", "family_name", "gender", "given_name", "locale", "middle_name", "name", "nickname",
	"phone_number", "picture", "preferred_username", "profile", "updated_at", "website", "zoneinfo",
}

// closeWriteLists plans an explicit write list without custom:staging_sub for every client. A client without a list may
// write everything, and so could make itself somebody else's past.
func (o *Operator) closeWriteLists(ctx context.Context, pool *types.UserPoolType) ([]Change, error) {
	var changes []Change
	pages := cognito.NewListUserPoolClientsPaginator(o.api, &cognito.ListUserPoolClientsInput{UserPoolId: &o.pool, MaxResults: aws.Int32(60)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list app clients: %w", err)
		}
		for _, listed := range page.UserPoolClients {
			change, err := o.closeWriteList(ctx, pool, *listed.ClientId)
			if err != nil {
				return nil, err
			}
			changes = append(changes, change...)
		}
	}
	return changes, nil
}

func (o *Operator) closeWriteList(ctx context.Context, pool *types.UserPoolType, id string) ([]Change, error) {
	out, err := o.api.DescribeUserPoolClient(ctx, &cognito.DescribeUserPoolClientInput{UserPoolId: &o.pool, ClientId: &id})
	if err != nil {
		return nil, fmt.Errorf("read app client %s: %w", id, err)
	}
	client := out.UserPoolClient
	list, what := writeList(pool, client.WriteAttributes)
	if what == "" {
		return nil, nil
	}
	in := &cognito.UpdateUserPoolClientInput{}
	if err := carryOver(client, in); err != nil {
		return nil, err
	}
	in.WriteAttributes = list
	return []Change{{"app client " + aws.ToString(client.ClientName), what, func(ctx context.Context) error {
		_, err := o.api.UpdateUserPoolClient(ctx, in)
		return err
	}}}, nil
}

// writeList is the list that a client is to have; what is empty if it has a good one.
func writeList(pool *types.UserPoolType, now []string) (list []string, what string) {
	if len(now) > 0 && !slices.Contains(now, stagingSub) {
		return now, ""
	}
	if len(now) > 0 {
		return slices.DeleteFunc(slices.Clone(now), func(name string) bool { return name == stagingSub }), "write list: without " + stagingSub
	}
	list = slices.Clone(writable)
	for _, a := range pool.SchemaAttributes {
		if name := aws.ToString(a.Name); strings.HasPrefix(name, "custom:") && name != stagingSub {
			list = append(list, name)
		}
	}
	return list, fmt.Sprintf("write list: everything -> the %d attributes that there are, without %s", len(list), stagingSub)
}
