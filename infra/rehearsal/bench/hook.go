package bench

import (
	"context"
	"fmt"

	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

const (
	hookSignIns = 20 // of each user, the first of them a cold start
	ledgerRead  = "GetItem Spaceport-Migration-prod"
	atInit      = "AssumeRole Spaceport-Migration-datamover" // once an environment, while it starts
)

// hook counts the hook's requests when there is nothing to move.
func hook(ctx context.Context) (section, error) {
	var ofMoved, ofNative map[string]int
	err := within(ctx, spaceport.Options{}, func(s *spaceport.Spaceport) (err error) {
		u, native := testUser(1), testUser(2)
		if err := moved(ctx, s, u); err != nil {
			return err
		}
		if ofMoved, err = requestsOfSignIns(ctx, s, u); err != nil {
			return err
		}
		native.stagingSub = ""
		ofNative, err = requestsOfSignIns(ctx, s, native)
		return err
	})
	return hookSection(ofMoved, ofNative), err
}

func requestsOfSignIns(ctx context.Context, s *spaceport.Spaceport, u user) (map[string]int, error) {
	event, err := signedIn(u)
	if err != nil {
		return nil, err
	}
	s.Lambdas.Recycle(spaceport.Datamover)
	counted := map[string]int{}
	for range hookSignIns {
		if _, err := invoke(ctx, s, spaceport.Datamover, event); err != nil {
			return nil, err
		}
		for name, n := range byOperation(s.Cloud.Requests(), spaceport.Datamover) {
			counted[name] += n
		}
	}
	return counted, nil
}

func hookSection(ofMoved, ofNative map[string]int) section {
	row := func(who string, counted map[string]int) []string {
		return []string{
			who,
			fmt.Sprint(hookSignIns),
			fmt.Sprint(counted[ledgerRead]),
			fmt.Sprint(counted[atInit]),
			fmt.Sprint(total(counted) - counted[ledgerRead] - counted[atInit]),
		}
	}
	return section{
		title: "The hook when there is nothing to move",
		how:   "Requests of sign-ins, as the local cloud logged them; the first of each row is a cold start.",
		table: [][]string{
			{"", "sign-ins", "GetItem of the ledger", "AssumeRole during init", "other requests"},
			row("migrated user, moved", ofMoved),
			row("user who was never in staging", ofNative),
		},
		thresholds: []threshold{
			{
				what: "requests of a moved user's sign-in", measured: perSignIn(ofMoved), bound: "1, to the ledger",
				met: ofMoved[ledgerRead] == hookSignIns && total(ofMoved) == hookSignIns+ofMoved[atInit] && ofMoved[atInit] <= 1,
			},
			{
				what: "requests of the sign-in of a user who was never in staging", measured: perSignIn(ofNative), bound: "0",
				met: ofNative != nil && total(ofNative) == ofNative[atInit] && ofNative[atInit] <= 1,
			},
		},
	}
}

func perSignIn(counted map[string]int) string {
	return fmt.Sprintf("%g", float64(total(counted)-counted[atInit])/hookSignIns)
}
