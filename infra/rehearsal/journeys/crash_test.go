package journeys

import (
	"bytes"
	"fmt"
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

// TestKilledAtEveryRequest kills the real binaries with SIGKILL after each request that a first sign-in makes them make,
// and lets the person try again.
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

func killAndRetry(t *testing.T, s *spaceport.Spaceport, function string, kind cloud.FaultKind, after int) (killed bool) {
	var told bytes.Buffer
	st := &story{Spaceport: s, ctx: t.Context(), out: &told}
	p := spaceport.Person{
		Name: "Zoe", Email: fmt.Sprintf("zoe-%s-%d-%d@example.com", function, kind, after), Password: "Zoe-Staging-1", Projects: 3,
	}
	sub := st.meet(p)
	s.Lambdas.Recycle(function)
	remove := s.Cloud.Inject(cloud.Fault{
		Caller: function, After: after, Times: 1, Kind: kind, Hook: func(cloud.Request) { killed = s.Lambdas.Kill(function) > 0 },
	})
	_, _ = s.SignIn(t.Context(), p.Email, p.Password)
	remove()
	st.signsIn("she tries again", p.Email, p.Password)
	st.hasEverything("and has everything", p.Email, sub)
	require.NoError(t, st.err, told.String())
	return killed
}

// TestTwoHandOversAtOnce has the same move run by several processes at the same time.
func TestTwoHandOversAtOnce(t *testing.T) {
	s := spaceporttest.Start(t, spaceport.Options{Env: map[string]string{"HOOK_BUDGET": "0s"}})
	var told bytes.Buffer
	st := &story{Spaceport: s, ctx: t.Context(), out: &told}
	p := spaceport.Person{Name: "Yan", Email: "yan@example.com", Password: "Yan-Staging-1", Projects: 450}
	sub := st.meet(p)
	for range 4 {
		st.signsIn("he signs in, impatient", p.Email, p.Password)
	}
	require.NoError(t, s.Lambdas.Idle(t.Context()))
	st.hasEverything("everything is there once", p.Email, sub)
	st.step("and counted once", func() error {
		line, err := s.Ledger(t.Context(), sub)
		if err != nil {
			return err
		}
		return that(line.Copied["Spaceport-Projects-prod"] == p.Projects && len(line.Kept) == 0, "copied %v, kept %v", line.Copied, line.Kept)
	})
	require.NoError(t, st.err, told.String())
}
