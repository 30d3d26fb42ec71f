package cloud

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"
)

func TestFaultsByService(t *testing.T) {
	w := newWorld(t)
	w.confirm("ann")
	db := tables(w.c, w.c.ProductionAdmin())
	kinds := []FaultKind{Throttle, ServerError, AccessDenied}
	for service, test := range map[string]struct {
		call  func() error
		codes []string // by kind
	}{
		"cognito-idp": {func() error { return w.find("ann") },
			[]string{"TooManyRequestsException", "InternalErrorException", "AccessDeniedException"}},
		"dynamodb": {func() error { _, err := db.ListTables(t.Context(), nil); return err },
			[]string{"ProvisionedThroughputExceededException", "InternalServerError", "AccessDeniedException"}},
		"sts": {func() error {
			_, err := stsClient(w.c, w.c.ProductionAdmin()).GetCallerIdentity(t.Context(), nil)
			return err
		}, []string{"Throttling", "InternalFailure", "AccessDenied"}},
	} {
		for i, kind := range kinds {
			t.Run(fmt.Sprint(kind, service), func(t *testing.T) {
				defer w.c.Inject(Fault{Service: service, Kind: kind, Times: 1})()
				rejectedWith(t, test.call(), test.codes[i])
				require.NoError(t, test.call(), "once only")
			})
		}
	}
}

func TestFaultSelection(t *testing.T) {
	w := newWorld(t)
	w.confirm("ann")
	defer w.c.Inject(Fault{Operation: "AdminGetUser", Account: ProductionAccount, Caller: "production-admin",
		Table: w.pool, After: 2, Times: 1, Kind: Throttle})()
	defer w.c.Inject(Fault{Operation: "AdminGetUser", Account: StagingAccount, Kind: Throttle})()
	var succeeded []bool
	for range 4 {
		succeeded = append(succeeded, w.find("ann") == nil)
	}
	require.Equal(t, []bool{true, true, false, true}, succeeded)

	defer w.c.Inject(Fault{Operation: "AdminGetUser", Rate: 0.5, Kind: Throttle})()
	rejected := 0
	for range 60 {
		if w.find("ann") != nil {
			rejected++
		}
	}
	require.InDelta(t, 30, rejected, 15)
}

func TestLostConnections(t *testing.T) {
	c := cloudFor(t)
	db := tables(c, c.ProductionAdmin())
	table := "Lost-" + randomHex(4)
	makeTable(t, db, table)
	put := func(id string) error {
		_, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: key(id)})
		return err
	}
	exists := func(id string) bool {
		out, err := db.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table, Key: key(id)})
		require.NoError(t, err)
		return len(out.Item) > 0
	}
	remove := c.Inject(Fault{Operation: "PutItem", Table: table, Kind: Reset})
	require.Error(t, put("before"))
	remove()
	require.False(t, exists("before"))

	remove = c.Inject(Fault{Operation: "PutItem", Table: table, Kind: ResetAfter})
	require.Error(t, put("after"))
	remove()
	require.True(t, exists("after"), "performed, but the answer was lost")
}

func TestLatencyHooksAndTap(t *testing.T) {
	c := cloudFor(t)
	db := tables(c, c.ProductionAdmin())
	var before, after, tapped atomic.Int32
	untap := c.Tap(func(r Request) {
		if r.Operation == "ListTables" && r.Status == 200 {
			tapped.Add(1)
		}
	})
	defer c.Inject(Fault{Operation: "ListTables", Kind: Latency, Delay: 50 * time.Millisecond})()
	defer c.Inject(Fault{Operation: "ListTables", After: 1, Times: 1, Kind: HookBefore,
		Hook: func(Request) { before.Add(1) }})()
	defer c.Inject(Fault{Operation: "ListTables", Kind: HookAfter, Hook: func(Request) { after.Add(1) }})()
	start := time.Now()
	for range 3 {
		_, err := db.ListTables(t.Context(), nil)
		require.NoError(t, err)
	}
	require.GreaterOrEqual(t, time.Since(start), 150*time.Millisecond)
	require.EqualValues(t, 1, before.Load())
	require.EqualValues(t, 3, after.Load())
	untap()
	_, err := db.ListTables(t.Context(), nil)
	require.NoError(t, err)
	require.EqualValues(t, 3, tapped.Load())
}

func TestQuotas(t *testing.T) {
	w := newWorld(t)
	w.confirm("ann")
	w.c.EnforceQuotas(map[string]float64{"UserRead": 5})
	var err error
	for i := 0; i < 8 && err == nil; i++ {
		err = w.find("ann")
	}
	rejectedWith(t, err, "TooManyRequestsException", "Rate exceeded")
	w.c.EnforceQuotas(nil)
	require.NoError(t, w.find("ann"))
}

// The log names what was asked, never what was in it.
func TestLogHoldsNoSecret(t *testing.T) {
	w := newWorld(t, emailAsUsername)
	w.confirm("ann@example.com", "email_verified", "true")
	out, err := w.initiateAuth("ann@example.com", password)
	require.NoError(t, err)
	require.NoError(t, w.resetPassword("ann@example.com"))
	message, _ := w.c.LastMessage("ann@example.com")
	require.NoError(t, w.confirmForgot("ann@example.com", message.Code, "Brand-New-1"))
	log := fmt.Sprintf("%+v", w.c.Requests())
	for _, secret := range []string{password, "Brand-New-1", "ann@", *out.AuthenticationResult.AccessToken} {
		require.NotContains(t, log, secret)
	}
	require.NotContains(t, strings.ReplaceAll(log, w.pool, ""), " "+message.Code+" ")
}

func TestCloseLeavesNothing(t *testing.T) {
	cloudFor(t)
	c, err := Start(t.Context(), Options{Moto: motoPath()})
	require.NoError(t, err)
	pid := c.moto.command.Process.Pid
	require.NoError(t, syscall.Kill(pid, 0))
	require.NoError(t, c.Close())
	require.Error(t, syscall.Kill(pid, 0))
	require.NoError(t, c.Close())
}

func TestMotoThatDoesNotStart(t *testing.T) {
	folder := t.TempDir()
	script := []byte("#!/bin/sh\necho no module named moto >&2\nexit 1\n")
	require.NoError(t, os.WriteFile(folder+"/python", script, 0o700))
	_, err := Start(t.Context(), Options{Moto: folder + "/moto_server"})
	require.ErrorContains(t, err, "no module named moto")
}

// A client that is killed in the middle of a call must not leave the proxy with less than moto has.
func TestClientThatGoesAway(t *testing.T) {
	w := newWorld(t, emailAsUsername)
	ctx, cancel := context.WithCancel(t.Context())
	defer w.c.Inject(Fault{Operation: "AdminCreateUser", Table: w.pool, Kind: HookBefore, Times: 1,
		Hook: func(Request) { cancel() }})()
	_, err := w.idp.AdminCreateUser(ctx, &cognito.AdminCreateUserInput{UserPoolId: &w.pool,
		Username: aws.String("ann@example.com"), MessageAction: "SUPPRESS"})
	require.Error(t, err)
	require.Eventually(t, func() bool { return w.find("ann@example.com") == nil }, 5*time.Second, 10*time.Millisecond)
}
