package stacks

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
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

// readEmitted reads the code of both functions: each call of Count and Milliseconds names a metric and dimensions.
func readEmitted(t *testing.T) emitted {
	t.Helper()
	e := emitted{map[string]bool{}, map[string]bool{}}
	names := constants(t, "../../datamover/metrics/metrics.go")
	for function, folder := range map[string]string{"Trigger": "../../trigger", "Datamover": "../../datamover"} {
		require.NoError(t, filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			ast.Inspect(parse(t, path), func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.BasicLit:
					e.values[text(n)] = true
				case *ast.CallExpr:
					if metric := metricOf(n, names); metric != "" {
						e.count(t, function, metric, n.Args[2:])
					}
				}
				return true
			})
			return nil
		}))
	}
	return e
}

func parse(t *testing.T, path string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	require.NoError(t, err)
	return file
}

// text returns the value of a string literal.
func text(n ast.Expr) string {
	literal, ok := n.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return ""
	}
	value, _ := strconv.Unquote(literal.Value)
	return value
}

// constants returns the string constants of a file, by name.
func constants(t *testing.T, path string) map[string]string {
	t.Helper()
	values := map[string]string{}
	ast.Inspect(parse(t, path), func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == len(spec.Names) {
			for i, name := range spec.Names {
				values[name.Name] = text(spec.Values[i])
			}
		}
		return true
	})
	return values
}

// metricOf returns the metric that a call counts, or "".
func metricOf(call *ast.CallExpr, names map[string]string) string {
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || len(call.Args) < 2 || method.Sel.Name != "Count" && method.Sel.Name != "Milliseconds" {
		return ""
	}
	metric, ok := call.Args[0].(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	return names[metric.Sel.Name]
}

// count adds the metric as CloudWatch reads it, with every set of dimensions.
func (e emitted) count(t *testing.T, function, metric string, arguments []ast.Expr) {
	var dimensions []string
	for i := 0; i < len(arguments); i += 2 {
		name := text(arguments[i])
		require.NotEmpty(t, name, "a dimension of %s", metric)
		dimensions = append(dimensions, name, "?")
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
			var shown []string
			for _, widget := range widgets(t, body) {
				for _, metric := range widget.Properties.Metrics {
					if metric[0] == "AWS/SES" {
						assert.Equal(t, tt.region, widget.Properties.Region)
						assert.Len(t, metric, 3, "no dimensions")
						shown = append(shown, metric[1].(string))
					}
				}
			}
			if tt.region == "" {
				assert.Empty(t, shown)
			} else {
				assert.Equal(t, sesMetrics, shown)
			}
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

type widget struct {
	Properties struct {
		Region  string
		Metrics [][]any
	}
}

func widgets(t *testing.T, body string) []widget {
	t.Helper()
	var dashboard struct{ Widgets []widget }
	require.NoError(t, json.Unmarshal([]byte(body), &dashboard), body)
	return dashboard.Widgets
}

// TestAdviceOnQuotas: an alarm that advises to raise a quota says how, and that UserList cannot be raised.
func TestAdviceOnQuotas(t *testing.T) {
	s := production(t)
	throttled := properties[struct{ AlarmDescription string }](t, s, "StagingThrottled").AlarmDescription
	for _, text := range []string{
		"UserAuthentication", "UserRead", "Service Quotas", "aws cognito-idp update-provisioned-limit",
		"UserList, which bulk uses, cannot",
	} {
		assert.Contains(t, throttled, text)
	}
	for _, id := range []string{"TriggerThrottled", "DatamoverThrottled", "BackgroundMovesWaiting"} {
		text := properties[struct{ AlarmDescription string }](t, s, id).AlarmDescription
		assert.Contains(t, text, "concurrent executions for the account in Service Quotas", id)
	}
}

// TestDashboardShowsEmittedMetrics: the dashboard shows only metrics that the functions emit, and every alarm.
func TestDashboardShowsEmittedMetrics(t *testing.T) {
	e := readEmitted(t)
	search := regexp.MustCompile(`^SEARCH\('\{Spaceport/Migration,([\w,]+)\} MetricName="(\w+)" Function="([^"]+)"'`)
	for _, s := range []*Stack{production(t, productionEverything), production(t)} {
		body := properties[struct{ DashboardBody string }](t, s, "Dashboard").DashboardBody
		metricsShown, searches := 0, 0
		for _, widget := range widgets(t, body) {
			for _, metric := range widget.Properties.Metrics {
				var texts []string
				for _, element := range metric {
					if text, ok := element.(string); ok {
						texts = append(texts, text)
					} else if expression,
						_ := element.(map[string]any)["expression"].(string); strings.HasPrefix(expression, "SEARCH") {
						found := search.FindStringSubmatch(expression)
						require.NotEmpty(t, found, expression)
						searches++
						dimensions := []dimension{{metrics.Function, found[3]}}
						for _, name := range strings.Split(found[1], ",")[1:] {
							dimensions = append(dimensions, dimension{Name: name})
						}
						e.assertEmitted(t, found[2], dimensions)
					}
				}
				if len(texts) == 0 || texts[0] != metrics.Namespace {
					continue
				}
				metricsShown++
				var dimensions []dimension
				for i := 2; i+1 < len(texts); i += 2 {
					dimensions = append(dimensions, dimension{texts[i], texts[i+1]})
				}
				e.assertEmitted(t, texts[1], dimensions)
			}
		}
		assert.Positive(t, searches)
		assert.Positive(t, metricsShown)
		for _, id := range ofType(t, s, "AWS::CloudWatch::Alarm") {
			assert.Contains(t, body, "<"+id+".Arn>")
		}
		for _, metric := range []string{"Errors", "Duration", "AsyncEventAge", "ConcurrentExecutions"} {
			assert.Contains(t, body, `["AWS/Lambda", "`+metric+`", "FunctionName", "`+productionKnown["Background"]+`"`)
		}
	}
}
