package bench

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/spaceport/user-migration/infra/rehearsal/lambdahost"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

const (
	coldStarts   = 25
	warmEach     = 4   // warm invocations after each cold one
	steady       = 200 // and in a row at the end, since memory grows until the garbage collector runs
	hookProjects = 5   // of a first sign-in, besides the profile

	// What make bench builds, from the folder that it runs in.
	emptyFunction = "empty"
	emptyBinary   = ".build/empty/bootstrap"
	triggerZip    = "dist/trigger.zip"
	datamoverZip  = "dist/datamover.zip"
)

// subject is a function under measurement.
type subject struct {
	name     string // on the host
	decision string // of every invocation, in its log; another decision means other work
	event    func(context.Context) ([]byte, error)

	init, first, firstOwn, warm, warmOwn []time.Duration
	peak                                 int64
	runs                                 int
}

// functions measures both binaries and an empty one.
func functions(ctx context.Context) (section, error) {
	trigger, err := zipSize(triggerZip)
	if err != nil {
		return section{}, err
	}
	datamover, err := zipSize(datamoverZip)
	if err != nil {
		return section{}, err
	}
	var all []*subject
	err = within(ctx, spaceport.Options{}, func(s *spaceport.Spaceport) (err error) {
		if all, err = subjects(ctx, s); err != nil {
			return err
		}
		return invokeAll(ctx, s, all)
	})
	if err != nil {
		return section{}, err
	}
	return functionsSection(all[0], all[1], all[2], []string{"zip that make build made, MB", "", trigger, datamover}), nil
}

func subjects(ctx context.Context, s *spaceport.Spaceport) ([]*subject, error) {
	if err := s.Lambdas.Create(lambdahost.Function{Name: emptyFunction, Binary: emptyBinary}); err != nil {
		return nil, fmt.Errorf("%w (make bench builds it)", err)
	}
	ann := spaceport.User{Name: "Ann", Email: "ann@example.com", Password: "Secret-Passw0rd"}
	if _, err := s.Add(ctx, ann); err != nil {
		return nil, err
	}
	signIns := 0
	return []*subject{
		{name: emptyFunction, event: func(context.Context) ([]byte, error) { return []byte("{}"), nil }},
		// No hook binds Ann's record, so that each of her sign-ins is a first one.
		{name: spaceport.Trigger, decision: "import", event: func(context.Context) ([]byte, error) {
			return migrateUser(ann.Email, ann.Password)
		}},
		{name: spaceport.Datamover, decision: "moved", event: func(ctx context.Context) ([]byte, error) {
			signIns++
			return firstSignIn(ctx, s, testUser(signIns), hookProjects)
		}},
	}, nil
}

// invokeAll interleaves the functions. The first round is not counted: it loads the binaries into the page cache.
func invokeAll(ctx context.Context, s *spaceport.Spaceport, all []*subject) error {
	for round := range coldStarts + 1 {
		for _, f := range all {
			s.Lambdas.Recycle(f.name)
			for range 1 + warmEach {
				if err := f.invoke(ctx, s, round > 0); err != nil {
					return err
				}
			}
		}
	}
	for range steady {
		for _, f := range all {
			if err := f.invoke(ctx, s, true); err != nil {
				return err
			}
		}
	}
	for _, f := range all {
		if err := f.didItsWork(s); err != nil {
			return err
		}
	}
	return nil
}

func (f *subject) didItsWork(s *spaceport.Spaceport) error {
	if len(f.init) != coldStarts {
		return fmt.Errorf("%s: %d cold starts, not %d", f.name, len(f.init), coldStarts)
	}
	want := fmt.Sprintf(`"decision":%q`, f.decision)
	if f.decision != "" && bytes.Count(s.Lambdas.Log(f.name), []byte(want)) != f.runs {
		return fmt.Errorf("%s: not every invocation ended with %s", f.name, want)
	}
	return nil
}

func (f *subject) invoke(ctx context.Context, s *spaceport.Spaceport, counted bool) error {
	event, err := f.event(ctx)
	if err != nil {
		return err
	}
	inv, err := invoke(ctx, s, f.name, event)
	f.runs++
	if err != nil || !counted {
		return err
	}
	own := inv.Duration - waiting(s.Cloud.Requests(), f.name, inv.Start.Add(inv.InitDuration))
	if inv.Cold {
		f.init, f.first, f.firstOwn = append(f.init, inv.InitDuration), append(f.first, inv.Duration), append(f.firstOwn, own)
	} else {
		f.warm, f.warmOwn = append(f.warm, inv.Duration), append(f.warmOwn, own)
	}
	f.peak = max(f.peak, inv.MaxRSS)
	return nil
}
