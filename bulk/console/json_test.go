package console

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestJSONList(t *testing.T) {
	for want, items := range map[string][]any{
		"{\n  \"users\": [],\n  \"count\": 0\n}\n": {}, "{\n  \"users\": [\n    1,\n    2\n  ],\n  \"count\": 2\n}\n": {1, 2},
	} {
		var b bytes.Buffer
		list := NewList(&b, "users")
		for _, item := range items {
			require.NoError(t, list.Add(item))
		}
		require.NoError(t, list.End("count", len(items)))
		assert.Equal(t, want, b.String())
		assert.True(t, json.Valid(b.Bytes()))
	}
	assert.Error(t, NewList(&bytes.Buffer{}, "users").Add(func() {}))
}

func TestWriteJSON(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, WriteJSON(&b, map[string]string{"a": "<&>"}))
	assert.Equal(t, "{\n  \"a\": \"<&>\"\n}\n", b.String())
}

// TestEscapedJSON has a control character that the encoder leaves as it is.
func TestEscapedJSON(t *testing.T) {
	var b bytes.Buffer
	s := Streams{Out: &Text{W: &b}}
	require.NoError(t, WriteJSON(s.Out, map[string]string{"a": "\u009b\x1b\x7f\u202e"}))
	assert.NotContains(t, b.String(), "\u009b")
	var back map[string]string
	require.NoError(t, json.Unmarshal(b.Bytes(), &back))
	assert.Equal(t, "\u009b\x1b\x7f\u202e", back["a"])
}
