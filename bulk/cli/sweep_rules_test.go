package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/cli"
	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// typing runs bulk on a terminal, where an operator types a line.
func (o *operator) typing(line string, args ...string) (code int, stderr string) {
	var out, errs bytes.Buffer
	streams := console.Streams{In: strings.NewReader(line + "\n"), Out: &out, Err: &errs, InTerminal: true}
	code = cli.Run(o.t.Context(), args, streams, func(name string) string { return o.env[name] })
	return code, errs.String()
}

func (o *operator) describe() *types.UserPoolType {
	out, err := o.Production.DescribeUserPool(o.t.Context(), &cognito.DescribeUserPoolInput{UserPoolId: &o.ProductionPool})
	require.NoError(o.t, err)
	return out.UserPool
}

// TestNothingIsWrittenWithoutThePoolsName holds for every command that asks for it.
func TestNothingIsWrittenWithoutThePoolsName(t *testing.T) {
	o := sweeper(t)
	o.add(spaceport.User{Name: "Ada", Email: "ada@example.com"})
	sweep := []string{"sweep", "--live", "--log-dir", t.TempDir()}
	for _, typed := range []string{"yes", "", o.ProductionPool, "spaceport-users-prod"} {
		code, errs := o.typing(typed, sweep...)
		assert.NotZero(t, code, typed)
		assert.Contains(t, errs, "type the pool's name")
	}
	assert.Empty(t, o.productionUsers())

	who := o.Cloud.Credentials("bulk", "cognito-idp:*")
	t.Setenv("AWS_ACCESS_KEY_ID", who.AccessKeyID)
	before := o.describe()
	detach := []string{"detach", "--live", "--trigger", *before.LambdaConfig.UserMigration, "--datamover",
		*before.LambdaConfig.PostAuthentication}
	code, errs := o.typing("yes", detach...)
	assert.Equal(t, 2, code, errs)
	assert.Contains(t, errs, `"yes" is not the pool's name: nothing was written`)
	assert.Equal(t, before, o.describe())
	code, errs = o.typing(*before.Name, detach...)
	assert.Zero(t, code, errs)
	assert.NotEqual(t, before, o.describe())
}

func TestThePoolsNameStartsASweep(t *testing.T) {
	o := sweeper(t)
	o.add(spaceport.User{Name: "Ada", Email: "ada@example.com"})
	code, errs := o.typing(*o.describe().Name, "sweep", "--live", "--log-dir", t.TempDir())
	assert.Zero(t, code, errs)
	assert.Equal(t, []string{"ada@example.com"}, o.productionUsers())
	assert.Regexp(t, `Sweeping: 1 user in .*\n.*migration_log_\S+ holds personal data: .*\n$`, errs)
}

// sender lets the pool send by Cognito's own sender, which is limited, or by a function.
func (o *operator) sender(function *types.CustomEmailLambdaVersionConfigType) {
	functions := *o.describe().LambdaConfig
	functions.CustomEmailSender = function
	if function != nil {
		functions.KMSKeyID = aws.String("arn:aws:kms:us-east-1:123456789012:key/1")
	}
	_, err := o.Production.UpdateUserPool(o.t.Context(), &cognito.UpdateUserPoolInput{
		UserPoolId: &o.ProductionPool, LambdaConfig: &functions,
		EmailConfiguration: &types.EmailConfigurationType{EmailSendingAccount: types.EmailSendingAccountTypeCognitoDefault},
	})
	require.NoError(o.t, err)
}

func TestALiveSweepSendsFiftyEmailsByTheDefaultSender(t *testing.T) {
	o := sweeper(t)
	for i := range 51 {
		o.add(spaceport.User{Name: "Ada", Email: fmt.Sprintf("ada%d@example.com", i)})
	}
	o.sender(nil)
	sweep := []string{"sweep", "--live", "--yes", "--log-dir", t.TempDir()}
	code, _, errs := o.bulk(sweep...)
	assert.Equal(t, 1, code)
	assert.Contains(t, errs,
		"sends at most 50 emails a day, not 51: configure SES, or use --notify none, or --limit 50, once a day")
	assert.Empty(t, o.productionUsers())

	code, _, errs = o.bulk(append(sweep, "--limit", "2")...)
	assert.Zero(t, code, errs)
	assert.Len(t, o.productionUsers(), 2)

	o.add(spaceport.User{Name: "Ada", Email: "ada51@example.com"})
	o.add(spaceport.User{Name: "Ada", Email: "ada52@example.com"})
	o.sender(&types.CustomEmailLambdaVersionConfigType{
		LambdaArn:     aws.String("arn:aws:lambda:us-east-1:123456789012:function:sender"),
		LambdaVersion: types.CustomEmailSenderLambdaVersionTypeV10,
	})
	code, out, errs := o.bulk("sweep", "--json", "--log-dir", t.TempDir())
	assert.Zero(t, code, errs)
	var run struct {
		Planned struct{ Resets int }
		Refused string
	}
	require.NoError(t, json.Unmarshal([]byte(out), &run))
	assert.Equal(t, 51, run.Planned.Resets)
	assert.Empty(t, run.Refused, "a custom email sender has no such limit")
}

// TestAnErrorThatHitsEveryUserEndsASweep at once; any other is only that user's.
func TestAnErrorThatHitsEveryUserEndsASweep(t *testing.T) {
	for kind, want := range map[cloud.FaultKind]int{cloud.AccessDenied: 1, cloud.ServerError: 3} {
		o := sweeper(t)
		for i := range 4 {
			o.add(spaceport.User{Name: "Ada", Email: fmt.Sprintf("ada%d@example.com", i)})
		}
		pause := cli.Limits
		cli.Limits.Attempts = 1
		o.Cloud.Inject(cloud.Fault{Operation: "AdminCreateUser", Kind: kind})
		code, _, errs := o.bulk("sweep", "--live", "--yes", "--log-dir", t.TempDir())
		cli.Limits = pause
		assert.Equal(t, want, code, errs)
		assert.Equal(t, want == 1, strings.Contains(errs, "aborted: "), errs)
	}
}
