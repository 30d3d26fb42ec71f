package bench

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

const (
	roundTrip      = 10 * time.Millisecond
	distanceStarts = 15
	distanceWarm   = 5
	distanceRows   = 10 // of a first sign-in, with the profile
)

// hosts are STS and Cognito, which answer at once that all is well, and DynamoDB in memory.
type hosts struct {
	tables  *memoryTables
	servers []*httptest.Server
	env     map[string]string // of the functions
	folder  string            // of the certificate
}

// newHosts starts them a round trip away, with TLS. Without a trip it is without TLS, since handshakes would take most of
// the time: smithy-go closes a request's body when the answer is there, and so the connection, if that was before Go had
// noticed the end of the body.
func newHosts(trip time.Duration) (*hosts, error) {
	tables, err := newMemoryTables("http://127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &hosts{tables: tables, env: map[string]string{}}
	for service, handler := range map[string]http.Handler{
		"STS": http.HandlerFunc(assumeRole), "COGNITO_IDENTITY_PROVIDER": http.HandlerFunc(signsIn), "DYNAMODB": tables,
	} {
		server := httptest.NewUnstartedServer(handler)
		d.servers = append(d.servers, server)
		if trip == 0 {
			server.Start()
		} else {
			server.Listener = far{server.Listener, trip}
			server.StartTLS()
		}
		d.env["AWS_ENDPOINT_URL_"+service] = server.URL
	}
	if trip == 0 {
		return d, nil
	}
	if d.folder, err = os.MkdirTemp("", "spaceport-bench-"); err != nil {
		return nil, err
	}
	d.env["AWS_CA_BUNDLE"] = filepath.Join(d.folder, "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: d.servers[0].Certificate().Raw})
	return d, os.WriteFile(d.env["AWS_CA_BUNDLE"], certificate, 0o600)
}

func (d *hosts) close() {
	for _, server := range d.servers {
		server.Close()
	}
	_ = os.RemoveAll(d.folder)
}

func assumeRole(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintf(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>`+
		`<AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>`+
		`<Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
		time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
}

// signsIn lets every user of testUser in, with any password.
func signsIn(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Username       string
		AuthParameters struct{ USERNAME string }
	}
	_ = json.NewDecoder(r.Body).Decode(&in) // of the SDK
	u := testUser(indexOf(in.Username + in.AuthParameters.USERNAME))
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".AdminGetUser") {
		answer(w, http.StatusOK, cognitoUser("UserAttributes", u.stagingSub, u.email))
		return
	}
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"` + u.stagingSub + `"}`))
	answer(w, http.StatusOK, object{"AuthenticationResult": object{"AccessToken": "e30." + claims + ".s"}})
}

// cognitoUser is a user as Cognito describes them, and more attributes by name and value.
func cognitoUser(attributes, sub, email string, more ...string) object {
	list := []object{}
	for pair := range slices.Chunk(append([]string{"sub", sub, "email", email, "email_verified", "true"}, more...), 2) {
		list = append(list, object{"Name": pair[0], "Value": pair[1]})
	}
	return object{
		"Username": sub, "Enabled": true, "UserStatus": "CONFIRMED", "UserCreateDate": 1.7e9, attributes: list,
	}
}

// far accepts connections from a round trip away.
type far struct {
	net.Listener
	trip time.Duration
}

// Accept returns a connection whose handshake has taken a round trip.
func (f far) Accept() (net.Conn, error) {
	conn, err := f.Listener.Accept()
	if err != nil {
		return nil, err
	}
	near, line := net.Pipe()
	go carry(line, conn, f.trip/2, time.Now().Add(f.trip)) // the handshake of TCP
	go carry(conn, line, f.trip/2, time.Time{})
	return near, nil
}

type parcel struct {
	data    []byte
	arrives time.Time
}

// carry copies from one end to the other, with a delay, and nothing before a time.
func carry(to, from net.Conn, delay time.Duration, open time.Time) {
	parcels := make(chan parcel, 1024)
	go func() {
		defer close(parcels)
		for {
			data := make([]byte, 32<<10)
			n, err := from.Read(data)
			if n > 0 {
				arrives := time.Now()
				if arrives.Before(open) {
					arrives = open
				}
				parcels <- parcel{data[:n], arrives.Add(delay)}
			}
			if err != nil {
				return
			}
		}
	}()
	for p := range parcels {
		time.Sleep(time.Until(p.arrives))
		if _, err := to.Write(p.data); err != nil {
			break
		}
	}
	_ = to.Close()
	_ = from.Close()
	for range parcels { // until the reader has ended
	}
}

// distance measures both functions a round trip away from everything that they ask.
func distance(ctx context.Context) (section, error) {
	d, err := newHosts(roundTrip)
	if err != nil {
		return section{}, err
	}
	defer d.close()
	trigger, hook := &subject{
		name:     spaceport.Trigger,
		decision: "import",
	}, &subject{
		name:     spaceport.Datamover,
		decision: "moved",
	}
	trigger.event = func(context.Context) ([]byte, error) { return migrateUser(testUser(1).email, "Secret-Passw0rd") }
	signIns := 1
	hook.event = func(context.Context) ([]byte, error) {
		signIns++
		return d.firstSignIn(testUser(signIns))
	}
	err = within(ctx, spaceport.Options{Env: d.env}, func(s *spaceport.Spaceport) error {
		for round := range distanceStarts + 1 {
			for _, f := range []*subject{trigger, hook} {
				s.Lambdas.Recycle(f.name)
				for range 1 + distanceWarm {
					if err := f.invoke(ctx, s, round > 0); err != nil {
						return fmt.Errorf("%w\n%s", err, s.Lambdas.Log(f.name))
					}
				}
			}
		}
		return nil
	})
	trips := func(took []time.Duration) float64 { return float64(median(took)) / float64(roundTrip) }
	row := func(what string, of func(*subject) []time.Duration) []string {
		return []string{what, fmt.Sprintf("%.1f", trips(of(trigger))), fmt.Sprintf("%.1f", trips(of(hook)))}
	}
	first, warm := func(f *subject) []time.Duration { return f.first }, func(f *subject) []time.Duration { return f.warm }
	return section{
		title: "At AWS's distance",
		how: fmt.Sprintf("STS, Cognito and DynamoDB are three TLS hosts, each a round trip of %v away, and answer at once.\n"+
			"%d cold starts, in turn, each with %d warm invocations after. A first invocation is measured from the end of init,\n"+
			"with the event waiting. The hook moves a profile and %d projects. The trigger needs three round trips for the role,\n"+
			"one for staging's pool and one for the ledger; the hook connects and reads the ledger meanwhile, and then binds,\n"+
			"takes the lease, reads the profile, writes it and reads the projects, writes them, and completes the record.",
			roundTrip, distanceStarts, distanceWarm, distanceRows-1),
		table: [][]string{
			{"in round trips", "trigger", "datamover"},
			row("first invocation", first), row("warm invocation", warm),
		},
		thresholds: []threshold{
			tripsAtMost("first invocation of the trigger, of 5 that it needs", trips(trigger.first), 6.5),
			tripsAtMost("warm invocation of the trigger, of 2", trips(trigger.warm), 2.5),
			tripsAtMost("first invocation of the hook, of 9", trips(hook.first), 11.7),
			tripsAtMost("warm invocation of the hook, of 7", trips(hook.warm), 8.75),
		},
	}, err
}

func tripsAtMost(what string, measured, bound float64) threshold {
	return threshold{
		what: what, measured: fmt.Sprintf("%.1f round trips", measured), bound: fmt.Sprintf("at most %g", bound),
		met: measured > 0 && measured <= bound,
	}
}

// firstSignIn gives a staging user rows and an import, and returns the event of their sign-in.
func (d *hosts) firstSignIn(u user) ([]byte, error) {
	record, err := recordOf(ledger.NewRecord(u.stagingSub, u.stagingSub, u.email, ledger.SignIn, time.Now()))
	if err == nil {
		err = errors.Join(d.tables.insert(ledgerTable, record), d.tables.addRows(u, distanceRows-1))
	}
	if err != nil {
		return nil, err
	}
	return signedIn(u)
}

// recordOf is a record in the ledger's table.
func recordOf(r ledger.Record) (row, error) {
	return attributevalue.MarshalMapWithOptions(r,
		func(o *attributevalue.EncoderOptions) { o.OmitEmptyTime = true })
}
