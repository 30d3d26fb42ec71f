package stacks

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/metrics"
	"github.com/spaceport/user-migration/datamover/metrics/metricstest"
)

// emitted is what the functions' code can count: metrics, each with its dimensions, written like
// "Decisions Function=Trigger Decision=? Reason=?", and the texts that can be a dimension's value.
type emitted struct{ metrics, values map[string]bool }

// What readEmitted looks for in code: string constants, text literals, and calls that count a metric.
var (
	constant = regexp.MustCompile(`(?m)^(?:const |\t)(\w+) += "(\w+)"`)
	literal  = regexp.MustCompile(`"([^"\n]+)"`)
	counting = regexp.MustCompile(`\.(?:Count|Milliseconds)\(metrics\.(\w+),(.*)\)`)
)

// readEmitted reads the code of both functions: each call of Count and Milliseconds names a metric and dimensions.
func readEmitted(t *testing.T) emitted {
	t.Helper()
	e, names := emitted{map[string]bool{}, map[string]bool{}}, map[string]string{}
	for _, found := range constant.FindAllStringSubmatch(document(t, "datamover/metrics/metrics.go"), -1) {
		names[found[1]] = found[2]
	}
	for function, folder := range map[string]string{"Trigger": "trigger", "Datamover": "datamover"} {
		require.NoError(t, fs.WalkDir(os.DirFS("../.."), folder, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			code := document(t, path)
			for _, found := range literal.FindAllStringSubmatch(code, -1) {
				e.values[found[1]] = true
			}
			for _, call := range counting.FindAllStringSubmatch(code, -1) {
				e.count(t, function, names[call[1]], literal.FindAllStringSubmatch(call[2], -1))
			}
			return nil
		}))
	}
	return e
}

// count adds the metric as CloudWatch reads it, with every set of dimensions.
func (e emitted) count(t *testing.T, function, metric string, names [][]string) {
	var dimensions []string
	for _, name := range names {
		dimensions = append(dimensions, name[1], "?")
	}
	var line bytes.Buffer
	log := metrics.NewLog(&line, function)
	counters := log.Counters()
	counters.Count(metric, 1, dimensions...)
	log.Info("", counters.Attrs(time.Now())...)
	for name := range metricstest.Read(t, line.Bytes()) {
		e.metrics[name] = true
	}
}

// dimension is one of an alarm, or of a metric on the dashboard. An empty value stands for all.
type dimension struct{ Name, Value string }

// assertEmitted fails unless the code can count the metric with exactly these dimensions.
func (e emitted) assertEmitted(t *testing.T, metric string, dimensions []dimension) {
	t.Helper()
	require.NotEmpty(t, dimensions)
	function := map[string]string{
		productionKnown["Trigger"]: "Trigger", productionKnown["Datamover"]: "Datamover",
	}[dimensions[0].Value]
	name := metric + " " + dimensions[0].Name + "=" + function
	for _, d := range dimensions[1:] {
		name += " " + d.Name + "=?"
		assert.True(t, d.Value == "" || e.values[d.Value], "no code has the value %s of %s", d.Value, name)
	}
	assert.True(t, e.metrics[name], "the code counts no %s", name)
}

func TestEmittedMetricsAreRead(t *testing.T) {
	e := readEmitted(t)
	for _, name := range []string{
		"Decisions Function=Trigger", "Decisions Function=Trigger Decision=?",
		"Decisions Function=Trigger Decision=? Reason=?", "Imports Function=Trigger Via=?", "Duration Function=Datamover",
		"Errors Function=Trigger ErrorType=?", "HookDecisions Function=Datamover Decision=?",
		"RejectedClaims Function=Datamover",
	} {
		assert.True(t, e.metrics[name], name)
	}
	for _, name := range []string{"Decisions Function=Trigger Reason=?", "Decisions Function=Datamover",
		"Nothing Function=Trigger"} {
		assert.False(t, e.metrics[name], name)
	}
	assert.True(t, e.values["wrong-password"])
}

// TestAlarmsWatchEmittedMetrics: every alarm watches a metric that the functions emit, with exactly its dimensions, or
// one of Lambda or SQS for a resource of the stack, or one of SES, which has no dimensions.
func TestAlarmsWatchEmittedMetrics(t *testing.T) {
	e, s := readEmitted(t), production(t, productionEverything)
	functions := []string{productionKnown["Trigger"], productionKnown["Datamover"], productionKnown["Background"]}
	alarms := ofType(t, s, "AWS::CloudWatch::Alarm")
	assert.Len(t, alarms, 22)
	assert.Contains(t, document(t, "infra/README.md"), strconv.Itoa(len(alarms))+" alarms at 0.10", "what it costs")
	watched := map[string]bool{}
	for _, id := range alarms {
		alarm := properties[struct {
			AlarmDescription, Namespace, MetricName, TreatMissingData string
			AlarmActions                                              []string
			Dimensions                                                []dimension
		}](t, s, id)
		assert.Equal(t, []string{"<Alarms>"}, alarm.AlarmActions, id)
		assert.NotEmpty(t, alarm.AlarmDescription, id)
		if alarm.Namespace == "AWS/SES" {
			assert.Contains(t, sesMetrics, alarm.MetricName, id)
			assert.Empty(t, alarm.Dimensions, id)
			assert.Equal(t, "ignore", alarm.TreatMissingData, id)
			continue
		}
		assert.Equal(t, "notBreaching", alarm.TreatMissingData, id)
		require.NotEmpty(t, alarm.Dimensions, id)
		last := alarm.Dimensions[len(alarm.Dimensions)-1]
		watched[alarm.MetricName+" "+last.Value] = true
		switch alarm.Namespace {
		case metrics.Namespace:
			e.assertEmitted(t, alarm.MetricName, alarm.Dimensions)
		case "AWS/Lambda":
			assert.Equal(t, "FunctionName", last.Name, id)
			assert.Contains(t, functions, last.Value, id)
		case "AWS/SQS":
			assert.Equal(t, dimension{"QueueName", "<DeadLetters.QueueName>"}, last, id)
		default:
			assert.Fail(t, "unknown namespace", "%s: %s", id, alarm.Namespace)
		}
	}
	for _, what := range []string{
		"Decisions wrong-password", "Decisions unknown-user", "Decisions too-many-attempts", "Decisions rejected-by-trigger",
		"Decisions blocked-by-threat-protection", "Decisions rejected-by-staging", "Errors StagingThrottled",
		"Throttles " + productionKnown["Trigger"], "Throttles " + productionKnown["Datamover"],
		"Errors " + productionKnown["Background"], "AsyncEventAge " + productionKnown["Background"],
	} {
		assert.True(t, watched[what], what)
	}
}

// sesMetrics are those of an account and a Region. They have no dimensions ("Amazon SES developer guide, Creating
// reputation monitoring alarms").
var sesMetrics = []string{"Send", "Bounce", "Complaint", "Reputation.BounceRate", "Reputation.ComplaintRate"}

// sesMetric is one on the dashboard, without dimensions.
var sesMetric = regexp.MustCompile(`\["AWS/SES", "([\w.]+)", \{`)

// TestEmailMetrics: the dashboard shows SES's metrics of the identity's Region, and the alarm on bounces is there if
// that is the stack's.
func TestEmailMetrics(t *testing.T) {
	for name, tt := range map[string]struct {
		parameters map[string]string
		region     string // of the metrics; "": not shown
		alarm      bool
	}{
		"Cognito's sender": {nil, "", false},
		"SES":              {map[string]string{"EmailSourceArn": sesIdentity("us-east-1")}, "us-east-1", true},
		"another Region":   {map[string]string{"EmailSourceArn": sesIdentity("eu-west-1")}, "eu-west-1", false},
		"existing pool": {map[string]string{
			"EmailSourceArn": sesIdentity("us-east-1"), "ExistingUserPoolId": "us-east-1_Existing",
		}, "us-east-1", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := production(t, tt.parameters)
			body := properties[struct{ DashboardBody string }](t, s, "Dashboard").DashboardBody
			require.True(t, json.Valid([]byte(body)), body)
			var shown []string
			for _, widget := range strings.Split(body, `{"type": `) {
				for _, metric := range sesMetric.FindAllStringSubmatch(widget, -1) {
					assert.Contains(t, widget, `"region": "`+tt.region+`"`)
					shown = append(shown, metric[1])
				}
			}
			assert.Equal(t, map[bool][]string{true: sesMetrics}[tt.region != ""], shown)
			assert.Equal(t, tt.alarm, slices.Contains(ofType(t, s, "AWS::CloudWatch::Alarm"), "EmailsBouncing"))
			assert.Equal(t, tt.alarm, strings.Contains(body, "EmailsBouncing"))
		})
	}

	s := production(t, productionEverything)
	alarm := properties[struct {
		MetricName, Threshold, ComparisonOperator string
	}](t, s, "EmailsBouncing")
	assert.Equal(t, "Reputation.BounceRate", alarm.MetricName)
	assert.Equal(t, "0.05", alarm.Threshold, "5 %: the metric is from 0 to 1")
	assert.Equal(t, "GreaterThanOrEqualToThreshold", alarm.ComparisonOperator)
}

func sesIdentity(region string) string {
	return "arn:aws:ses:" + region + ":222222222222:identity/spaceport.example"
}

// Metrics of the functions on the dashboard, and searches for them.
var (
	metricShown  = regexp.MustCompile(`\["Spaceport/Migration", "(\w+)"((?:, "[^"]+")+)`)
	metricSearch = regexp.MustCompile(
		`SEARCH\('\{Spaceport/Migration,Function((?:,\w+)*)\} MetricName=\\"(\w+)\\" Function=\\"([^"\\]+)\\"'`)
)

// TestDashboardShowsEmittedMetrics: the dashboard shows only metrics that the functions emit, and every alarm.
func TestDashboardShowsEmittedMetrics(t *testing.T) {
	e := readEmitted(t)
	for _, s := range []*Stack{production(t, productionEverything), production(t)} {
		body := properties[struct{ DashboardBody string }](t, s, "Dashboard").DashboardBody
		shown := metricShown.FindAllStringSubmatch(body, -1)
		for _, found := range shown {
			var dimensions []dimension
			texts := literal.FindAllStringSubmatch(found[2], -1)
			for i := 0; i < len(texts); i += 2 {
				dimensions = append(dimensions, dimension{texts[i][1], texts[i+1][1]})
			}
			e.assertEmitted(t, found[1], dimensions)
		}
		searches := metricSearch.FindAllStringSubmatch(body, -1)
		for _, found := range searches {
			dimensions := []dimension{{metrics.Function, found[3]}}
			for _, name := range strings.Split(found[1], ",")[1:] {
				dimensions = append(dimensions, dimension{Name: name})
			}
			e.assertEmitted(t, found[2], dimensions)
		}
		assert.NotEmpty(t, shown)
		assert.NotEmpty(t, searches)
		assert.Equal(t, strings.Count(body, metrics.Namespace), len(shown)+len(searches), "all of them are read")
		for _, id := range ofType(t, s, "AWS::CloudWatch::Alarm") {
			assert.Contains(t, body, "<"+id+".Arn>")
		}
		for _, metric := range []string{"Errors", "Duration", "AsyncEventAge", "ConcurrentExecutions"} {
			assert.Contains(t, body, `["AWS/Lambda", "`+metric+`", "FunctionName", "`+productionKnown["Background"]+`"`)
		}
	}
}
