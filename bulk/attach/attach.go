// Package attach puts the migration's triggers on a production pool that exists already, and takes them off again. Both
// update calls of Cognito reset whatever they leave out ("Amazon Cognito API reference, UpdateUserPool" and
// "UpdateUserPoolClient"), so each carries all that was read.
package attach

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

type cognitoAPI interface {
	DescribeUserPool(context.Context, *cognito.DescribeUserPoolInput, ...func(*cognito.Options)) (*cognito.DescribeUserPoolOutput, error)
	UpdateUserPool(context.Context, *cognito.UpdateUserPoolInput, ...func(*cognito.Options)) (*cognito.UpdateUserPoolOutput, error)
	ListUserPoolClients(context.Context, *cognito.ListUserPoolClientsInput, ...func(*cognito.Options)) (*cognito.ListUserPoolClientsOutput, error)
	DescribeUserPoolClient(context.Context, *cognito.DescribeUserPoolClientInput, ...func(*cognito.Options)) (*cognito.DescribeUserPoolClientOutput, error)
	UpdateUserPoolClient(context.Context, *cognito.UpdateUserPoolClientInput, ...func(*cognito.Options)) (*cognito.UpdateUserPoolClientOutput, error)
	AddCustomAttributes(context.Context, *cognito.AddCustomAttributesInput, ...func(*cognito.Options)) (*cognito.AddCustomAttributesOutput, error)
}

// Functions are the ARNs of what is attached.
type Functions struct {
	Trigger   string // UserMigration; and CustomMessage, where the pool sends by SES
	Datamover string // PostConfirmation and PostAuthentication
}

// Options of attaching.
type Options struct {
	Displace bool // put somebody else's trigger aside; Detach brings it back
	NoLetter bool // leave CustomMessage alone
}

// ErrDisplaces means that somebody else's function stands where one of ours is to go.
var ErrDisplaces = errors.New("somebody else's trigger stands there")

// stagingSub is the attribute that ties an account to its past.
const stagingSub = "custom:staging_sub"

// ErrChanged means that what was read for the plan is not what is there any more. Writing would take back what somebody else
// has changed meanwhile.
var ErrChanged = errors.New("somebody else has changed it meanwhile; run the command again")

// Change is one thing that would be different, and the call that makes it so.
type Change struct {
	Where string `json:"where"` // pool, schema or app client
	What  string `json:"what"`
	make  func(context.Context) error
	check func(context.Context) error // that nothing else is different
}

// Plan is all that there is to do, in order. Nothing was written to make it.
type Plan struct {
	Pool    string   // its name
	Changes []Change // may be empty
	Left    []string // triggers that are left in their place, since they are not ours
}

// Apply makes the changes, and then reads everything back to be sure that nothing else is different.
func (p *Plan) Apply(ctx context.Context) error {
	for _, c := range p.Changes {
		if c.make == nil {
			continue
		}
		if err := c.make(ctx); err != nil {
			return fmt.Errorf("%s: %s: %w", c.Where, c.What, err)
		}
	}
	for _, c := range p.Changes {
		if c.check == nil {
			continue
		}
		if err := c.check(ctx); err != nil {
			return fmt.Errorf("%s: %w", c.Where, err)
		}
	}
	return nil
}

// Operator attaches and detaches at one pool.
type Operator struct {
	api  cognitoAPI
	pool string
}

// New returns an operator for the pool with that id.
func New(api cognitoAPI, poolID string) *Operator { return &Operator{api: api, pool: poolID} }

// Attach plans the way to a pool with our triggers: first no client may write custom:staging_sub, then the attribute is
// there, then the triggers.
func (o *Operator) Attach(ctx context.Context, f Functions, opt Options) (*Plan, error) {
	pool, err := o.describe(ctx)
	if err != nil {
		return nil, err
	}
	plan := &Plan{Pool: aws.ToString(pool.Name)}
	if plan.Changes, err = o.closeWriteLists(ctx, pool); err != nil {
		return nil, err
	}
	plan.Changes = append(plan.Changes, o.addAttribute(pool)...)
	letter := !opt.NoLetter && sendsBySES(pool)
	return plan, o.setTriggers(plan, pool, func(slot slot, tags map[string]string) (string, error) {
		if slot.name == "CustomMessage" && !letter {
			return slot.now, nil
		}
		return attached(slot, f, tags, opt.Displace)
	})
}

// Detach plans the way back: our triggers go, and what they had displaced returns. The attribute stays, since Cognito
// cannot remove one, and so do the write lists that keep clients from it.
func (o *Operator) Detach(ctx context.Context, f Functions) (*Plan, error) {
	pool, err := o.describe(ctx)
	if err != nil {
		return nil, err
	}
	plan := &Plan{Pool: aws.ToString(pool.Name)}
	return plan, o.setTriggers(plan, pool, func(slot slot, tags map[string]string) (string, error) {
		if slot.now != "" && slot.now != slot.ours(f) {
			plan.Left = append(plan.Left, slot.name+" is "+slot.now)
		}
		return detached(slot, f, tags), nil
	})
}

func (o *Operator) describe(ctx context.Context) (*types.UserPoolType, error) {
	out, err := o.api.DescribeUserPool(ctx, &cognito.DescribeUserPoolInput{UserPoolId: &o.pool})
	if err != nil {
		return nil, fmt.Errorf("read pool %s: %w", o.pool, err)
	}
	return out.UserPool, nil
}

// sendsBySES: Cognito's own sender cannot send a text of ours ("Cognito developer guide, Custom message Lambda trigger").
func sendsBySES(pool *types.UserPoolType) bool {
	return pool.EmailConfiguration != nil && pool.EmailConfiguration.EmailSendingAccount == types.EmailSendingAccountTypeDeveloper
}

func (o *Operator) addAttribute(pool *types.UserPoolType) []Change {
	there := slices.ContainsFunc(pool.SchemaAttributes, func(a types.SchemaAttributeType) bool { return aws.ToString(a.Name) == stagingSub })
	if there {
		return nil
	}
	add := func(ctx context.Context) error {
		_, err := o.api.AddCustomAttributes(ctx, &cognito.AddCustomAttributesInput{UserPoolId: &o.pool, CustomAttributes: []types.SchemaAttributeType{{
			Name: aws.String(strings.TrimPrefix(stagingSub, "custom:")), AttributeDataType: types.AttributeDataTypeString, Mutable: aws.Bool(false),
			StringAttributeConstraints: &types.StringAttributeConstraintsType{MinLength: aws.String("0"), MaxLength: aws.String("2048")},
		}}})
		return err
	}
	return []Change{{Where: "schema", What: "add " + stagingSub + " (string, never changed; Cognito cannot remove it again)", make: add}}
}

func poolUpdate(pool *types.UserPoolType) (*cognito.UpdateUserPoolInput, error) {
	in := &cognito.UpdateUserPoolInput{}
	if err := carryOver(pool, in); err != nil {
		return nil, err
	}
	in.UserPoolId, in.PoolName = pool.Id, pool.Name
	// Tags of AWS's own, such as those of a stack, stay by themselves, and nobody else may write one ("AWS General Reference,
	// Tagging").
	maps.DeleteFunc(in.UserPoolTags, func(name, _ string) bool { return strings.HasPrefix(name, "aws:") })
	// Cognito describes both and accepts one ("Amazon Cognito API reference, AdminCreateUserConfigType").
	if p := in.Policies; p != nil && p.PasswordPolicy != nil && p.PasswordPolicy.TemporaryPasswordValidityDays > 0 && in.AdminCreateUserConfig != nil {
		in.AdminCreateUserConfig.UnusedAccountValidityDays = 0
	}
	if in.SmsConfiguration != nil && in.SmsConfiguration.SnsCallerArn == nil {
		in.SmsConfiguration = nil // described empty where there is none, and not accepted so
	}
	return in, nil
}
