package attach

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go/middleware"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakePool resets what an update leaves out, as Cognito does and emulators do not.
type fakePool struct {
	pool    types.UserPoolType
	clients []types.UserPoolClientType
	updates []cognito.UpdateUserPoolInput
	client  []cognito.UpdateUserPoolClientInput
	calls   []string
	forget  func() // changes something after each update
}

// attacher returns an Attacher whose requests f answers.
func (f *fakePool) attacher() *Attacher {
	answer := func(_ context.Context, in middleware.InitializeInput, _ middleware.InitializeHandler) (
		out middleware.InitializeOutput, _ middleware.Metadata, err error,
	) {
		out.Result, err = f.answer(in.Parameters)
		return out, middleware.Metadata{}, err
	}
	intercept := func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("fake", answer), middleware.Before)
	}
	return New(cognito.New(cognito.Options{APIOptions: []func(*middleware.Stack) error{intercept}}), "pool")
}

func (f *fakePool) answer(request any) (any, error) {
	switch in := request.(type) {
	case *cognito.DescribeUserPoolInput:
		pool := f.pool
		return &cognito.DescribeUserPoolOutput{UserPool: &pool}, nil
	case *cognito.ListUserPoolClientsInput:
		out := &cognito.ListUserPoolClientsOutput{}
		for _, c := range f.clients {
			out.UserPoolClients = append(out.UserPoolClients, types.UserPoolClientDescription{ClientId: c.ClientId})
		}
		return out, nil
	case *cognito.DescribeUserPoolClientInput:
		client := *f.find(in.ClientId)
		return &cognito.DescribeUserPoolClientOutput{UserPoolClient: &client}, nil
	case *cognito.UpdateUserPoolInput:
		return &cognito.UpdateUserPoolOutput{}, f.updatePool(in)
	case *cognito.UpdateUserPoolClientInput:
		return &cognito.UpdateUserPoolClientOutput{}, f.updateClient(in)
	case *cognito.AddCustomAttributesInput:
		f.addAttributes(in)
		return &cognito.AddCustomAttributesOutput{}, nil
	}
	return nil, fmt.Errorf("unexpected %T", request)
}

func (f *fakePool) find(id *string) *types.UserPoolClientType {
	return &f.clients[slices.IndexFunc(f.clients, func(c types.UserPoolClientType) bool { return *c.ClientId == *id })]
}

func (f *fakePool) updatePool(in *cognito.UpdateUserPoolInput) error {
	f.calls, f.updates = append(f.calls, "UpdateUserPool"), append(f.updates, *in)
	f.pool = types.UserPoolType{Id: f.pool.Id, SchemaAttributes: f.pool.SchemaAttributes}
	err := copySettings(in, &f.pool)
	f.pool.Name = in.PoolName
	f.afterUpdate()
	return err
}

func (f *fakePool) updateClient(in *cognito.UpdateUserPoolClientInput) error {
	f.calls, f.client = append(f.calls, "UpdateUserPoolClient"), append(f.client, *in)
	client := f.find(in.ClientId)
	*client = types.UserPoolClientType{}
	err := copySettings(in, client)
	f.afterUpdate()
	return err
}

func (f *fakePool) afterUpdate() {
	if f.forget != nil {
		f.forget()
	}
}

func (f *fakePool) addAttributes(in *cognito.AddCustomAttributesInput) {
	f.calls = append(f.calls, "AddCustomAttributes")
	for _, a := range in.CustomAttributes {
		a.Name = aws.String("custom:" + *a.Name)
		f.pool.SchemaAttributes = append(f.pool.SchemaAttributes, a)
	}
}

// fill sets every field of a struct, however deep, so that a field that is left out is noticed.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("k"), reflect.ValueOf("v"))
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int32, reflect.Int64:
		v.SetInt(7)
	}
}

// full is a pool and a client in which every field is set, but for the triggers that Attach sets.
func full() *fakePool {
	f := &fakePool{clients: make([]types.UserPoolClientType, 1)}
	fill(reflect.ValueOf(&f.pool).Elem())
	fill(reflect.ValueOf(&f.clients[0]).Elem())
	for _, t := range attached {
		*t.field(f.pool.LambdaConfig) = nil
	}
	f.pool.Policies.PasswordPolicy.TemporaryPasswordValidityDays = 0
	f.pool.EmailConfiguration.EmailSendingAccount = types.EmailSendingAccountTypeDeveloper
	f.clients[0].WriteAttributes = nil
	return f
}

var ours = Functions{Trigger: "arn:trigger", Datamover: "arn:datamover"}

func apply(t *testing.T, plan *Plan, err error) []Change {
	t.Helper()
	require.NoError(t, err)
	require.NoError(t, plan.Apply(t.Context()))
	return plan.Changes
}

// TestRequestsCarryEverySetting compares, field by field, what Describe returned with what the updates send.
func TestRequestsCarryEverySetting(t *testing.T) {
	f := full()
	before, client := f.pool, f.clients[0]
	plan, err := f.attacher().Attach(t.Context(), ours, Options{})
	apply(t, plan, err)

	sent := reflect.ValueOf(f.updates[0])
	for i := range sent.NumField() {
		name := sent.Type().Field(i).Name
		described := reflect.ValueOf(before).FieldByName(name)
		if !described.IsValid() || !sent.Type().Field(i).IsExported() || name == "LambdaConfig" || name == "UserPoolTags" {
			continue
		}
		assert.False(t, sent.Field(i).IsZero(), name)
		assert.Equal(t, described.Interface(), sent.Field(i).Interface(), name)
	}
	assert.Equal(t, before.Id, f.updates[0].UserPoolId)
	assert.Equal(t, before.Name, f.updates[0].PoolName)
	assert.Equal(t, "v", f.updates[0].UserPoolTags["k"])
	assert.Equal(t, before.LambdaConfig.PreSignUp, f.updates[0].LambdaConfig.PreSignUp, "other triggers stay")

	sentClient := reflect.ValueOf(f.client[0])
	for i := range sentClient.NumField() {
		name := sentClient.Type().Field(i).Name
		described := reflect.ValueOf(client).FieldByName(name)
		if !described.IsValid() || !sentClient.Type().Field(i).IsExported() || name == "WriteAttributes" {
			continue
		}
		assert.Equal(t, reflect.Indirect(described).Interface(), reflect.Indirect(sentClient.Field(i)).Interface(), name)
	}
}

func TestAttachInTheSafeOrder(t *testing.T) {
	f := full()
	f.clients = append(f.clients,
		types.UserPoolClientType{
			ClientId: aws.String("b"), ClientName: aws.String("b"), WriteAttributes: []string{"email", stagingSub},
		},
		types.UserPoolClientType{ClientId: aws.String("c"), ClientName: aws.String("c"), WriteAttributes: []string{"email"}})
	f.pool.SchemaAttributes = []types.SchemaAttributeType{{Name: aws.String("email")}, {Name: aws.String("custom:plan")}}
	plan, err := f.attacher().Attach(t.Context(), ours, Options{})
	changes := apply(t, plan, err)
	calls := []string{"UpdateUserPoolClient", "UpdateUserPoolClient", "AddCustomAttributes", "UpdateUserPool"}
	assert.Equal(t, calls, f.calls)
	assert.Len(t, changes, 7)
	for _, c := range f.clients {
		assert.NotEmpty(t, c.WriteAttributes, "an empty list means everything")
		assert.NotContains(t, c.WriteAttributes, stagingSub)
	}
	assert.Contains(t, f.clients[0].WriteAttributes, "custom:plan")
	assert.Equal(t, []string{"email"}, f.clients[1].WriteAttributes)
	added := f.pool.SchemaAttributes[2]
	assert.Equal(t, stagingSub, *added.Name)
	assert.True(t, *added.Mutable, "the migration trigger must be able to fill it")
	assert.Equal(t, "arn:trigger", *f.pool.LambdaConfig.UserMigration)
	assert.Equal(t, "arn:datamover", *f.pool.LambdaConfig.PostConfirmation)
	assert.Equal(t, "arn:datamover", *f.pool.LambdaConfig.PostAuthentication)
	assert.Equal(t, "arn:trigger", *f.pool.LambdaConfig.CustomMessage)

	f.calls = nil
	plan, err = f.attacher().Attach(t.Context(), ours, Options{})
	assert.Empty(t, apply(t, plan, err), "a second time there is nothing to do")
	assert.Empty(t, f.calls)
}

func TestPlanWritesNothing(t *testing.T) {
	f := full()
	_, err := f.attacher().Attach(t.Context(), ours, Options{})
	require.NoError(t, err)
	assert.Empty(t, f.calls)
}

func TestDisplacedTriggerIsRestored(t *testing.T) {
	f := full()
	f.pool.LambdaConfig.PostAuthentication = aws.String("arn:theirs")
	before, _ := json.Marshal(f.pool.LambdaConfig)
	_, err := f.attacher().Attach(t.Context(), ours, Options{})
	require.ErrorIs(t, err, ErrDisplaces)
	assert.ErrorContains(t, err, "PostAuthentication is arn:theirs")

	plan, err := f.attacher().Attach(t.Context(), ours, Options{Displace: true})
	apply(t, plan, err)
	assert.Equal(t, "arn:datamover", *f.pool.LambdaConfig.PostAuthentication)
	assert.Equal(t, "arn:theirs", f.pool.UserPoolTags["spaceport-migration:displaced:PostAuthentication"])
	plan, err = f.attacher().Attach(t.Context(), ours, Options{Displace: true})
	assert.Empty(t, apply(t, plan, err), "a second attach does not forget it")

	plan, err = f.attacher().Detach(t.Context(), ours)
	apply(t, plan, err)
	after, _ := json.Marshal(f.pool.LambdaConfig)
	assert.JSONEq(t, string(before), string(after))
	assert.Equal(t, map[string]string{"k": "v"}, f.pool.UserPoolTags)
	plan, err = f.attacher().Detach(t.Context(), ours)
	assert.Empty(t, apply(t, plan, err))
}

func TestDetachLeavesTriggersOfOtherFunctions(t *testing.T) {
	f := full()
	f.pool.LambdaConfig.UserMigration = aws.String("arn:trigger")
	f.pool.LambdaConfig.PostConfirmation = aws.String("arn:datamover")
	f.pool.LambdaConfig.PostAuthentication = aws.String("arn:theirs")
	f.pool.LambdaConfig.CustomMessage = aws.String("arn:theirs")
	plan, err := f.attacher().Detach(t.Context(), ours)
	apply(t, plan, err)
	assert.Equal(t, []string{"PostAuthentication is arn:theirs", "CustomMessage is arn:theirs"}, plan.Left)
	assert.Equal(t, "arn:theirs", *f.pool.LambdaConfig.PostAuthentication)
	assert.Nil(t, f.pool.LambdaConfig.PostConfirmation)
	assert.Nil(t, f.pool.LambdaConfig.UserMigration)
}

// TestDetachDemandsBothFunctions: with a wrong ARN, one of the two would remain alone.
func TestDetachDemandsBothFunctions(t *testing.T) {
	const none, other = "", "arn:other"
	for name, tt := range map[string]struct {
		migration, hook string
		want            string // part of the error, or "" if the pool may be detached
	}{
		"both": {ours.Trigger, ours.Datamover, ""},
		"the trigger's ARN is wrong": {other, ours.Datamover,
			"arn:trigger is not attached to this pool: UserMigration is arn:other"},
		"the hook's ARN is wrong": {ours.Trigger, other,
			"arn:datamover is not attached to this pool: PostConfirmation is arn:other"},
		"both are wrong": {other, "arn:another",
			"arn:trigger is not attached to this pool: UserMigration is arn:other"},
		"another version":          {ours.Trigger + ":2", ours.Datamover, "UserMigration is arn:trigger:2"},
		"exchanged":                {ours.Datamover, ours.Trigger, "UserMigration is arn:datamover"},
		"detached before":          {none, none, ""},
		"detached, with theirs":    {none, other, ""},
		"only the hook is left":    {none, ours.Datamover, ""},
		"only the trigger is left": {ours.Trigger, none, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := full()
			for _, set := range []struct {
				trigger Trigger
				arn     string
			}{{UserMigration, tt.migration}, {PostConfirmation, tt.hook}, {PostAuthentication, tt.hook}} {
				set.trigger.set(f.pool.LambdaConfig, set.arn)
			}
			plan, err := f.attacher().Detach(t.Context(), ours)
			if tt.want != "" {
				require.ErrorIs(t, err, ErrNotAttached)
				assert.ErrorContains(t, err, tt.want)
				assert.Empty(t, f.updates)
				return
			}
			apply(t, plan, err)
			for _, trigger := range attached {
				assert.NotContains(t, []string{ours.Trigger, ours.Datamover}, trigger.Of(f.pool.LambdaConfig))
			}
		})
	}
}

func TestCustomMessageOnlyWithSES(t *testing.T) {
	for name, tt := range map[string]struct {
		sender types.EmailSendingAccountType
		opt    Options
	}{
		"default sender": {types.EmailSendingAccountTypeCognitoDefault, Options{}},
		"not wanted":     {types.EmailSendingAccountTypeDeveloper, Options{KeepCustomMessage: true}},
	} {
		f := full()
		f.pool.EmailConfiguration.EmailSendingAccount = tt.sender
		f.pool.LambdaConfig.CustomMessage = aws.String("arn:theirs")
		plan, err := f.attacher().Attach(t.Context(), ours, tt.opt)
		apply(t, plan, err)
		assert.Equal(t, "arn:theirs", *f.pool.LambdaConfig.CustomMessage, name)
	}
}

func TestTemporaryPasswordValidityIsSentOnce(t *testing.T) {
	f := full()
	f.pool.Policies.PasswordPolicy.TemporaryPasswordValidityDays = 7
	plan, err := f.attacher().Attach(t.Context(), ours, Options{})
	apply(t, plan, err)
	assert.Zero(t, f.updates[0].AdminCreateUserConfig.UnusedAccountValidityDays)
}

func TestPoolIsReadBack(t *testing.T) {
	f := full()
	f.forget = func() {
		if len(f.updates) > 0 {
			f.pool.MfaConfiguration = types.UserPoolMfaTypeOff
		}
	}
	plan, err := f.attacher().Attach(t.Context(), ours, Options{})
	require.NoError(t, err)
	assert.EqualError(t, plan.Apply(t.Context()),
		`pool: differs after the update; correct it by hand: its MfaConfiguration is "OFF", and was "x"`)
}

func TestClientsAreReadBack(t *testing.T) {
	f := full()
	f.forget = func() {
		slices.Reverse(f.clients[0].WriteAttributes) // the order does not matter
		f.clients[0].AccessTokenValidity = aws.Int32(1)
	}
	plan, err := f.attacher().Attach(t.Context(), ours, Options{})
	require.NoError(t, err)
	assert.EqualError(t, plan.Apply(t.Context()),
		"app client x: differs after the update; correct it by hand: its AccessTokenValidity is 1, and was 7")
}

func TestConcurrentChangeIsNotUndone(t *testing.T) {
	for name, change := range map[string]func(*fakePool){
		"pool: ":         func(f *fakePool) { f.pool.MfaConfiguration = types.UserPoolMfaTypeOff },
		"app client x: ": func(f *fakePool) { f.clients[0].AccessTokenValidity = aws.Int32(1) },
	} {
		f := full()
		plan, err := f.attacher().Attach(t.Context(), ours, Options{})
		require.NoError(t, err)
		change(f)
		err = plan.Apply(t.Context())
		require.ErrorIs(t, err, ErrChanged)
		assert.ErrorContains(t, err, name)
		assert.NotContains(t, f.calls, "UpdateUserPool")
		plan, err = f.attacher().Attach(t.Context(), ours, Options{})
		apply(t, plan, err)
	}
}

func TestTagsOfAWSAreNotSent(t *testing.T) {
	f := full()
	f.pool.UserPoolTags = map[string]string{"aws:cloudformation:stack-name": "s", "k": "v"}
	plan, err := f.attacher().Attach(t.Context(), ours, Options{})
	apply(t, plan, err)
	assert.Equal(t, map[string]string{"k": "v"}, f.updates[0].UserPoolTags)
}

func TestTriggerOf(t *testing.T) {
	config := full().pool.LambdaConfig
	for _, trigger := range []Trigger{PreSignUp, PreAuthentication, PreTokenGeneration, CustomEmailSender} {
		assert.Equal(t, "x", trigger.Of(config), trigger)
	}
	for _, trigger := range attached {
		assert.Empty(t, trigger.Of(config), trigger)
		assert.Empty(t, trigger.Of(nil), trigger)
		*trigger.field(config) = aws.String("arn:" + string(trigger))
		assert.Equal(t, "arn:"+string(trigger), trigger.Of(config))
	}
	config.PreTokenGeneration, config.PreTokenGenerationConfig.LambdaArn = nil, aws.String("newer")
	assert.Equal(t, "newer", PreTokenGeneration.Of(config))
	config.PreTokenGeneration, config.PreTokenGenerationConfig = aws.String("older"), nil
	assert.Equal(t, "older", PreTokenGeneration.Of(config))
	config.CustomEmailSender = nil
	assert.Empty(t, CustomEmailSender.Of(config))
}

// TestNoWriteListHasTheStagingSub: an empty list would allow it too.
func TestNoWriteListHasTheStagingSub(t *testing.T) {
	for _, list := range [][]string{nil, {stagingSub}, {"name", stagingSub}, {"name"}, restricted(nil, nil)} {
		got := restricted(list, []string{"custom:plan", stagingSub})
		assert.NotEmpty(t, got, list)
		assert.NotContains(t, got, stagingSub)
		assert.Equal(t, got, restricted(got, nil), "attached again, nothing changes")
		assert.Equal(t, len(list) == 0, slices.Contains(got, "custom:plan"))
	}
}
