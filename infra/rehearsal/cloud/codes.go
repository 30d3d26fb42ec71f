package cloud

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"time"
)

// purpose is what a code is for.
type purpose string

const (
	forReset  purpose = "reset"
	forSignUp purpose = "sign-up"
	forEmail  purpose = "email"
)

// Cognito developer guide, Code expiry: 1 hour to reset a password, 24 hours otherwise.
var codeLife = map[purpose]time.Duration{forReset: time.Hour, forSignUp: 24 * time.Hour, forEmail: 24 * time.Hour}

type code struct {
	digits  string
	expires time.Time
}

// newCode makes a code; the previous one is no longer valid.
func (c *Cloud) newCode(p *pool, username string, f purpose) string {
	n, _ := rand.Int(rand.Reader, big.NewInt(1_000_000)) // never fails
	made := code{digits: fmt.Sprintf("%06d", n), expires: c.now().Add(codeLife[f])}
	p.users.change(username, func(e *entry) { e.codes[f] = made })
	return made.digits
}

// checkCode checks a code. It stays valid until useCode.
func (c *Cloud) checkCode(p *pool, username string, f purpose, digits string) error {
	var have code
	p.users.change(username, func(e *entry) { have = e.codes[f] })
	switch {
	case have.digits == "" || !c.now().Before(have.expires):
		return reject("ExpiredCodeException", "Invalid code provided, please request a code again.")
	case have.digits != digits:
		return codeMismatch()
	}
	return nil
}

func (c *Cloud) useCode(p *pool, username string, f purpose) {
	p.users.change(username, func(e *entry) { delete(e.codes, f) })
}

func codeMismatch() *apiError {
	return reject("CodeMismatchException", "Invalid verification code provided, please try again.")
}
