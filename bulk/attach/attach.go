// Package attach attaches the migration's triggers to a pool, and detaches them. An update resets what it omits
// ("Amazon Cognito API reference, UpdateUserPool" and "UpdateUserPoolClient"), so it carries all that was read.
package attach

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/spaceport/user-migration/datamover/userpool"
)

// Trigger is the name of a Lambda trigger of a user pool, as in LambdaConfigType.
type Trigger string

// The triggers that the migration uses or must know about.
const (
	UserMigration      Trigger = "UserMigration"
	PostConfirmation   Trigger = "PostConfirmation"
	PostAuthentication Trigger = "PostAuthentication"
	CustomMessage      Trigger = "CustomMessage"
	PreSignUp          Trigger = "PreSignUp"
	PreAuthentication  Trigger = "PreAuthentication"
	PreTokenGeneration Trigger = "PreTokenGeneration"
	CustomEmailSender  Trigger = "CustomEmailSender"
)

var attached = []Trigger{UserMigration, PostConfirmation, PostAuthentication, CustomMessage}

// Of returns the ARN of the function that a pool invokes for t, or "". c may be nil.
func (t Trigger) Of(c *types.LambdaConfigType) string {
	switch {
	case c == nil, t == CustomEmailSender && c.CustomEmailSender == nil:
		return ""
	case t == CustomEmailSender:
		return aws.ToString(c.CustomEmailSender.LambdaArn)
	case t == PreTokenGeneration && c.PreTokenGenerationConfig != nil:
		return aws.ToString(c.PreTokenGenerationConfig.LambdaArn)
	}
	return aws.ToString(*t.field(c))
}

// field returns the field of c with that name, for triggers that are an ARN only.
func (t Trigger) field(c *types.LambdaConfigType) **string {
	return reflect.ValueOf(c).Elem().FieldByName(string(t)).Addr().Interface().(**string)
}

func (t Trigger) set(c *types.LambdaConfigType, arn string) (change string) {
	change = fmt.Sprintf("%s: %s -> %s", t, cmp.Or(t.Of(c), "none"), cmp.Or(arn, "none"))
	*t.field(c) = nil
	if arn != "" {
		*t.field(c) = &arn
	}
	return change
}

// displacedTag names the tag of the pool that keeps a displaced trigger. The update that displaces it sets the tag too.
func (t Trigger) displacedTag() string { return "spaceport-migration:displaced:" + string(t) }

// Functions holds the ARNs of the functions to attach.
type Functions struct {
	Trigger   string // for UserMigration, and for CustomMessage if the pool sends email with SES
	Datamover string // for PostConfirmation and PostAuthentication
}

func (f Functions) of(t Trigger) string {
	if t == UserMigration || t == CustomMessage {
		return f.Trigger
	}
	return f.Datamover
}

// Attacher attaches functions to one pool, and detaches them.
type Attacher struct {
	api  *cognito.Client
	pool string
}

// New returns an Attacher for the pool with that id.
func New(api *cognito.Client, poolID string) *Attacher { return &Attacher{api: api, pool: poolID} }

// Options change what Attach does.
type Options struct {
	Displace          bool // replace triggers of other functions; Detach restores them
	KeepCustomMessage bool // do not set CustomMessage
}

// ErrDisplaces is returned if a trigger is another function's and Options.Displace is not set.
var ErrDisplaces = errors.New("another function is attached")

// Attach plans to set the triggers, and writes nothing. The order of the requests is safe wherever they stop: first no
// app client may write custom:staging_sub, then the attribute exists, then the triggers are set, in one request.
func (a *Attacher) Attach(ctx context.Context, f Functions, o Options) (*Plan, error) {
	plan := &Plan{Changes: []Change{}, attacher: a}
	pool, err := plan.readPool(ctx)
	if err != nil {
		return nil, err
	}
	update, changes := plan.updatePool(pool), []string{}
	if err := plan.restrictClients(ctx); err != nil {
		return nil, err
	}
	if !slices.Contains(plan.custom, stagingSub) {
		plan.addAttribute()
	}
	// Cognito's default sender cannot send a custom text ("Cognito developer guide, Custom message Lambda trigger").
	email := cmp.Or(pool.EmailConfiguration, &types.EmailConfigurationType{})
	ses := email.EmailSendingAccount == types.EmailSendingAccountTypeDeveloper
	for _, t := range attached {
		now := t.Of(pool.LambdaConfig)
		switch {
		case now == f.of(t), t == CustomMessage && (o.KeepCustomMessage || !ses):
			continue
		case now != "" && !o.Displace:
			return nil, fmt.Errorf("%w: %s is %s; --displace replaces it, and bulk detach restores it", ErrDisplaces, t, now)
		case now != "":
			pool.UserPoolTags[t.displacedTag()] = now
		}
		changes = append(changes, t.set(pool.LambdaConfig, f.of(t)))
	}
	plan.add("pool", update, changes...)
	return plan, nil
}

// ErrNotAttached is returned if a function to detach is not attached, but another one is in its place: one of the two
// must not remain alone because the other's ARN was wrong.
var ErrNotAttached = errors.New("not attached to this pool")

// Detach plans to remove the triggers and to restore displaced ones. The attribute, which Cognito cannot remove, and
// the clients' write lists remain.
func (a *Attacher) Detach(ctx context.Context, f Functions) (*Plan, error) {
	plan := &Plan{Changes: []Change{}, attacher: a}
	pool, err := plan.readPool(ctx)
	if err != nil {
		return nil, err
	}
	update, changes, found := plan.updatePool(pool), []string{}, map[string]bool{}
	for _, t := range attached {
		found[f.of(t)] = found[f.of(t)] || t.Of(pool.LambdaConfig) == f.of(t)
	}
	for _, t := range attached {
		displaced := pool.UserPoolTags[t.displacedTag()]
		delete(pool.UserPoolTags, t.displacedTag())
		switch now := t.Of(pool.LambdaConfig); now {
		case "":
		case f.of(t):
			changes = append(changes, t.set(pool.LambdaConfig, displaced))
		default:
			// A pool without UserMigration may have been detached before: what it has belongs to others.
			if arn := f.of(t); !found[arn] && t != CustomMessage && (t == UserMigration || found[f.Trigger]) {
				return nil, fmt.Errorf("%s is %w: %s is %s", arn, ErrNotAttached, t, now)
			}
			plan.Left = append(plan.Left, string(t)+" is "+now)
		}
	}
	plan.add("pool", update, changes...)
	return plan, nil
}

const stagingSub = string(userpool.AttrStagingSub)

func (p *Plan) addAttribute() {
	length := &types.StringAttributeConstraintsType{MinLength: aws.String("0"), MaxLength: aws.String("2048")}
	add := &cognito.AddCustomAttributesInput{UserPoolId: &p.attacher.pool, CustomAttributes: []types.SchemaAttributeType{{
		Name: aws.String(strings.TrimPrefix(stagingSub, "custom:")), AttributeDataType: types.AttributeDataTypeString,
		StringAttributeConstraints: length, Mutable: aws.Bool(true)}}}
	p.add("schema", func(ctx context.Context) error {
		_, err := p.attacher.api.AddCustomAttributes(ctx, add)
		return err
	}, "add "+stagingSub+" (string, mutable; Cognito cannot remove it again)")
}

// restrictClients plans an explicit write list without custom:staging_sub for every app client. A client without a list
// may write every attribute, so its users could claim another user's data.
func (p *Plan) restrictClients(ctx context.Context) error {
	clients, err := Clients(ctx, p.attacher.api, p.attacher.pool)
	if err != nil {
		return err
	}
	for _, described := range clients {
		client := &cognito.UpdateUserPoolClientInput{}
		if err := copySettings(described, client); err != nil {
			return err
		}
		apply := replace(client,
			func(ctx context.Context) (any, error) { return p.attacher.readClient(ctx, client.ClientId) },
			func(ctx context.Context) (any, error) { return p.attacher.api.UpdateUserPoolClient(ctx, client) })
		if list := restricted(client.WriteAttributes, p.custom); !slices.Equal(list, client.WriteAttributes) {
			client.WriteAttributes = list
			what := fmt.Sprintf("write list: explicit, %d attributes without %s", len(list), stagingSub)
			p.add("app client "+aws.ToString(client.ClientName), apply, what)
		}
	}
	return nil
}

func restricted(list, custom []string) []string {
	if len(list) == 0 { // allows every attribute
		for _, name := range userpool.Writable {
			list = append(list, string(name))
		}
		list = append(list, custom...)
	}
	list = slices.DeleteFunc(slices.Clone(list), func(name string) bool { return name == stagingSub })
	if len(list) == 0 { // the least that a list can allow
		return []string{"locale"}
	}
	return list
}

// Plan lists what Apply will do, in order.
type Plan struct {
	Live    bool     `json:"live"` // it was applied
	Pool    string   `json:"pool"` // its name
	Changes []Change `json:"changes"`
	Left    []string `json:"left,omitempty"` // triggers of other functions, which Detach leaves in place

	attacher *Attacher
	custom   []string // the custom attributes that the pool has
}

// Change is one difference that a plan makes.
type Change struct {
	Where string `json:"where"` // pool, schema or app client
	What  string `json:"what"`
	apply func(context.Context) error
}

func (p *Plan) add(where string, apply func(context.Context) error, changes ...string) {
	for _, what := range changes {
		p.Changes = append(p.Changes, Change{where, what, apply})
		apply = func(context.Context) error { return nil } // one request makes them all
	}
}

// Apply makes the changes. It reads the settings before each update (else: ErrChanged), and checks them again after it.
func (p *Plan) Apply(ctx context.Context) error {
	for _, c := range p.Changes {
		if err := c.apply(ctx); err != nil {
			return fmt.Errorf("%s: %w", c.Where, err)
		}
	}
	return nil
}

// ErrChanged is returned if the settings are no longer those that were read: an update would undo a change made since.
var ErrChanged = errors.New("changed since it was read; run the command again")

var errDiffers = errors.New("differs after the update; correct it by hand")

type call func(context.Context) (any, error)

// replace returns what sends a request that replaces every setting of a pool or an app client. The settings in request
// must be those that were read.
func replace(request any, read, send call) func(context.Context) error {
	before := settings(request)
	return func(ctx context.Context) error {
		err := compare(ctx, read, before, ErrChanged)
		if err == nil {
			_, err = send(ctx)
		}
		if err == nil {
			err = compare(ctx, read, settings(request), errDiffers)
		}
		return err
	}
}

var unset = []string{"null", `""`, "0", "false", "[]", "{}"}

// compare returns problem with the first setting that is not as wanted. An update may set a default for an unset one.
func compare(ctx context.Context, read call, want map[string]string, problem error) error {
	found, err := read(ctx)
	if err != nil {
		return err
	}
	now := settings(found)
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if was, is := want[name], now[name]; was != is && (problem != errDiffers || !slices.Contains(unset, was)) {
			return fmt.Errorf("%w: its %s is %s, and was %s", problem, name, is, was)
		}
	}
	return nil
}

func settings(request any) map[string]string {
	var all map[string]any
	_ = copySettings(request, &all)
	texts := map[string]string{}
	for name, value := range all {
		if list, ok := value.([]any); ok { // Cognito does not keep the order of lists, and it never matters
			slices.SortFunc(list, func(a, b any) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
		text, _ := json.Marshal(value)
		texts[name] = string(text)
	}
	return texts
}

// copySettings copies every field that both types have, by name, so that it copies settings of later SDK versions too.
func copySettings(from, to any) error {
	raw, _ := json.Marshal(from) // text, numbers, and lists and maps of them
	return json.Unmarshal(raw, to)
}

func (p *Plan) updatePool(pool *cognito.UpdateUserPoolInput) func(context.Context) error {
	return replace(pool, func(ctx context.Context) (any, error) { return p.readPool(ctx) },
		func(ctx context.Context) (any, error) { return p.attacher.api.UpdateUserPool(ctx, pool) })
}

func (p *Plan) readPool(ctx context.Context) (*cognito.UpdateUserPoolInput, error) {
	out, err := p.attacher.api.DescribeUserPool(ctx, &cognito.DescribeUserPoolInput{UserPoolId: &p.attacher.pool})
	if err != nil {
		return nil, fmt.Errorf("read pool %s: %w", p.attacher.pool, err)
	}
	p.Pool, p.custom = aws.ToString(out.UserPool.Name), nil
	for _, attribute := range out.UserPool.SchemaAttributes {
		if name := aws.ToString(attribute.Name); strings.HasPrefix(name, "custom:") {
			p.custom = append(p.custom, name)
		}
	}
	in := &cognito.UpdateUserPoolInput{UserPoolId: out.UserPool.Id, PoolName: out.UserPool.Name}
	err = copySettings(out.UserPool, in)
	in.LambdaConfig = cmp.Or(in.LambdaConfig, &types.LambdaConfigType{})
	// AWS keeps its own tags, such as those of a stack, and rejects requests with them ("AWS General Reference, Tagging").
	maps.DeleteFunc(in.UserPoolTags, func(name, _ string) bool { return strings.HasPrefix(name, "aws:") })
	in.UserPoolTags = maps.Collect(maps.All(in.UserPoolTags)) // never nil
	// Cognito describes both values and accepts one ("Amazon Cognito API reference, AdminCreateUserConfigType").
	if in.Policies != nil && in.Policies.PasswordPolicy != nil && in.AdminCreateUserConfig != nil &&
		in.Policies.PasswordPolicy.TemporaryPasswordValidityDays > 0 {
		in.AdminCreateUserConfig.UnusedAccountValidityDays = 0
	}
	if in.SmsConfiguration != nil && in.SmsConfiguration.SnsCallerArn == nil {
		in.SmsConfiguration = nil // Cognito describes an empty one, and does not accept it
	}
	return in, err
}

// Clients reads every app client of a pool.
func Clients(ctx context.Context, api *cognito.Client, poolID string) (all []types.UserPoolClientType, err error) {
	in := &cognito.ListUserPoolClientsInput{UserPoolId: &poolID, MaxResults: aws.Int32(60)}
	for pages := cognito.NewListUserPoolClientsPaginator(api, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list app clients: %w", err)
		}
		for _, listed := range page.UserPoolClients {
			client, err := describeClient(ctx, api, &poolID, listed.ClientId)
			if err != nil {
				return nil, err
			}
			all = append(all, *client)
		}
	}
	return all, nil
}

func describeClient(ctx context.Context, api *cognito.Client, pool, id *string) (*types.UserPoolClientType, error) {
	out, err := api.DescribeUserPoolClient(ctx, &cognito.DescribeUserPoolClientInput{UserPoolId: pool, ClientId: id})
	if err != nil {
		return nil, fmt.Errorf("read app client %s: %w", *id, err)
	}
	return out.UserPoolClient, nil
}

func (a *Attacher) readClient(ctx context.Context, id *string) (*cognito.UpdateUserPoolClientInput, error) {
	described, err := describeClient(ctx, a.api, &a.pool, id)
	client := &cognito.UpdateUserPoolClientInput{}
	return client, cmp.Or(err, copySettings(described, client))
}
