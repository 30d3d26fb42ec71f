package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spaceport/user-migration/datamover/userpool"
)

// eligible says who can come over at all, by whatever path.
func eligible(f Facts) verdict {
	if f.People.Err != nil {
		return fail("Allow cognito-idp:ListUsers on the staging pool.",
			"staging's users could not be listed (%v)", f.People.Err)
	}
	c := f.People.Value
	found := fmt.Sprintf("%s of %s can come over%s", count(c.Eligible), quantity(c.Total, "staging user", "staging users"), c.others())
	switch {
	case c.Eligible == 0:
		return warn("Check STAGING_USER_POOL_ID and STAGING_CUTOFF.", "%s", found)
	case c.Eligible < c.Total:
		return warn("bulk status --without-a-path lists the others.", "%s", found)
	}
	return ok("%s", found)
}

// reasons puts a reason into words, in the order in which they are told.
var reasons = []struct {
	reason userpool.Reason
	text   string
}{
	{userpool.NotConfirmed, "not confirmed"},
	{userpool.Disabled, "disabled"},
	{userpool.EmailUnverified, "without a verified e-mail"},
	{userpool.Federated, "federated"},
	{userpool.AfterCutoff, "created after the cut-off"},
}

func (c Census) others() string {
	var parts []string
	for _, r := range reasons {
		if n := c.Ineligible[r.reason]; n > 0 {
			parts = append(parts, count(n)+" "+r.text)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// verifiedContact: a mailbox that nobody has proven proves nobody.
func verifiedContact(f Facts) verdict {
	if n := f.People.Value.Ineligible[userpool.EmailUnverified]; n > 0 {
		return warn("Have them verify it in staging, while it runs; bulk status --without-a-path lists them.",
			"%s in use without a verified e-mail, who cannot come over", quantity(n, "account", "accounts"))
	}
	return ok("every account in use has one")
}

func sameAddress(f Facts) verdict {
	c := f.People.Value
	if c.SameAddress == 0 {
		return ok("no two addresses differ by upper and lower case only")
	}
	return warn("Only one of each can come over: decide with them which, and disable the other in staging.",
		"%s with an address that another has too, in other case: %s%s",
		quantity(c.SameAddress, "user", "users"), strings.Join(c.SameExamples, ", "), more(c.SameAddress-len(c.SameExamples)))
}

func more(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" and %s more", count(n))
}

func requiredAttributes(f Facts) verdict {
	if f.Production.Err != nil {
		return unseen("", f.Production.Err)
	}
	if lacking := f.People.Value.Lacking; len(lacking) > 0 {
		return fail("Have production not require it (a fresh pool: Cognito cannot change that), or fill it in staging.",
			"production requires what staging's users lack, and refuses them: %s", tally(lacking))
	}
	return ok("everybody has what production requires")
}

func fittingAttributes(f Facts) verdict {
	if f.Production.Err != nil {
		return unseen("", f.Production.Err)
	}
	if unfit := f.People.Value.Unfit; len(unfit) > 0 {
		return fail("Shorten or correct them in staging, or take a custom attribute out of CUSTOM_ATTRIBUTES.",
			"values that production's schema refuses: %s", tally(unfit))
	}
	return ok("every value fits production's schema")
}

func droppedAttributes(f Facts) verdict {
	if dropped := f.People.Value.Dropped; len(dropped) > 0 {
		return warn("Add to CUSTOM_ATTRIBUTES what production needs.", "custom attributes that stay behind: %s", tally(dropped))
	}
	return ok("no custom attribute stays behind")
}

// tally lists counts by name: given_name (3 users), name (1 user).
func tally(counts map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, name+" ("+quantity(counts[name], "user", "users")+")")
	}
	return strings.Join(parts, ", ")
}
