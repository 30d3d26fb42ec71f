package attach

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
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
}

func (f *fakePool) DescribeUserPool(context.Context, *cognito.DescribeUserPoolInput, ...func(*cognito.Options)) (*cognito.DescribeUserPoolOutput, error) {
	pool := f.pool
	return &cognito.DescribeUserPoolOutput{UserPool: &pool}, nil
}

func (f *fakePool) UpdateUserPool(_ context.Context, in *cognito.UpdateUserPoolInput, _ ...func(*cognito.Options)) (*cognito.UpdateUserPoolOutput, error) {
	f.calls = append(f.calls, "UpdateUserPool")
	f.updates = append(f.updates, *in)
	reset := types.UserPoolType{Id: f.pool.Id, SchemaAttributes: f.pool.SchemaAttributes}
	if err := carryOver(in, &reset); err != nil {
		return nil, err
	}
	reset.Name = in.PoolName
	f.pool = reset
	return &cognito.UpdateUserPoolOutput{}, nil
}

func (f *fakePool) ListUserPoolClients(context.Context, *cognito.ListUserPoolClientsInput, ...func(*cognito.Options)) (*cognito.ListUserPoolClientsOutput, error) {
	out := &cognito.ListUserPoolClientsOutput{}
	for _, c := range f.clients {
		out.UserPoolClients = append(out.UserPoolClients, types.UserPoolClientDescription{ClientId: c.ClientId})
	}
	return out, nil
}

func (f *fakePool) DescribeUserPoolClient(_ context.Context, in *cognito.DescribeUserPoolClientInput, _ ...func(*cognito.Options)) (*cognito.DescribeUserPoolClientOutput, error) {
	i := slices.IndexFunc(f.clients, func(c types.UserPoolClientType) bool { return *c.ClientId == *in.ClientId })
	client := f.clients[i]
	return &cognito.DescribeUserPoolClientOutput{UserPoolClient: &client}, nil
}

func (f *fakePool) UpdateUserPoolClient(_ context.Context, in *cognito.UpdateUserPoolClientInput, _ ...func(*cognito.Options)) (*cognito.UpdateUserPoolClientOutput, error) {
	f.calls = append(f.calls, "UpdateUserPoolClient")
	f.client = append(f.client, *in)
	i := slices.IndexFunc(f.clients, func(c types.UserPoolClientType) bool { return *c.ClientId == *in.ClientId })
	reset := types.UserPoolClientType{}
	if err := carryOver(in, &reset); err != nil {
		return nil, err
	}
	f.clients[i] = reset
	return &cognito.UpdateUserPoolClientOutput{}, nil
}

func (f *fakePool) AddCustomAttributes(_ context.Context, in *cognito.AddCustomAttributesInput, _ ...func(*cognito.Options)) (*cognito.AddCustomAttributesOutput, error) {
	f.calls = append(f.calls, "AddCustomAttributes")
	for _, a := range in.CustomAttributes {
		a.Name = aws.String("custom:" + *a.Name)
		f.pool.SchemaAttributes = append(f.pool.SchemaAttributes, a)
	}
	return &cognito.AddCustomAttributesOutput{}, nil
}

// fill puts something into every field of a struct, however deep, so that nothing is left out unseen.
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

// full is a pool and a client in which every settable field is set, with triggers of nobody.
func full() *fakePool {
	f := &fakePool{clients: make([]types.UserPoolClientType, 1)}
	fill(reflect.ValueOf(&f.pool).Elem())
	fill(reflect.ValueOf(&f.clients[0]).Elem())
	for _, s := range slots {
		*s.at(f.pool.LambdaConfig) = nil
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
	plan, err := New(f, "pool").Attach(t.Context(), ours, Options{})
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
	f.clients = append(f.clients, types.UserPoolClientType{ClientId: aws.String("b"), ClientName: aws.String("b"), WriteAttributes: []string{"email", stagingSub}},
		types.UserPoolClientType{ClientId: aws.String("c"), ClientName: aws.String("c"), WriteAttributes: []string{"email"}})
	f.pool.SchemaAttributes = []types.SchemaAttributeType{{Name: aws.String("email")}, {Name: aws.String("custom:plan")}}
	plan, err := New(f, "pool").Attach(t.Context(), ours, Options{})
	changes := apply(t, plan, err)
	assert.Equal(t, []string{"UpdateUserPoolClient", "UpdateUserPoolClient", "AddCustomAttributes", "UpdateUserPool"}, f.calls)
	assert.Len(t, changes, 7)
	for _, c := range f.clients {
		assert.NotEmpty(t, c.WriteAttributes, "an empty list means everything")
		assert.NotContains(t, c.WriteAttributes, stagingSub)
	}
	assert.Contains(t, f.clients[0].WriteAttributes, "custom:plan")
	assert.Equal(t, []string{"email"}, f.clients[1].WriteAttributes)
	added := f.pool.SchemaAttributes[2]
	assert.Equal(t, stagingSub, *added.Name)
	assert.False(t, *added.Mutable)
	assert.Equal(t, "arn:trigger", *f.pool.LambdaConfig.UserMigration)
	assert.Equal(t, "arn:datamover", *f.pool.LambdaConfig.PostConfirmation)
	assert.Equal(t, "arn:datamover", *f.pool.LambdaConfig.PostAuthentication)
	assert.Equal(t, "arn:trigger", *f.pool.LambdaConfig.CustomMessage)

	f.calls = nil
	plan, err = New(f, "pool").Attach(t.Context(), ours, Options{})
	assert.Empty(t, apply(t, plan, err), "a second time there is nothing to do")
	assert.Empty(t, f.calls)
}

func TestPlanWritesNothing(t *testing.T) {
	f := full()
	_, err := New(f, "pool").Attach(t.Context(), ours, Options{})
	require.NoError(t, err)
	assert.Empty(t, f.calls)
}

func TestSomebodyElsesTriggerIsKeptAndBroughtBack(t *testing.T) {
	f := full()
	f.pool.LambdaConfig.PostAuthentication = aws.String("arn:theirs")
	before, _ := json.Marshal(f.pool.LambdaConfig)
	_, err := New(f, "pool").Attach(t.Context(), ours, Options{})
	require.ErrorIs(t, err, ErrDisplaces)
	assert.ErrorContains(t, err, "PostAuthentication is arn:theirs")

	plan, err := New(f, "pool").Attach(t.Context(), ours, Options{Displace: true})
	apply(t, plan, err)
	assert.Equal(t, "arn:datamover", *f.pool.LambdaConfig.PostAuthentication)
	assert.Equal(t, "arn:theirs", f.pool.UserPoolTags["spaceport-migration:displaced:PostAuthentication"])
	plan, err = New(f, "pool").Attach(t.Context(), ours, Options{Displace: true})
	assert.Empty(t, apply(t, plan, err), "and is not forgotten by a second attach")

	plan, err = New(f, "pool").Detach(t.Context(), ours)
	apply(t, plan, err)
	after, _ := json.Marshal(f.pool.LambdaConfig)
	assert.JSONEq(t, string(before), string(after))
	assert.Equal(t, map[string]string{"k": "v"}, f.pool.UserPoolTags)
	plan, err = New(f, "pool").Detach(t.Context(), ours)
	assert.Empty(t, apply(t, plan, err))
}

func TestDetachLeavesWhatIsNotOurs(t *testing.T) {
	f := full()
	f.pool.LambdaConfig.UserMigration = aws.String("arn:theirs")
	f.pool.LambdaConfig.PostConfirmation = aws.String("arn:datamover")
	plan, err := New(f, "pool").Detach(t.Context(), ours)
	apply(t, plan, err)
	assert.Equal(t, []string{"UserMigration is arn:theirs"}, plan.Left)
	assert.Equal(t, "arn:theirs", *f.pool.LambdaConfig.UserMigration)
	assert.Nil(t, f.pool.LambdaConfig.PostConfirmation)
}

func TestLetterOnlyWhereItCanBeSent(t *testing.T) {
	for name, tt := range map[string]struct {
		sender types.EmailSendingAccountType
		opt    Options
	}{"default sender": {types.EmailSendingAccountTypeCognitoDefault, Options{}}, "not wanted": {types.EmailSendingAccountTypeDeveloper, Options{NoLetter: true}}} {
		f := full()
		f.pool.EmailConfiguration.EmailSendingAccount = tt.sender
		f.pool.LambdaConfig.CustomMessage = aws.String("arn:theirs")
		plan, err := New(f, "pool").Attach(t.Context(), ours, tt.opt)
		apply(t, plan, err)
		assert.Equal(t, "arn:theirs", *f.pool.LambdaConfig.CustomMessage, name)
	}
}

func TestTemporaryPasswordDaysExcludeTheirOldName(t *testing.T) {
	f := full()
	f.pool.Policies.PasswordPolicy.TemporaryPasswordValidityDays = 7
	plan, err := New(f, "pool").Attach(t.Context(), ours, Options{})
	require.NoError(t, err)
	for _, c := range plan.Changes {
		if c.make != nil {
			require.NoError(t, c.make(t.Context()))
		}
	}
	assert.Zero(t, f.updates[0].AdminCreateUserConfig.UnusedAccountValidityDays)
}

// lossy forgets a setting that it was sent.
type lossy struct{ *fakePool }

func (l lossy) UpdateUserPool(ctx context.Context, in *cognito.UpdateUserPoolInput, o ...func(*cognito.Options)) (*cognito.UpdateUserPoolOutput, error) {
	out, err := l.fakePool.UpdateUserPool(ctx, in, o...)
	l.pool.MfaConfiguration = types.UserPoolMfaTypeOff
	return out, err
}

func TestWhatTheUpdateChangedBesidesIsNamed(t *testing.T) {
	plan, err := New(lossy{full()}, "pool").Attach(t.Context(), ours, Options{})
	require.NoError(t, err)
	assert.ErrorContains(t, plan.Apply(t.Context()), `pool: after the update its MfaConfiguration is "OFF", and was "x"; set it right by hand`)
}

// forgetful forgets a setting of a client that it was sent, and puts a list into another order.
type forgetful struct{ *fakePool }

func (f forgetful) UpdateUserPoolClient(ctx context.Context, in *cognito.UpdateUserPoolClientInput, o ...func(*cognito.Options)) (*cognito.UpdateUserPoolClientOutput, error) {
	out, err := f.fakePool.UpdateUserPoolClient(ctx, in, o...)
	slices.Reverse(f.clients[0].WriteAttributes)
	f.clients[0].AccessTokenValidity = aws.Int32(1)
	return out, err
}

func TestClientsAreReadBackToo(t *testing.T) {
	plan, err := New(forgetful{full()}, "pool").Attach(t.Context(), ours, Options{})
	require.NoError(t, err)
	assert.ErrorContains(t, plan.Apply(t.Context()), "app client x: after the update its AccessTokenValidity is 1, and was 7; set it right by hand")
}

func TestNobodysChangeIsTakenBack(t *testing.T) {
	for name, change := range map[string]func(*fakePool){
		"pool: ":         func(f *fakePool) { f.pool.MfaConfiguration = types.UserPoolMfaTypeOff },
		"app client x: ": func(f *fakePool) { f.clients[0].AccessTokenValidity = aws.Int32(1) },
	} {
		f := full()
		plan, err := New(f, "pool").Attach(t.Context(), ours, Options{})
		require.NoError(t, err)
		change(f)
		err = plan.Apply(t.Context())
		require.ErrorIs(t, err, ErrChanged)
		assert.ErrorContains(t, err, name)
		assert.NotContains(t, f.calls, "UpdateUserPool")
		plan, err = New(f, "pool").Attach(t.Context(), ours, Options{})
		apply(t, plan, err)
	}
}

func TestTagsOfAWSsOwnAreNotSent(t *testing.T) {
	f := full()
	f.pool.UserPoolTags = map[string]string{"aws:cloudformation:stack-name": "s", "k": "v"}
	plan, err := New(f, "pool").Attach(t.Context(), ours, Options{})
	apply(t, plan, err)
	assert.Equal(t, map[string]string{"k": "v"}, f.updates[0].UserPoolTags)
}
