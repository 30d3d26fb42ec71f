package ledger_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/spaceport/user-migration/datamover/ledger"
)

func TestFoldASCII(t *testing.T) {
	for in, want := range map[string]string{
		"Ada@Example.COM": "ada@example.com", "\u212Ada": "\u212Ada", "ÄDA": "Äda", "": "", "İ": "İ", "\xff": "\ufffd",
	} {
		assert.Equal(t, want, ledger.FoldASCII(in))
	}
}

func TestMaskEmail(t *testing.T) {
	for in, want := range map[string]string{
		"ada@example.com": "a***@e***", "é@x": "é***@x***", "@": "***@***", "not an email": "***", "": "***",
	} {
		assert.Equal(t, want, ledger.MaskEmail(in))
	}
}
