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
	before, err := o.clientUpdate(ctx, id)
	if err != nil {
		return nil, err
	}
	list, what := writeList(pool, before.WriteAttributes)
	if what == "" {
		return nil, nil
	}
	in := *before
	in.WriteAttributes = list
	return []Change{{
		Where: "app client " + aws.ToString(in.ClientName),
		What:  what,
		make: func(ctx context.Context) error {
			if err := o.compareClient(ctx, before, unchanged); err != nil {
				return err
			}
			_, err := o.api.UpdateUserPoolClient(ctx, &in)
			return err
		},
		check: func(ctx context.Context) error { return o.compareClient(ctx, &in, arrived) },
	}}, nil
}

// clientUpdate reads an app client, as an update that changes nothing.
func (o *Operator) clientUpdate(ctx context.Context, id string) (*cognito.UpdateUserPoolClientInput, error) {
	out, err := o.api.DescribeUserPoolClient(ctx, &cognito.DescribeUserPoolClientInput{UserPoolId: &o.pool, ClientId: &id})
	if err != nil {
		return nil, fmt.Errorf("read app client %s: %w", id, err)
	}
	in := &cognito.UpdateUserPoolClientInput{}
	return in, carryOver(out.UserPoolClient, in)
}

// compareClient reads an app client and holds it against an update.
func (o *Operator) compareClient(ctx context.Context, update *cognito.UpdateUserPoolClientInput, by func(was, is any) error) error {
	now, err := o.clientUpdate(ctx, *update.ClientId)
	if err != nil {
		return err
	}
	return by(update, now)
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
