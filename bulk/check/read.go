package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/spaceport/user-migration/bulk/attach"
	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/bulk/quota"
	"github.com/spaceport/user-migration/bulk/users"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// Fact is an answer of AWS, or why there is none.
type Fact[T any] struct {
	Value T
	Err   error
}

func fact[T any](value T, err error) Fact[T] { return Fact[T]{value, translate(err)} }

// ask sends one request of any service, and returns what get takes from the answer.
func ask[In, Out, Options, T any](
	ctx context.Context, send func(context.Context, *In, ...func(*Options)) (*Out, error), in *In, get func(*Out) *T,
) Fact[T] {
	out, err := send(ctx, in)
	if err != nil {
		return Fact[T]{Err: translate(err)}
	}
	return Fact[T]{Value: *cmp.Or(get(out), new(T))}
}

// Facts is what AWS says of both accounts.
type Facts struct {
	Settings settings.Settings
	Now      time.Time

	Operator                          sts.GetCallerIdentityOutput // in production
	StagingAccount                    Fact[string]
	ProductionRegion, StagingRegion   string
	Production, Staging               Fact[types.UserPoolType]
	ProductionClients, StagingClients Fact[[]types.UserPoolClientType]
	Policies                          map[string]Fact[string] // by the function's ARN
	Groups                            Fact[[]string]          // of staging
	ProductionGroups                  Fact[[]string]          // read if some are carried over
	// why a user's groups cannot be read in staging
	GroupsOf error
	Users    Fact[Statistics]                         // of staging
	Factors  Fact[cognito.GetUserPoolMfaConfigOutput] // of staging
	SES      Fact[sesv2.GetAccountOutput]             // in the Region of production's sender
	Ledger   Fact[dynamotypes.TableDescription]
	Tables   []TablePair
	Denied   Fact[[]string] // what a sweep needs in production, and the operator may not do
}

type awsAccount struct {
	aws.Config
	poolID string
	limits quota.Limits
}

func (a awsAccount) cognito() *cognito.Client {
	return cognito.NewFromConfig(a.Config, a.limits.Option)
}

func (a awsAccount) dynamodb() *dynamodb.Client { return dynamodb.NewFromConfig(a.Config) }
func (a awsAccount) pool() *userpool.Pool       { return userpool.New(a.cognito(), a.poolID) }
func (a awsAccount) rows() *rows.Store          { return rows.NewStore(a.dynamodb()) }

// Reader reads both accounts.
type Reader struct {
	settings            settings.Settings
	staging, production awsAccount
	iam                 iam.SimulatePrincipalPolicyAPIClient
	ledger              *ledger.Store
	app                 *cognito.Client // without credentials, as an app is
	patience            time.Duration   // for a move to complete
	lag                 time.Duration   // until ListUsers knows a new user ("Amazon Cognito API reference, ListUsers")
}

// NewReader returns a reader with the operator's configuration for each account.
func NewReader(production, staging aws.Config, s settings.Settings) *Reader {
	return &Reader{
		settings: s, patience: time.Minute, lag: 3 * time.Second,
		staging:    awsAccount{staging, s.StagingUserPoolID, quota.New(quota.Share, nil)},
		production: awsAccount{production, s.ProductionUserPoolID, quota.New(quota.Share, nil)},
		iam:        iam.NewFromConfig(production, func(o *iam.Options) { o.RetryMaxAttempts = 3 }), // for a warning only
		ledger:     ledger.New(dynamodb.NewFromConfig(production), s.LedgerTable),
		app: cognito.NewFromConfig(production, func(o *cognito.Options) {
			o.Credentials, o.Retryer = aws.AnonymousCredentials{}, aws.NopRetryer{} // staging counts every wrong password
		}),
	}
}

// Read reads everything, and writes nothing. An error means that nothing can be said: no credentials, no network.
func (r *Reader) Read(ctx context.Context, progress *console.Progress) (Facts, error) {
	f := Facts{Settings: r.settings, Now: time.Now(), Policies: map[string]Fact[string]{},
		ProductionRegion: r.production.Region, StagingRegion: r.staging.Region}
	operator, err := sts.NewFromConfig(r.production.Config).GetCallerIdentity(ctx, nil)
	if err != nil {
		return f, fmt.Errorf("ask AWS for the caller's identity: %w", err)
	}
	f.Operator = *operator
	f.StagingAccount = ask(ctx, sts.NewFromConfig(r.staging.Config).GetCallerIdentity, nil,
		func(out *sts.GetCallerIdentityOutput) *string { return out.Account })
	f.Production, f.ProductionClients = r.production.describePool(ctx), r.production.clients(ctx)
	f.Staging, f.StagingClients = r.staging.describePool(ctx), r.staging.clients(ctx)
	f.Groups = fact(r.staging.pool().Groups(ctx))
	if len(r.settings.Groups) > 0 {
		f.ProductionGroups = fact(r.production.pool().Groups(ctx))
		if _, err := r.staging.pool().GroupsOf(ctx, nobody); errors.Is(err, userpool.ErrAccessDenied) {
			f.GroupsOf = err
		}
	}
	for _, t := range needed {
		if function := t.Of(f.Production.Value.LambdaConfig); function != "" {
			f.Policies[function] = ask(ctx, lambda.NewFromConfig(r.production.Config).GetPolicy,
				&lambda.GetPolicyInput{FunctionName: &function}, func(out *lambda.GetPolicyOutput) *string { return out.Policy })
		}
	}
	f.Factors = ask(ctx, r.staging.cognito().GetUserPoolMfaConfig,
		&cognito.GetUserPoolMfaConfigInput{UserPoolId: &r.staging.poolID}, itself)
	if sender := f.Production.Value.EmailConfiguration; sender != nil && sender.EmailSendingAccount == "DEVELOPER" {
		from, _ := arn.Parse(aws.ToString(sender.SourceArn)) // quotas and sandbox are the Region's
		api := sesv2.NewFromConfig(r.production.Config, func(o *sesv2.Options) { o.Region = cmp.Or(from.Region, o.Region) })
		f.SES = ask(ctx, api.GetAccount, &sesv2.GetAccountInput{}, itself)
	}
	f.Ledger = r.production.describeTable(ctx, r.settings.LedgerTable)
	for _, t := range r.settings.Tables {
		f.Tables = append(f.Tables, r.readTables(ctx, t))
	}
	f.Denied = fact(r.denied(ctx, f))
	err = r.readUsers(ctx, &f, progress)
	return f, err
}

const nobody = "00000000-0000-4000-8000-000000000000" // no user has this name

func itself[T any](out *T) *T { return out }

func (a awsAccount) describePool(ctx context.Context) Fact[types.UserPoolType] {
	return ask(ctx, a.cognito().DescribeUserPool, &cognito.DescribeUserPoolInput{UserPoolId: &a.poolID},
		func(out *cognito.DescribeUserPoolOutput) *types.UserPoolType { return out.UserPool })
}

func (a awsAccount) clients(ctx context.Context) Fact[[]types.UserPoolClientType] {
	return fact(attach.Clients(ctx, a.cognito(), a.poolID))
}

func (a awsAccount) describeTable(ctx context.Context, name string) Fact[dynamotypes.TableDescription] {
	return ask(ctx, a.dynamodb().DescribeTable, &dynamodb.DescribeTableInput{TableName: &name},
		func(out *dynamodb.DescribeTableOutput) *dynamotypes.TableDescription { return out.Table })
}

func (r *Reader) readTables(ctx context.Context, t settings.Table) TablePair {
	_, err := r.staging.rows().Query(ctx, t, "no such user", "")
	p := TablePair{Table: t, From: r.staging.describeTable(ctx, t.Source), To: r.production.describeTable(ctx, t.Target)}
	p.Queried, p.Sample = translate(err), fact(p.sample(ctx, r.staging.rows()))
	p.TimeToLive = ask(ctx, r.production.dynamodb().DescribeTimeToLive,
		&dynamodb.DescribeTimeToLiveInput{TableName: &t.Target},
		func(out *dynamodb.DescribeTimeToLiveOutput) *dynamotypes.TimeToLiveDescription {
			return out.TimeToLiveDescription
		})
	return p
}

// sendsAny reports whether the number of reset emails does not matter.
func (f Facts) sendsAny() bool {
	limit := f.SES.Value.SendQuota
	return attach.CustomEmailSender.Of(f.Production.Value.LambdaConfig) != "" || limit != nil && limit.Max24HourSend < 0
}

// withoutReset returns the subs of users to whom a sweep sends no reset email, as far as the ledger can be read.
func (r *Reader) withoutReset(ctx context.Context, f Facts, progress *console.Progress) *users.EmailSet {
	subs := users.NewEmailSet()
	if f.sendsAny() {
		return subs
	}
	size := aws.ToInt64(f.Ledger.Value.ItemCount)
	defer progress.Start("Reading the ledger", "records", int(size)).End()
	for record, err := range r.ledger.All(ctx) {
		progress.Add(1)
		expected := record.CreatedBySweep() && record.ResetAt.IsZero() && record.SeenAt.IsZero() &&
			(record.State != ledger.Moved || !record.PasswordSetAt.IsZero()) // else a sign-in moved the data
		if err == nil && record.Bound() && !expected {
			subs.Add(record.StagingSub)
		}
	}
	return subs
}

func (r *Reader) readUsers(ctx context.Context, f *Facts, progress *console.Progress) (err error) {
	s, withoutReset := newStatistics(*f), r.withoutReset(ctx, *f, progress)
	task := progress.Start("Reading staging", "users", r.staging.pool().EstimatedSize(ctx))
	defer task.End()
	s.Statistics, err = users.Read(r.staging.pool().List(ctx), r.settings.StagingCutoff, users.NewEmailSet(),
		func(user userpool.User, reason userpool.Reason) error {
			task.Add(1)
			for _, t := range f.Tables {
				delete(t.Sample.Value.Unknown, user.Sub)
			}
			if reason == "" {
				s.count(user, *f, withoutReset)
			}
			return nil
		})
	for _, same := range s.SameEmail {
		_, err := users.Pairs(same, users.BoundIn(ctx, r.ledger))
		s.LedgerErr = cmp.Or(s.LedgerErr, translate(err))
	}
	f.Users = fact(s, err)
	if errors.As(err, new(smithy.APIError)) {
		return nil
	}
	return err
}

// denied asks IAM what of a sweep the operator may not do in production, to the resources that could be read.
func (r *Reader) denied(ctx context.Context, f Facts) ([]string, error) {
	rights, actions, arns := map[string]bool{}, map[string]bool{}, map[string]bool{}
	need := func(arn *string, names ...string) {
		for _, action := range names {
			if arn != nil {
				rights[right(action, *arn)], actions[action], arns[*arn] = true, true, true
			}
		}
	}
	need(f.Production.Value.Arn, "cognito-idp:ListUsers", "cognito-idp:AdminGetUser", "cognito-idp:AdminCreateUser",
		"cognito-idp:AdminSetUserPassword", "cognito-idp:AdminResetUserPassword")
	if len(r.settings.Groups) > 0 {
		need(f.Production.Value.Arn, "cognito-idp:AdminAddUserToGroup")
	}
	need(
		f.Ledger.Value.TableArn,
		"dynamodb:Scan",
		"dynamodb:GetItem",
		"dynamodb:BatchGetItem",
		"dynamodb:PutItem",
		"dynamodb:UpdateItem",
		"dynamodb:DeleteItem",
	)
	for _, t := range f.Tables {
		need(t.To.Value.TableArn, "dynamodb:BatchGetItem", "dynamodb:PutItem")
	}
	pages := iam.NewSimulatePrincipalPolicyPaginator(r.iam, &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: aws.String(roleOf(aws.ToString(f.Operator.Arn))),
		ActionNames:     slices.Sorted(maps.Keys(actions)), ResourceArns: slices.Sorted(maps.Keys(arns)),
	})
	for len(rights) > 0 && pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, result := range page.EvaluationResults { // of every action on every resource
			if result.EvalDecision == iamtypes.PolicyEvaluationDecisionTypeAllowed {
				delete(rights, right(aws.ToString(result.EvalActionName), aws.ToString(result.EvalResourceName)))
			}
		}
	}
	return slices.Sorted(maps.Keys(rights)), nil
}

func right(action, arn string) string { return action + " on " + path.Base(arn) }

// session matches the ARN of a role's session ("IAM user guide, IAM identifiers").
var session = regexp.MustCompile(`:sts:(.*):assumed-role/([^/]*)/.*`)

// roleOf returns the role of a session, and the ARN of any other caller as it is.
func roleOf(arn string) string { return session.ReplaceAllString(arn, ":iam:$1:role/$2") }

// Why something could not be read, in few words. Any other error is an outage, or something that this cloud lacks.
var errAccessDenied, errNotFound = errors.New("access denied"), errors.New("not found")

var inFewWords = map[string]error{
	"AccessDenied": errAccessDenied, "AccessDeniedException": errAccessDenied, "NotAuthorizedException": errAccessDenied,
	"ResourceNotFoundException": errNotFound,
}

func translate(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return err
	}
	return cmp.Or(inFewWords[api.ErrorCode()], fmt.Errorf("%s: %s", api.ErrorCode(), api.ErrorMessage()))
}
