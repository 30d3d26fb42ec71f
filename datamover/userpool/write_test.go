package userpool

import (
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
)

// TestRandomPassword: the old script gave all users the same one.
func TestRandomPassword(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		p := randomPassword()
		assert.False(t, seen[p])
		seen[p] = true
		kinds := map[string]bool{}
		for _, r := range p {
			kinds["upper"] = kinds["upper"] || unicode.IsUpper(r)
			kinds["lower"] = kinds["lower"] || unicode.IsLower(r)
			kinds["digit"] = kinds["digit"] || unicode.IsDigit(r)
			kinds["symbol"] = kinds["symbol"] || unicode.IsPunct(r)
		}
		assert.Equal(t, map[string]bool{"upper": true, "lower": true, "digit": true, "symbol": true}, kinds)
		assert.Len(t, p, 82)
	}
}
