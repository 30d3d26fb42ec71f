// Package metricstest reads log lines as CloudWatch does.
package metricstest

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/metrics"
)

type document struct {
	Timestamp         int64
	CloudWatchMetrics []struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []struct{ Name, Unit string }
	}
}

// Read returns the metrics of one log line with their values, each written like "Imports Function=trigger Via=sign-in".
// It fails the test where the line is not in the embedded metric format as its specification has it.
func Read(t testing.TB, line []byte) map[string]float64 {
	t.Helper()
	root := members(t, line)
	var doc document
	decoder := json.NewDecoder(bytes.NewReader(root["_aws"]))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&doc), "_aws of %s", line)
	require.WithinDuration(t, time.Now(), time.UnixMilli(doc.Timestamp), 365*24*time.Hour, "in milliseconds")
	require.NotEmpty(t, doc.CloudWatchMetrics)
	read := map[string]float64{}
	for _, d := range doc.CloudWatchMetrics {
		require.Equal(t, metrics.Namespace, d.Namespace)
		require.NotEmpty(t, d.Dimensions)
		require.True(t, len(d.Metrics) > 0 && len(d.Metrics) <= 100)
		for _, m := range d.Metrics {
			require.Contains(t, []string{"Count", "Milliseconds"}, m.Unit)
			var value *float64
			require.NoError(t, json.Unmarshal(root[m.Name], &value), "the value of %s in %s", m.Name, line)
			require.NotNil(t, value, m.Name)
			for _, set := range d.Dimensions {
				name := m.Name + described(t, root, set)
				require.NotContains(t, read, name, "counted twice")
				read[name] = *value
			}
		}
	}
	return read
}

func described(t testing.TB, root map[string]json.RawMessage, set []string) string {
	t.Helper()
	require.True(t, len(set) > 0 && len(set) <= 30 && slices.Contains(set, metrics.Function))
	var b strings.Builder
	for _, name := range set {
		var value string
		require.NoError(t, json.Unmarshal(root[name], &value), "the dimension %s", name)
		require.NotEmpty(t, strings.TrimSpace(value), "the dimension %s", name)
		require.LessOrEqual(t, len(value), 1024)
		b.WriteString(" " + name + "=" + value)
	}
	return b.String()
}

// members reads the root of the line, which must be one object without a name twice.
func members(t testing.TB, line []byte) map[string]json.RawMessage {
	t.Helper()
	require.True(t, json.Valid(line), "one JSON value and nothing else: %s", line)
	decoder := json.NewDecoder(bytes.NewReader(line))
	open, err := decoder.Token()
	require.NoError(t, err)
	require.Equal(t, json.Delim('{'), open)
	all := map[string]json.RawMessage{}
	for decoder.More() {
		name, err := decoder.Token()
		require.NoError(t, err)
		require.NotContains(t, all, name, "named twice in %s", line)
		var value json.RawMessage
		require.NoError(t, decoder.Decode(&value))
		all[name.(string)] = value
	}
	return all
}
