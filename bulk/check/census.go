package check

import (
	"hash/maphash"
	"iter"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// Census is what one reading of all staging users says. Counts of attributes are of eligible users.
type Census struct {
	Total, Eligible int
	Ineligible      map[userpool.Reason]int
	SameAddress     int            // eligible users whose address another one has, in whatever case
	SameExamples    []string       // some of those addresses
	Lacking         map[string]int // attribute that production requires → users without it
	Unfit           map[string]int // attribute → users whose value production would refuse
	Dropped         map[string]int // custom attribute → users who have one, and lose it
}

// Rules say what is counted.
type Rules struct {
	Cutoff   time.Time
	Custom   []string // custom attributes that are carried over
	Required []string // attributes that production asks for
	Schema   map[string]Attribute
}

// RulesFor takes them out of the settings and the production pool.
func RulesFor(f Facts) Rules {
	return Rules{
		Cutoff: f.Settings.StagingCutoff, Custom: f.Settings.CustomAttributes,
		Required: f.Production.Value.requiredNames(), Schema: f.Production.Value.Schema,
	}
}

// examples is how many addresses are shown of those that stand twice.
const examples = 3

// Count reads all users once. It keeps none of them, but a 64-bit hash of each eligible one's address, to find those that
// differ only by case: up to 40 MB for a million users. That two of them share a hash by chance is 1 in 30 million.
func Count(users iter.Seq2[userpool.User, error], rules Rules, seen func()) (Census, error) {
	c := Census{Ineligible: map[userpool.Reason]int{}, Lacking: map[string]int{}, Unfit: map[string]int{}, Dropped: map[string]int{}}
	seed, addresses := maphash.MakeSeed(), map[uint64]struct{}{}
	for user, err := range users {
		if err != nil {
			return c, err
		}
		seen()
		c.Total++
		if reason := user.Ineligible(rules.Cutoff); reason != "" {
			c.Ineligible[reason]++
			continue
		}
		c.Eligible++
		address := maphash.String(seed, ledger.FoldASCII(user.Email()))
		if _, twice := addresses[address]; twice {
			c.twice(user.Email())
		}
		addresses[address] = struct{}{}
		c.attributes(user, rules)
	}
	return c, nil
}

func (c *Census) twice(address string) {
	c.SameAddress++
	if len(c.SameExamples) < examples {
		c.SameExamples = append(c.SameExamples, address)
	}
}

// attributes looks at what the trigger would send, and at what it would leave behind.
func (c *Census) attributes(user userpool.User, rules Rules) {
	sent, _ := userpool.ProductionAttributes(user, rules.Custom)
	for _, name := range rules.Required {
		if sent[userpool.Attribute(name)] == "" {
			c.Lacking[name]++
		}
	}
	for name, value := range sent {
		if a, known := rules.Schema[string(name)]; known && !a.takes(value) {
			c.Unfit[string(name)]++
		}
	}
	for name, value := range user.Attributes {
		if name.Custom() && value != "" && sent[name] == "" {
			c.Dropped[string(name)]++
		}
	}
}

// takes tells whether Cognito would store a value ("Amazon Cognito API reference, SchemaAttributeType").
func (a Attribute) takes(value string) bool {
	size := float64(utf8.RuneCountInString(value))
	switch a.Type {
	case "Number":
		number, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return false
		}
		size = number
	case "Boolean":
		return value == "true" || value == "false"
	case "DateTime":
		return true
	}
	return (a.Min == nil || size >= *a.Min) && (a.Max == nil || size <= *a.Max)
}
