package bench

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
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

// distant is three TLS hosts, a round trip away: STS and Cognito, which answer at once that all is well, and DynamoDB in
// memory.
type distant struct {
	tables  *memoryTables
	servers []*httptest.Server
	env     map[string]string // of the functions
}

func newDistant() (*distant, error) {
	tables, err := newMemoryTables("http://127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &distant{tables: tables, env: map[string]string{}}
	for service, handler := range map[string]http.Handler{
		"STS": http.HandlerFunc(assumeRole), "COGNITO_IDENTITY_PROVIDER": http.HandlerFunc(knowsAnn), "DYNAMODB": tables,
	} {
		server := httptest.NewUnstartedServer(handler)
		server.Listener = far{server.Listener}
		server.StartTLS()
		d.servers = append(d.servers, server)
		d.env["AWS_ENDPOINT_URL_"+service] = server.URL
	}
	folder, err := os.MkdirTemp("", "spaceport-bench-")
	if err != nil {
		return nil, err
	}
	d.env["AWS_CA_BUNDLE"] = filepath.Join(folder, "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: d.servers[0].Certificate().Raw})
	return d, os.WriteFile(d.env["AWS_CA_BUNDLE"], certificate, 0o600)
}

func (d *distant) close() {
	for _, server := range d.servers {
		server.Close()
	}
	_ = os.RemoveAll(filepath.Dir(d.env["AWS_CA_BUNDLE"]))
}

func assumeRole(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintf(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>`+
		`<AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>`+
		`<Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
		time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
}

// knowsAnn signs everybody in as Ann.
func knowsAnn(w http.ResponseWriter, r *http.Request) {
	ann := testUser(1)
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".AdminGetUser") {
		answer(w, http.StatusOK, object{
			"Username": ann.stagingSub, "Enabled": true, "UserStatus": "CONFIRMED", "UserCreateDate": 1.7e9,
			"UserAttributes": []object{
				{"Name": "sub", "Value": ann.stagingSub}, {"Name": "email", "Value": ann.email},
				{"Name": "email_verified", "Value": "true"},
			},
		})
		return
	}
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"` + ann.stagingSub + `"}`))
	answer(w, http.StatusOK, object{"AuthenticationResult": object{"AccessToken": "e30." + claims + ".s"}})
}

// far accepts connections from a round trip away.
type far struct{ net.Listener }

// Accept returns a connection whose handshake has taken a round trip.
func (f far) Accept() (net.Conn, error) {
	conn, err := f.Listener.Accept()
	if err != nil {
		return nil, err
	}
	near, line := net.Pipe()
	go carry(line, conn, time.Now().Add(roundTrip)) // the handshake of TCP
	go carry(conn, line, time.Time{})
	return near, nil
}

type parcel struct {
	data    []byte
	arrives time.Time
}

// carry copies from one end to the other, half a round trip later, and nothing before a time.
func carry(to, from net.Conn, open time.Time) {
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
				parcels <- parcel{data[:n], arrives.Add(roundTrip / 2)}
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
	d, err := newDistant()
	if err != nil {
		return section{}, err
	}
	defer d.close()
	trigger, hook := &subject{name: spaceport.Trigger, decision: "import"}, &subject{name: spaceport.Datamover, decision: "moved"}
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

// firstSignIn gives a staging user a profile and projects, and an import, and returns the event of their sign-in.
func (d *distant) firstSignIn(u user) ([]byte, error) {
	if err := d.tables.insert(stagingProfiles, profileOf(u)); err != nil {
		return nil, err
	}
	for _, project := range projectsOf(u.stagingSub, distanceRows-1) {
		if err := d.tables.insert(stagingProjects, project); err != nil {
			return nil, err
		}
	}
	record, err := attributevalue.MarshalMapWithOptions(
		ledger.NewRecord(u.stagingSub, u.stagingSub, u.email, ledger.SignIn, time.Now()),
		func(o *attributevalue.EncoderOptions) { o.OmitEmptyTime = true })
	if err == nil {
		err = d.tables.insert(ledgerTable, record)
	}
	if err != nil {
		return nil, err
	}
	return signedIn(u)
}
