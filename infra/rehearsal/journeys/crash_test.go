package journeys

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport/spaceporttest"
)

func allUsers(t *testing.T, s *spaceport.Spaceport) (all []types.UserType) {
	t.Helper()
	pages := cognito.NewListUsersPaginator(s.Production, &cognito.ListUsersInput{UserPoolId: &s.ProductionPool})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		all = append(all, page.Users...)
	}
	return all
}

// TestKilledAtEveryRequest kills the real binaries with SIGKILL at each request of a first sign-in, and lets the user
// try again.
func TestKilledAtEveryRequest(t *testing.T) {
	s := spaceporttest.Start(t, spaceport.Options{})
	for _, function := range []string{spaceport.Trigger, spaceport.Datamover} {
		for _, kind := range []cloud.FaultKind{cloud.HookBefore, cloud.HookAfter} {
			for after := 0; ; after++ {
				killed := false
				name := fmt.Sprintf("%s %d %d", function[len("Spaceport-Migration-"):], kind, after)
				t.Run(name, func(t *testing.T) {
					killed = killAndRetry(t, s, function, kind, after)
				})
				if t.Failed() || !killed { // the sign-in made fewer requests than that: each had its kill
					require.Greater(t, after, 3, "requests of "+function)
					break
				}
			}
		}
	}
}

func killAndRetry(t *testing.T, s *spaceport.Spaceport, function string, kind cloud.FaultKind,
	after int) (killed bool) {
	var output bytes.Buffer
	st := &story{Spaceport: s, ctx: t.Context(), out: &output}
	u := spaceport.User{
		Name: "Zoe", Email: fmt.Sprintf("zoe-%s-%d-%d@example.com", function, kind,
			after), Password: "Zoe-Staging-1", Projects: 3,
	}
	sub := st.add(u)
	s.Lambdas.Recycle(function)
	remove := s.Cloud.Inject(cloud.Fault{
		Caller: function, After: after, Times: 1, Kind: kind,
		Hook: func(cloud.Request) { killed = s.Lambdas.Kill(function) > 0 },
	})
	_, _ = s.SignIn(t.Context(), u.Email, u.Password)
	remove()
	spaceporttest.ExpireLease(t, s, sub) // she waits a while
	st.signsIn("she tries again", u.Email, u.Password)
	require.NoError(t, s.Lambdas.Idle(t.Context())) // on a busy machine the move may continue in the background
	st.hasAllData("and has everything", u.Email, sub)
	require.NoError(t, st.err, output.String())
	return killed
}

// TestSignInsDuringAMove has an impatient user, or someone who has their password and means harm.
func TestSignInsDuringAMove(t *testing.T) {
	s := spaceporttest.Start(t, spaceport.Options{Env: map[string]string{"HOOK_BUDGET": "0s"}})
	var output bytes.Buffer
	st := &story{Spaceport: s, ctx: t.Context(), out: &output}
	u := spaceport.User{Name: "Yan", Email: "yan@example.com", Password: "Yan-Staging-1", Projects: 2000}
	sub := st.add(u)
	for range 100 {
		_, err := s.SignIn(t.Context(), u.Email, u.Password)
		require.NoError(t, err)
	}
	require.NoError(t, s.Lambdas.Idle(t.Context()))
	st.hasAllData("everything is there once", u.Email, sub)
	require.NoError(t, st.err, output.String())
	record, err := s.Ledger(t.Context(), sub)
	require.NoError(t, err)
	require.Equal(t, u.Projects, record.Copied["Spaceport-Projects-prod"], "and counted once")
	require.Empty(t, record.Kept)

	puts := s.Cloud.CountRequests(cloud.Filter{Account: cloud.ProductionAccount, Operation: "PutItem"})
	require.LessOrEqual(t, puts, u.Projects*105/100)
	invocations := 0
	for _, inv := range s.Lambdas.Invocations() {
		if inv.Function == spaceport.Background {
			invocations++
		}
	}
	log := string(s.Lambdas.Log(spaceport.Datamover))
	timeouts := strings.Count(log, `"error":`) // on a busy machine the ledger may not answer in time, and each invokes one
	require.LessOrEqual(t, invocations, 2+timeouts)
	require.Greater(t, strings.Count(log, "move-in-progress"), 50)
}
