package cloud

import "time"

// Cognito developer guide, Lockout behavior for failed sign-in attempts: the fifth wrong password locks for one second,
// each further one for twice as long, up to about 15 minutes; an attempt while locked does not count; a success, or 15
// minutes without an attempt, starts anew.
const (
	freeFailures  = 5
	longestLock   = 15 * time.Minute
	forgottenPast = 15 * time.Minute
)

func (c *Cloud) checkLock(p *pool, username string) error {
	locked, now := false, c.now()
	p.users.change(username, func(e *entry) {
		if now.Sub(e.lastTry) >= forgottenPast {
			e.failures = 0
		}
		e.lastTry = now
		locked = now.Before(e.lockedTil)
	})
	if locked {
		return notAuthorized("Password attempts exceeded")
	}
	return nil
}

func (c *Cloud) wrongPassword(p *pool, username string) {
	p.users.change(username, func(e *entry) {
		e.failures++
		if over := e.failures - freeFailures; over >= 0 {
			e.lockedTil = c.now().Add(min(longestLock, time.Second<<min(over, 20)))
		}
	})
}

func (c *Cloud) rightPassword(p *pool, username string) {
	p.users.change(username, func(e *entry) { e.failures = 0 })
}
