package check

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// Answer is what Cognito answered to an app. Code is empty where it did as asked; Err is set where that tells nothing, as
// when it was throttling.
type Answer struct {
	Code, Text string
	Err        error
}

func (a Answer) String() string {
	if a.Code == "" {
		return "accepted"
	}
	return a.Code + ": " + a.Text
}

// Stranger is what happened to an address that nobody has.
type Stranger struct {
	Address                string
	Client                 Client
	SignIn, ForgotPassword Answer
	Exists                 Seen[bool] // in production, afterwards
}

// JudgeStranger adds what a stranger met. The design leans on it: a trigger that leaves the event untouched must look like no
// trigger at all.
func (r *Report) JudgeStranger(s Stranger) {
	signIn := Answer{Code: "UserNotFoundException", Text: "User does not exist."}
	forgot := signIn
	if s.Client.HidesUsers {
		// "Amazon Cognito developer guide, Managing user existence error responses": a made-up delivery.
		signIn, forgot = Answer{Code: "NotAuthorizedException", Text: "Incorrect username or password."}, Answer{}
		if s.ForgotPassword.Code == "InvalidParameterException" {
			forgot = s.ForgotPassword // the same page, of late: one or the other, whether somebody is there or not
		}
	}
	r.add(Canary, "stranger's sign-in", asUnknown(s.SignIn, signIn))
	r.add(Canary, "stranger's code", asUnknown(s.ForgotPassword, forgot))
	r.add(Canary, "stranger after", stayedAway(s))
}

// asUnknown compares an answer with Cognito's to an unknown user.
func asUnknown(got, want Answer) verdict {
	switch {
	case got.Err != nil:
		return unseen("Run it again.", got.Err)
	case got == want && want.Code == "":
		return ok("a code was pretended to be sent, as to any unknown user")
	case got == want:
		return ok("refused as any unknown user is (%s)", got)
	case slices.Contains(ofTheTrigger, got.Code):
		return fail("Look at the trigger's log: most often its role, STAGING_CLIENT_ID or the ledger.",
			"the trigger failed (%s)", got)
	case slices.Contains(ofTheClient, got.Code):
		return fail("See to the app client, and run it again.", "the app client could not be used (%s)", got)
	}
	return fail("Let nobody in before this is understood: strangers can tell who has an account.",
		"answered %q, but an unknown user gets %q", got, want)
}

// ofTheClient are those of a client that may not be asked at all (same page).
var ofTheClient = []string{"ResourceNotFoundException", "UnauthorizedException"}

// ofTheTrigger are the errors with which Cognito tells that a trigger failed ("Amazon Cognito API reference, InitiateAuth").
var ofTheTrigger = []string{"UserLambdaValidationException", "UnexpectedLambdaException", "InvalidLambdaResponseException"}

func stayedAway(s Stranger) verdict {
	switch {
	case s.Exists.Err != nil:
		return unseen("Look for "+s.Address+" in production yourself.", s.Exists.Err)
	case s.Exists.Value:
		return fail("Detach the trigger (bulk detach --live), delete the user, and look at the trigger's log.",
			"%s is a user of production now", s.Address)
	}
	return ok("%s is not a user of production", s.Address)
}

// ChooseClient is the app client that canaries use: the one with that id, or else the first that signs in by password and
// needs no secret.
func ChooseClient(clients []Client, id string) (Client, error) {
	at := slices.IndexFunc(clients, func(c Client) bool {
		return id == c.ID || id == "" && c.SignsInByPassword() && !c.HasASecret
	})
	switch {
	case at < 0 && id == "":
		return Client{}, errors.New("no app client has USER_PASSWORD_AUTH and no secret")
	case at < 0:
		return Client{}, fmt.Errorf("the production pool has no app client %s", id)
	case !clients[at].SignsInByPassword() || clients[at].HasASecret:
		return Client{}, fmt.Errorf("app client %s has no USER_PASSWORD_AUTH, or a secret", clients[at].label())
	}
	return clients[at], nil
}

// NoClient adds that there was nothing to send a canary through.
func (r *Report) NoClient(err error) {
	r.add(Canary, "app client", fail("Name one that signs in by password and has no secret: --app-client ID.", "%v", err))
}

// Newcomer is a disposable staging user who comes over for a proof, and what became of them.
type Newcomer struct {
	Email      string
	Client     Client
	Staging    []userpool.User     // who bear that address in staging
	Before     Seen[ledger.Record] // ErrMissing: none, as it should be
	Production Seen[int]           // users of that address in production, beforehand

	SignIn    Answer
	Tokens    bool
	Challenge string

	Arrived Seen[userpool.User] // the production user, ErrMissing: none
	Line    Seen[ledger.Record]
	Waited  time.Duration
	Rows    []Moved
}

// Moved is what became of the rows of one table.
type Moved struct {
	Table          string // in production
	Staging, Found int
	Err            error
}

// Unfit says why somebody is no canary, or "".
func (n Newcomer) Unfit(cutoff time.Time) string {
	switch {
	case len(n.Staging) != 1:
		return fmt.Sprintf("%s in staging have that address", quantity(len(n.Staging), "user", "users"))
	case n.Staging[0].Ineligible(cutoff) != "":
		return "they cannot come over: " + string(n.Staging[0].Ineligible(cutoff))
	case n.Before.Err != nil && !errors.Is(n.Before.Err, ErrMissing):
		return fmt.Sprintf("the ledger could not be read (%v)", n.Before.Err)
	case n.Before.Value.Bound():
		return "they came over before"
	case n.Production.Err != nil:
		return fmt.Sprintf("production's users could not be looked up (%v)", n.Production.Err)
	case n.Production.Value > 0:
		return "production has a user of that address already"
	}
	return ""
}

// JudgeNewcomer adds what became of a canary user.
func (r *Report) JudgeNewcomer(n Newcomer, cutoff time.Time) {
	if why := n.Unfit(cutoff); why != "" {
		r.add(Canary, "canary user", fail("Take another disposable staging user, who has not come over.",
			"%s: %s; nothing was done", n.Email, why))
		return
	}
	r.add(Canary, "tokens", n.tokens())
	if !n.Tokens {
		return
	}
	r.add(Canary, "custom:staging_sub", n.attribute())
	r.add(Canary, "ledger line", n.ledgerLine())
	for _, m := range n.Rows {
		r.add(Canary, "rows", m.verdict())
	}
}

func (n Newcomer) tokens() verdict {
	switch {
	case n.SignIn.Err != nil:
		return unseen("Run it again.", n.SignIn.Err)
	case n.Tokens:
		return ok("%s signed in and got tokens: they are a user of production now", n.Email)
	case n.Challenge != "":
		return fail("Take a user without a second factor, and a production pool that asks for none.",
			"%s was asked for %s", n.Email, n.Challenge)
	}
	if slices.Contains(ofTheClient, n.SignIn.Code) {
		return fail("See to the app client, and run it again.", "the app client could not be used (%s)", n.SignIn)
	}
	return fail("Check the password; then look at the trigger's log for the reason, and for who has a second factor.",
		"%s was refused (%s)", n.Email, n.SignIn)
}

func (n Newcomer) attribute() verdict {
	const name = "custom:staging_sub"
	switch {
	case errors.Is(n.Arrived.Err, ErrMissing):
		return fail("Look at the trigger's log.", "there are tokens, but no such user in production")
	case n.Arrived.Err != nil:
		return unseen("Run bulk status --user "+n.Email+".", n.Arrived.Err)
	case n.Arrived.Value.Attributes[name] != n.Staging[0].Sub:
		return fail("Look at the trigger's log.", "it is %q, not %s", n.Arrived.Value.Attributes[name], n.Staging[0].Sub)
	}
	return ok("production user %s bears %s", n.Arrived.Value.Sub, n.Staging[0].Sub)
}

func (n Newcomer) ledgerLine() verdict {
	line := n.Line.Value
	hook := "Look at the datamover's log: PostAuthentication has to fire at this sign-in, and its event to carry custom:staging_sub."
	switch {
	case errors.Is(n.Line.Err, ErrMissing):
		return fail("Check that the trigger's LEDGER_TABLE is bulk's.", "the ledger has no line of %s", n.Staging[0].Sub)
	case n.Line.Err != nil:
		return unseen("Run bulk status --user "+n.Email+".", n.Line.Err)
	case !line.Bound():
		return fail(hook, "nobody is bound to it after %s", n.Waited)
	case line.ProductionSub != n.Arrived.Value.Sub:
		return fail(hook, "bound to %s, not to %s", line.ProductionSub, n.Arrived.Value.Sub)
	case line.State != ledger.Moved:
		return fail(hook+" A long move is handed over; run bulk status --user "+n.Email+" later.",
			"bound, but %s after %s%s", line.State, n.Waited, because(line.LastError))
	case line.Via != ledger.SignIn:
		return fail("Look at the trigger's log.", "moved, but via %s", line.Via)
	}
	return ok("moved, bound to %s, via %s", line.ProductionSub, line.Via)
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}

func (m Moved) verdict() verdict {
	switch {
	case m.Err != nil:
		return unseen("Run bulk verify.", fmt.Errorf("%s: %w", m.Table, m.Err))
	case m.Found < m.Staging:
		return fail("Look at the datamover's log; bulk verify names the rows.",
			"%s: %s of %s arrived", m.Table, count(m.Found), quantity(m.Staging, "row", "rows"))
	case m.Staging == 0:
		return warn("Take a user who has some, for a better proof.", "%s: they had none", m.Table)
	}
	return ok("%s: %s arrived, the same but for their owner", m.Table, everyRow(m.Staging))
}

func everyRow(n int) string {
	if n == 1 {
		return "the one row"
	}
	return "all " + count(n) + " rows"
}
