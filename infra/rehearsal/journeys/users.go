package journeys

import (
	"context"
	"fmt"

	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// ScenarioUser is a user of the journeys. Note says what happens when they sign in to production.
type ScenarioUser struct {
	spaceport.User
	Native bool // never in staging
	Note   string
}

// Create creates the user in staging, or in production if the user is native.
func (u ScenarioUser) Create(ctx context.Context, s *spaceport.Spaceport) error {
	if u.Native {
		return s.AddNative(ctx, u.User)
	}
	_, err := s.Add(ctx, u.User)
	return err
}

// ScenarioUsers are the users of the journeys that need no more than an account, so that they can be played by hand.
var ScenarioUsers = append([]ScenarioUser{Ada, Ben, Cleo, Dan, Eva, Flo, Gus, Hal, Max, Nia}, Remaining...)

// The scenario users.
var (
	Ada = ScenarioUser{
		User: spaceport.User{
			Name: "Ada", Email: "ada@example.com", Password: "Ada-Staging-1", Projects: 3,
			Attributes: map[string]string{"phone_number": "+15555550100"},
		},
		Note: "signs in with her staging password and finds her 3 projects",
	}
	Ben = ScenarioUser{
		User: spaceport.User{Name: "Ben", Email: "ben@example.com", Password: "Ben-Staging-1", Projects: 2},
		Note: "forgot his password: gets a code by email, sets a new password and finds his 2 projects",
	}
	Cleo = ScenarioUser{
		User: spaceport.User{Name: "Cleo", Email: "cleo@example.com", Password: "Cleo-Staging-1"},
		Note: "mistypes her password: gets the same answer as an unknown user",
	}
	Dan = ScenarioUser{
		User: spaceport.User{Name: "Dan", Email: "dan@example.com", Password: "Dan-Staging-1", Disabled: true},
		Note: "is disabled in staging: cannot sign in and gets no email",
	}
	Eva = ScenarioUser{
		User: spaceport.User{Name: "Eva", Email: "eva@example.com", Password: "Eva-Staging-1", Unconfirmed: true},
		Note: "never confirmed her account in staging: cannot sign in and gets no email",
	}
	Flo = ScenarioUser{
		User: spaceport.User{Name: "Flo", Email: "flo@example.com", Password: "Flo-Staging-1", Temporary: true},
		Note: "never changed her temporary password in staging: cannot sign in and gets no email",
	}
	Gus = ScenarioUser{
		User: spaceport.User{Name: "Gus", Email: "gus@example.com", Password: "Gus-Staging-1", Projects: 1, TOTP: true},
		Note: "has an authenticator app in staging: must set a new password with a code by email",
	}
	Hal = ScenarioUser{
		User: spaceport.User{
			Name: "Hal", Email: "hal@example.com", Password: "Hal-Staging-1", Projects: 2500, ProjectSize: 4 << 10,
		},
		Note: "has 2,500 projects of 4 KB: signed in after at most 3 seconds, while copying continues in the background",
	}
	Max = ScenarioUser{
		User: spaceport.User{Name: "Max", Email: "max@example.com", Password: "Max-Staging-1", Projects: 1, Unverified: true},
		Note: "never verified his email: cannot sign in and gets no email",
	}
	Nia = ScenarioUser{
		User:   spaceport.User{Name: "Nia", Email: "nia@example.com", Password: "Nia-Production-1"},
		Native: true,
		Note:   "was never in staging: signs in, staging is not asked and nothing is copied",
	}
	Remaining = remainingUsers(5)
)

// remainingUsers do not sign in themselves. Each has one project more than the one before.
func remainingUsers(n int) (users []ScenarioUser) {
	for i := 1; i <= n; i++ {
		users = append(users, ScenarioUser{
			User: spaceport.User{
				Name: fmt.Sprintf("User %d", i), Email: fmt.Sprintf("user-%d@example.com", i), Password: "User-Staging-1",
				Projects: i,
			},
			Note: "does not sign in: the operator's sweep migrates the user and sends the reset email",
		})
	}
	return users
}
