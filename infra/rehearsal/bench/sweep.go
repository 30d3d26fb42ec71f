package bench

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"golang.org/x/sync/errgroup"

	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// ceiling is how many users a second the documented quota of UserAccountRecovery allows: 30 calls a second, and a user
// takes two (Cognito developer guide, Quotas).
const ceiling = 15.0

// sweepRun is one live sweep by the built bulk, with a new staging pool.
type sweepRun struct {
	users, projects int

	child
	result    sweepResult
	throttled int // calls
}

// sweepResult is the output of bulk sweep --json.
type sweepResult struct {
	Users, Created, Moved, Resets, Failed int

	Seconds float64 // of the sweep itself, without the plan that comes first
}

func (r *sweepRun) perSecond() float64 { return float64(r.users) / r.result.Seconds }

// sweep runs one at the documented quotas.
func sweep(ctx context.Context) (section, error) {
	r := &sweepRun{users: 450, projects: 10} // half a minute at the ceiling
	err := r.run(ctx)
	return section{
		title: "A sweep at the documented quotas",
		how: fmt.Sprintf("The built bulk, sweep --live --quota-share 1, of users with %d projects and a reset email. The\n"+
			"local cloud rejects calls above Cognito's quotas, which allow %g users/s; DynamoDB is in this process.",
			r.projects, ceiling),
		table: [][]string{
			{"users", "time, s", "users/s", "calls rejected as too many"},
			{fmt.Sprint(r.users), fmt.Sprintf("%.1f", r.result.Seconds), fmt.Sprintf("%.2f", r.perSecond()),
				fmt.Sprint(r.throttled)},
		},
		thresholds: []threshold{{
			what:     fmt.Sprintf("rate of a sweep as a share of the %g users/s that the quotas allow", ceiling),
			measured: fmt.Sprintf("%.3f", r.perSecond()/ceiling), bound: "at least 0.95", met: r.perSecond()/ceiling >= .95,
		}},
	}, err
}

func (r *sweepRun) run(ctx context.Context) error {
	tables := newStandIn(r.users, r.projects)
	env, stop, err := serve(tables, 0)
	if err != nil {
		return err
	}
	defer stop()
	return within(ctx, spaceport.Options{}, func(s *spaceport.Spaceport) error {
		if err := r.createUsers(ctx, s); err != nil {
			return fmt.Errorf("make %d staging users: %w", r.users, err)
		}
		s.Cloud.ResetRequests()
		s.Cloud.EnforceQuotas(nil)
		operator := s.OperatorEnv()
		operator["AWS_ENDPOINT_URL_DYNAMODB"] = env["AWS_ENDPOINT_URL_DYNAMODB"]
		r.child, err = runBulk(ctx, s.Bulk(), operator, "sweep", "--live", "--yes", "--json", "--quota-share", "1")
		if err == nil {
			err = json.Unmarshal(r.out, &r.result)
		}
		if err != nil {
			return fmt.Errorf("sweep %d users: %w", r.users, err)
		}
		r.throttled = s.Cloud.CountRequests(cloud.Filter{ErrorCode: "TooManyRequestsException"})
		if err := tables.moved(r.users); err != nil {
			return err
		}
		emailed := map[string]bool{}
		for _, m := range s.Cloud.Messages() {
			emailed[m.To] = true
		}
		want := sweepResult{Users: r.users, Created: r.users, Moved: r.users, Resets: r.users, Seconds: r.result.Seconds}
		if r.result != want || len(s.Cloud.Messages()) != r.users || len(emailed) != r.users {
			return fmt.Errorf("of %d users %d got an email: %+v", r.users, len(emailed), r.result)
		}
		return nil
	})
}

// createUsers creates confirmed users with a verified email. None signs in, so that none needs a password.
func (r *sweepRun) createUsers(ctx context.Context, s *spaceport.Spaceport) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i := range r.users {
		g.Go(func() error {
			email := testUser(i).email
			_, err := s.Staging.AdminCreateUser(ctx, &cognito.AdminCreateUserInput{
				UserPoolId: &s.StagingPool, Username: &email, MessageAction: types.MessageActionTypeSuppress,
				UserAttributes: []types.AttributeType{
					{Name: aws.String("email"), Value: &email}, {Name: aws.String("email_verified"), Value: aws.String("true")},
				},
			})
			if err != nil {
				return err
			}
			return s.Cloud.SetStatus(s.StagingPool, email, "CONFIRMED")
		})
	}
	return g.Wait()
}
