package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/infra/rehearsal/lambdahost"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// invoke runs a function; the request log then has the requests of this invocation only. An error of the function is
// returned.
func invoke(ctx context.Context, s *spaceport.Spaceport, name string, event []byte) (lambdahost.Invocation, error) {
	s.Cloud.ResetRequests()
	inv, err := s.Lambdas.Invoke(ctx, name, event)
	if err == nil && inv.Error != nil {
		err = inv.Error
	}
	if err != nil {
		return inv, fmt.Errorf("invoke %s: %w", name, err)
	}
	return inv, nil
}

// waiting is how long at least one request of the caller was in progress since a time.
func waiting(requests []cloud.Request, caller string, since time.Time) (total time.Duration) {
	// The log is in the order in which requests ended.
	slices.SortFunc(requests, func(a, b cloud.Request) int { return a.Time.Compare(b.Time) })
	for _, r := range requests {
		begin, end := r.Time, r.Time.Add(r.Duration)
		if begin.Before(since) {
			begin = since
		}
		if r.Caller == caller && end.After(begin) {
			total += end.Sub(begin)
			since = end
		}
	}
	return total
}

// byOperation counts the callers' requests in both accounts.
func byOperation(requests []cloud.Request, callers ...string) map[string]int {
	counted := map[string]int{}
	for _, r := range requests {
		if slices.Contains(callers, r.Caller) {
			counted[r.Operation+" "+r.Resource[strings.LastIndexByte(r.Resource, '/')+1:]]++ // a role by its name
		}
	}
	return counted
}
