package cloud

import (
	"encoding/json"
	"net/http"
)

var sesOperations = map[string]string{"GET /v2/email/account": "GetAccount"}

// ses is an account that may send 50,000 emails a day. The emails themselves are in the mailbox.
func (c *Cloud) ses(*call) (reply, error) {
	body, err := json.Marshal(map[string]any{
		"ProductionAccessEnabled": true, "SendingEnabled": true, "EnforcementStatus": "HEALTHY",
		"SendQuota": map[string]float64{"Max24HourSend": 50_000, "MaxSendRate": 14, "SentLast24Hours": 0},
	})
	return reply{status: http.StatusOK, header: http.Header{"Content-Type": {"application/json"}}, body: body}, err
}
