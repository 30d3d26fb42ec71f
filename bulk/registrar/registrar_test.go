package registrar

import (
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
)

// TestNobodyCanGuessThePassword is the second failure of the old script, which gave everybody the same one.
func TestNobodyCanGuessThePassword(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		p := unknowable()
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
