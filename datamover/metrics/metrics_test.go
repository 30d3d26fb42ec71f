package metrics_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/spaceport/user-migration/datamover/metrics"
	"github.com/spaceport/user-migration/datamover/metrics/metricstest"
)

func TestLineIsInTheFormat(t *testing.T) {
	var out bytes.Buffer
	log := metrics.NewLog(&out, "fn")
	counters := log.Counters()
	counters.Count("Things", 3, "Kind", "big", "Color", "red")
	counters.Milliseconds("Duration", 1500*time.Millisecond)
	counters.Count("Others", 0)
	log.Info("done", append([]any{"kind", "big"}, counters.Attrs(time.UnixMilli(1767225600123))...)...)

	_, line, _ := bytes.Cut(out.Bytes(), []byte(`"msg"`))
	assert.Equal(t, `:"done","kind":"big","Function":"fn","Kind":"big","Color":"red","Things":3,`+
		`"Duration":1500,"Others":0,"_aws":{"Timestamp":1767225600123,`+
		`"CloudWatchMetrics":[{"Namespace":"Spaceport/Migration","Dimensions":`+
		`[["Function"],["Function","Kind"],["Function","Kind","Color"]],`+
		`"Metrics":[{"Name":"Things","Unit":"Count"}]},`+
		`{"Namespace":"Spaceport/Migration","Dimensions":[["Function"]],`+
		`"Metrics":[{"Name":"Duration","Unit":"Milliseconds"},{"Name":"Others","Unit":"Count"}]}]}}`+"\n",
		string(line))
	assert.Equal(t, map[string]float64{
		"Things Function=fn": 3, "Things Function=fn Kind=big": 3, "Things Function=fn Kind=big Color=red": 3,
		"Duration Function=fn": 1500, "Others Function=fn": 0,
	}, metricstest.Read(t, out.Bytes()))
}

func TestEmptyDimensionEndsTheSets(t *testing.T) {
	var out bytes.Buffer
	log := metrics.NewLog(&out, "fn")
	counters := log.Counters()
	counters.Count("Things", 1, "Kind", "big", "Color", "", "Shape", "round")
	counters.Count("Others", 1, "Via", "")
	log.Info("done", counters.Attrs(time.Now())...)
	assert.Equal(t, map[string]float64{
		"Things Function=fn": 1, "Things Function=fn Kind=big": 1, "Others Function=fn": 1,
	}, metricstest.Read(t, out.Bytes()))
}
