// Package check judges whether a migration can work. What was found in both accounts comes in as Facts, which package
// survey gathers; what comes out is one line each: ok, warning or failure, and what to do about it.
//
// Every judgement is a small function of the facts and asks nobody, so that each can be tested without a cloud. A fact that
// could not be looked at is said to be so: it is never taken for a good sign.
package check

import (
	"fmt"
	"strings"
)

// Level is how a check came out.
type Level string

// A failure has to be seen to before the migration can work; a warning has to be known.
const (
	OK      Level = "ok"
	Warning Level = "warning"
	Failure Level = "failure"
)

// Group is what a check is about.
type Group string

// The groups, in the order in which they are shown.
const (
	ProductionPool Group = "production pool"
	AppClients     Group = "app clients"
	StagingPool    Group = "staging pool"
	People         Group = "people"
	Tables         Group = "tables"
	Permissions    Group = "permissions"
	Canary         Group = "canary"
)

// Finding is one line.
type Finding struct {
	Group Group  `json:"group"`
	Check string `json:"check"`
	Level Level  `json:"level"`
	Found string `json:"found"`
	Do    string `json:"do,omitempty"`
}

// verdict is what one check says; its name and group are those of the check.
type verdict struct {
	level Level
	found string
	do    string
}

func ok(format string, args ...any) verdict {
	return verdict{level: OK, found: fmt.Sprintf(format, args...)}
}

func warn(do, format string, args ...any) verdict {
	return verdict{level: Warning, found: fmt.Sprintf(format, args...), do: do}
}

func fail(do, format string, args ...any) verdict {
	return verdict{level: Failure, found: fmt.Sprintf(format, args...), do: do}
}

// unseen is for what could not be looked at.
func unseen(do string, err error) verdict { return warn(do, "could not be looked at (%v)", err) }

// check is one judgement. Where its basis could not be looked at, it is left out: the line of the basis itself says why.
type check struct {
	group Group
	name  string
	basis func(Facts) error
	judge func(Facts) []verdict
}

// one makes a check of a function that says one thing.
func one(judge func(Facts) verdict) func(Facts) []verdict {
	return func(f Facts) []verdict { return []verdict{judge(f)} }
}

// perTable makes a check of a function that says one thing of every table.
func perTable(judge func(TablePair) verdict) func(Facts) []verdict {
	return func(f Facts) []verdict {
		var all []verdict
		for _, t := range f.Tables {
			all = append(all, judge(t))
		}
		return all
	}
}

func always(Facts) error              { return nil }
func production(f Facts) error        { return f.Production.Err }
func staging(f Facts) error           { return f.Staging.Err }
func productionClients(f Facts) error { return f.ProductionClients.Err }
func people(f Facts) error            { return f.People.Err }

// checks lists everything that is looked at without writing, in the order in which it is shown.
var checks = []check{
	{ProductionPool, "pool", always, one(productionPool)},
	{ProductionPool, "triggers", production, one(triggers)},
	{ProductionPool, "invocation", production, invocation},
	{ProductionPool, "other triggers", production, one(otherTriggers)},
	{ProductionPool, "custom:staging_sub", production, one(stagingSub)},
	{ProductionPool, "user names", production, one(userNames)},
	{ProductionPool, "case", production, one(productionCase)},
	{ProductionPool, "sign-up", production, one(productionSignUp)},
	{ProductionPool, "change of e-mail", production, one(changeOfEmail)},
	{ProductionPool, "custom attributes", production, one(customAttributes)},
	{ProductionPool, "e-mail sender", production, one(emailSender)},
	{ProductionPool, "recovery", production, one(recovery)},
	{ProductionPool, "passwords", production, one(passwords)},

	{AppClients, "password sign-in", production, one(passwordSignIn)},
	{AppClients, "write lists", productionClients, one(writeLists)},
	{AppClients, "hidden users", productionClients, one(hiddenUsers)},

	{StagingPool, "role", always, one(stagingRole)},
	{StagingPool, "pool", always, one(stagingPool)},
	{StagingPool, "trigger's client", staging, one(triggerClient)},
	{StagingPool, "sign-up", staging, one(stagingSignUp)},
	{StagingPool, "writable attributes", staging, one(writableAttributes)},
	{StagingPool, "case", staging, one(stagingCase)},
	{StagingPool, "second factors", staging, one(secondFactors)},
	{StagingPool, "own triggers", staging, one(stagingTriggers)},
	{StagingPool, "groups", staging, one(groups)},

	{People, "eligible", always, one(eligible)},
	{People, "verified e-mail", people, one(verifiedContact)},
	{People, "same address", people, one(sameAddress)},
	{People, "required attributes", people, one(requiredAttributes)},
	{People, "fitting attributes", people, one(fittingAttributes)},
	{People, "dropped attributes", people, one(droppedAttributes)},

	{Tables, "ledger", always, one(ledgerTable)},
	{Tables, "keys", always, perTable(keys)},
	{Tables, "streams", always, perTable(streams)},
	{Tables, "time to live", always, perTable(timeToLive)},
	{Tables, "files", always, perTable(files)},
	{Tables, "protection", always, one(protection)},

	{Permissions, "operator", always, one(operator)},
	{Permissions, "allowed", always, allowed},
}

// Judge says what the facts mean.
func Judge(f Facts) Report {
	var r Report
	for _, c := range checks {
		if c.basis(f) != nil {
			r.LeftOut = append(r.LeftOut, string(c.group)+": "+c.name)
			continue
		}
		for _, v := range c.judge(f) {
			r.add(c.group, c.name, v)
		}
	}
	return r
}

// list joins names as people do: a, b and c.
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// quantity counts things: "1 user", "12,345 users".
func quantity(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + many
}
