package userpool

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAPasswordIsNeverPrinted(t *testing.T) {
	const secret = "Correct-Horse-7"
	p := Password(secret)
	request := struct{ Password Password }{p}
	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
		slog.New(handler).Info("sign in", "password", p, "request", request)
	}
	encoded, err := json.Marshal(request)
	require.NoError(t, err)
	printed := []string{log.String(), string(encoded), fmt.Sprint(p, request, &request), errors.New(p.String()).Error()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10s", "%T %[1]v"} {
		printed = append(printed, fmt.Sprintf(verb, p), fmt.Sprintf(verb, request))
	}
	for _, text := range printed {
		require.NotContains(t, text, secret)
		require.NotContains(t, text, fmt.Sprintf("%x", secret))
		require.NotContains(t, text, fmt.Sprintf("%X", secret))
	}
	require.Contains(t, log.String(), redacted)
}

func TestAPasswordIsReadFromJSON(t *testing.T) {
	var request struct{ Password Password }
	require.NoError(t, json.Unmarshal([]byte(`{"password":"Correct-Horse-7"}`), &request))
	require.Equal(t, "Correct-Horse-7", string(request.Password))
}
