package journeys

import (
	"context"
	"fmt"

	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// Role is somebody of the cast, and in plain words what happens to them when they sign in to production.
type Role struct {
	spaceport.Person
	Native bool // was never in staging
	Note   string
}

// Enter puts the role on stage: into the pool that they come from.
func (r Role) Enter(ctx context.Context, s *spaceport.Spaceport) error {
	if r.Native {
		return s.AddNative(ctx, r.Person)
	}
	_, err := s.Add(ctx, r.Person)
	return err
}

// Cast is who can be played by hand: everybody of the journeys who needs nothing but an account.
var Cast = append([]Role{Ada, Ben, Cleo, Dan, Eva, Flo, Gus, Hal, Max, Nia}, Stragglers...)

// The cast.
var (
	Ada = Role{
		Person: spaceport.Person{
			Name: "Ada", Email: "ada@example.com", Password: "Ada-Staging-1", Projects: 3, Attributes: map[string]string{"phone_number": "+15555550100"},
		},
		Note: "signs in with her staging password and finds her 3 projects",
	}
	Ben = Role{
		Person: spaceport.Person{Name: "Ben", Email: "ben@example.com", Password: "Ben-Staging-1", Projects: 2},
		Note:   "has forgotten his password: a code by e-mail, a new password, and his 2 projects are there",
	}
	Cleo = Role{
		Person: spaceport.Person{Name: "Cleo", Email: "cleo@example.com", Password: "Cleo-Staging-1"},
		Note:   "mistypes her password: told the same as somebody whom nobody knows",
	}
	Dan = Role{
		Person: spaceport.Person{Name: "Dan", Email: "dan@example.com", Password: "Dan-Staging-1", Disabled: true},
		Note:   "is disabled in staging: no way in, and no letter",
	}
	Eva = Role{
		Person: spaceport.Person{Name: "Eva", Email: "eva@example.com", Password: "Eva-Staging-1", Unconfirmed: true},
		Note:   "never confirmed her account in staging: no way in, and no letter",
	}
	Flo = Role{
		Person: spaceport.Person{Name: "Flo", Email: "flo@example.com", Password: "Flo-Staging-1", Temporary: true},
		Note:   "never changed the temporary password that staging gave her: no way in, and no letter",
	}
	Gus = Role{
		Person: spaceport.Person{Name: "Gus", Email: "gus@example.com", Password: "Gus-Staging-1", Projects: 1, TOTP: true},
		Note:   "has an authenticator app in staging: must set a new password with a code from his mailbox",
	}
	Hal = Role{
		Person: spaceport.Person{Name: "Hal", Email: "hal@example.com", Password: "Hal-Staging-1", Projects: 2500, ProjectSize: 4 << 10},
		Note:   "has 2,500 projects of 4 KB: is let in after 3 seconds at most, and the rest arrives afterwards",
	}
	Max = Role{
		Person: spaceport.Person{Name: "Max", Email: "max@example.com", Password: "Max-Staging-1", Projects: 1, Unverified: true},
		Note:   "never proved that the address is his: no way in, and no letter",
	}
	Nia = Role{
		Person: spaceport.Person{Name: "Nia", Email: "nia@example.com", Password: "Nia-Production-1"},
		Native: true,
		Note:   "never was in staging: signs in, and nothing is asked or moved",
	}
	Stragglers = stay(5)
)

// stay are people who do not come by themselves, with one project more each.
func stay(n int) (roles []Role) {
	for i := 1; i <= n; i++ {
		roles = append(roles, Role{
			Person: spaceport.Person{
				Name: fmt.Sprintf("Straggler %d", i), Email: fmt.Sprintf("straggler-%d@example.com", i), Password: "Stray-Staging-1", Projects: i,
			},
			Note: "does not come by themselves: the operator's sweep moves them, and the letter brings them in",
		})
	}
	return roles
}
