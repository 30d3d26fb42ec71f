// Package spaceport is Spaceport's two accounts as they are deployed, in a local cloud: user pools, tables, roles, and
// the real Lambda binaries behind production's triggers.
package spaceport

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/infra/rehearsal/lambdahost"
)

// Names of the two functions, as deployed.
const (
	Trigger   = "Spaceport-Migration-trigger"
	Datamover = "Spaceport-Migration-datamover"

	Background = Datamover + "-background" // the second function of the datamover
)

const (
	externalID = "spaceport-migration"
	// As deployed, but without "staging" in the name: here a role has its caller's name in both accounts.
	triggerRole   = "arn:aws:iam::" + cloud.StagingAccount + ":role/" + Trigger
	datamoverRole = "arn:aws:iam::" + cloud.StagingAccount + ":role/" + Datamover
)

// Spaceport is both accounts, running. The clients Staging and Production may do everything there, to seed and to
// inspect; App is what a user's browser has: no credentials.
type Spaceport struct {
	Cloud   *cloud.Cloud
	Lambdas *lambdahost.Host

	StagingPool, StagingClient      string
	ProductionPool, ProductionApp   string
	Staging, Production, App        *cognito.Client
	StagingTables, ProductionTables *dynamodb.Client

	Settings settings.Settings // what the functions were started with

	root        string
	groups      string
	operatorMay []string // in production
}

// Options of a Spaceport; the zero value is as deployed.
type Options struct {
	Cloud  cloud.Options     // Moto is filled in
	Env    map[string]string // of both functions, overrides the defaults
	Groups string            // MigrateGroups of both stacks
}

// Installed returns what is missing to start, or nil. make installs and builds it.
func Installed() error {
	root, err := root()
	if err != nil {
		return err
	}
	bulk := filepath.Join(root, ".build", "bulk")
	for _, path := range []string{moto(root), binary(root, "trigger"), binary(root, "datamover"), bulk} {
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("%s is missing: make demo, make rehearsal and make test install and build it", path)
		}
	}
	return nil
}

// Root is the folder of this repository.
func (s *Spaceport) Root() string { return s.root }

// Bulk is the operator's command as built for this machine.
func (s *Spaceport) Bulk() string { return filepath.Join(s.root, ".build", "bulk") }

func moto(root string) string         { return filepath.Join(root, ".venv", "bin", "moto_server") }
func binary(root, name string) string { return filepath.Join(root, ".build", name, "bootstrap") }

// root is the folder of go.mod, at or above the working directory. The go command is not run: a Ctrl-C would end it
// first.
func root() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find go.mod: %w", err)
	}
	for folder := start; ; folder = filepath.Dir(folder) {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		if folder == filepath.Dir(folder) {
			return "", fmt.Errorf("find go.mod: %s is not in this repository", start)
		}
	}
}

// Start makes both accounts and attaches the functions. Close it.
func Start(ctx context.Context, o Options) (*Spaceport, error) {
	if err := Installed(); err != nil {
		return nil, err
	}
	root, err := root()
	if err != nil {
		return nil, err
	}
	o.Cloud.Moto = moto(root)
	c, err := cloud.Start(ctx, o.Cloud)
	if err != nil {
		return nil, err
	}
	s := &Spaceport{
		root:    root,
		groups:  o.Groups,
		Cloud:   c,
		Lambdas: lambdahost.New(lambdahost.Options{Region: c.Region(), Account: cloud.ProductionAccount}),
	}
	c.SetFunctions(s.Lambdas)
	s.connect()
	if err := s.build(ctx, root, o.Env); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Spaceport) build(ctx context.Context, root string, env map[string]string) error {
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"make staging pool", s.makeStagingPool},
		{"make production pool", s.makeProductionPool},
		{"make tables", s.makeTables},
		{"make functions", func(context.Context) error { return s.makeFunctions(root, env) }},
		{"make operator", s.makeOperator},
	} {
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	s.Cloud.ResetRequests()
	return nil
}

// Close stops the functions and the cloud.
func (s *Spaceport) Close() error { return errors.Join(s.Lambdas.Close(), s.Cloud.Close()) }

// Config is an SDK configuration for an identity in this cloud.
func (s *Spaceport) Config(who aws.Credentials) aws.Config {
	return aws.Config{
		Region: s.Cloud.Region(), BaseEndpoint: aws.String(s.Cloud.URL()),
		Credentials: credentials.StaticCredentialsProvider{Value: who},
	}
}

func (s *Spaceport) connect() {
	staging, production := s.Config(s.Cloud.StagingAdmin()), s.Config(s.Cloud.ProductionAdmin())
	s.Staging, s.Production = cognito.NewFromConfig(staging), cognito.NewFromConfig(production)
	s.StagingTables, s.ProductionTables = dynamodb.NewFromConfig(staging), dynamodb.NewFromConfig(production)
	production.Credentials = aws.AnonymousCredentials{}
	s.App = cognito.NewFromConfig(production, func(o *cognito.Options) { o.RetryMaxAttempts = 1 })
}

// makeFunctions starts both as the stacks deploy them, each with an identity that has only the permissions of its role.
func (s *Spaceport) makeFunctions(root string, extra map[string]string) error {
	for _, f := range []struct {
		folder, resource, role, stagingRole string
		principals                          []string // functions that share the role
	}{
		{"trigger", "Trigger", "TriggerRole", triggerRole, []string{Trigger}},
		{"datamover", "Datamover", "DatamoverRole", datamoverRole, []string{Datamover, Background}},
		{"datamover", "Background", "DatamoverRole", datamoverRole, []string{Datamover, Background}},
	} {
		inStaging, err := s.mayInStaging(f.role)
		if err != nil {
			return err
		}
		s.Cloud.AllowRole(
			cloud.Role{ARN: f.stagingRole, ExternalID: externalID, Principals: f.principals, Allow: inStaging},
		)
		inProduction, err := s.mayInProduction(f.role)
		if err != nil {
			return err
		}
		deployed, err := s.function(f.resource)
		if err != nil {
			return err
		}
		deployed.Binary, deployed.Policy = binary(root, f.folder), s.invocablePolicy(deployed.Name)
		environment := s.Environment(s.Cloud.Credentials(deployed.Name, inProduction...), f.stagingRole)
		for name, value := range environment {
			if strings.HasPrefix(name, "AWS_") {
				deployed.Env[name] = value
			}
		}
		maps.Copy(deployed.Env, extra)
		if err := s.Lambdas.Create(deployed); err != nil {
			return err
		}
		maps.Copy(environment, extra)
		if s.Settings, err = settings.Read(func(name string) string { return environment[name] }); err != nil {
			return err
		}
	}
	return nil
}

// invocablePolicy lets Cognito invoke a function, for the production pool only.
func (s *Spaceport) invocablePolicy(function string) string {
	return fmt.Sprintf(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cognito-idp.amazonaws.com"},`+
			`"Action":"lambda:InvokeFunction","Resource":%q,"Condition":{"StringEquals":{"AWS:SourceAccount":%q},`+
			`"ArnLike":{"AWS:SourceArn":%q}}}]}`,
		s.arn(function),
		cloud.ProductionAccount,
		"arn:aws:cognito-idp:"+s.Cloud.Region()+":"+cloud.ProductionAccount+":userpool/"+s.ProductionPool,
	)
}

// Environment is what a binary of ours needs in this cloud: an identity and its staging role.
func (s *Spaceport) Environment(who aws.Credentials, role string) map[string]string {
	return map[string]string{
		"AWS_ACCESS_KEY_ID": who.AccessKeyID, "AWS_SECRET_ACCESS_KEY": who.SecretAccessKey, "AWS_ENDPOINT_URL": s.Cloud.URL(),
		"STAGING_USER_POOL_ID": s.StagingPool, "STAGING_CLIENT_ID": s.StagingClient, "STAGING_ROLE_ARN": role,
		"STAGING_EXTERNAL_ID": externalID, "PRODUCTION_USER_POOL_ID": s.ProductionPool, "BACKGROUND_FUNCTION": Background,
		"MIGRATE_GROUPS": s.groups,
	}
}
