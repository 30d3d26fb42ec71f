package lambdahost

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPolicyIsShown(t *testing.T) {
	h := New(Options{})
	defer h.Close()
	h.functions["open"] = &function{Function: Function{Name: "open", Policy: `{"Version":"2012-10-17"}`}}
	h.functions["closed"] = &function{Function: Function{Name: "closed"}}
	for name, want := range map[string]int{"open": 200, "closed": 404, "gone": 404} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/2015-03-31/functions/"+name+"/policy", nil))
		assert.Equal(t, want, w.Code, name)
		if want == 200 {
			assert.JSONEq(t, `{"Policy":"{\"Version\":\"2012-10-17\"}","RevisionId":"1"}`, w.Body.String())
		}
	}
}
