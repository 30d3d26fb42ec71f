package cloud

import (
	"encoding/json"
	"net/http"
)

// sesOperation names the operation behind a path.
func sesOperation(method, path string) string {
	if method == http.MethodGet && path == "/v2/email/account" {
		return "GetAccount"
	}
	return method + " " + path
}

// ses is an account that may send 50,000 emails a day. The emails themselves are in the mailbox.
func (c *Cloud) ses(*call) (reply, error) {
	body, err := json.Marshal(map[string]any{
		"ProductionAccessEnabled": true, "SendingEnabled": true, "EnforcementStatus": "HEALTHY",
		"SendQuota": map[string]float64{"Max24HourSend": 50_000, "MaxSendRate": 14, "SentLast24Hours": 0},
	})
	return reply{status: http.StatusOK, header: http.Header{"Content-Type": {"application/json"}}, body: body}, err
}
