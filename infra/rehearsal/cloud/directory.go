package cloud

import (
	"strings"
	"sync"
	"time"
)

// directory resolves what people type to the user it means, and keeps what moto has no place for. One for each pool.
// Every change of a user passes through the proxy, so it is complete.
type directory struct {
	mu     sync.Mutex
	folds  bool
	byName map[string]*entry
	all    map[string]*entry // by Username as moto has it
}

// entry is one user. Its members are guarded by the directory's lock.
type entry struct {
	username  string // empty while the user is being created
	sub       string
	names     []string // folded keys of byName
	status    string   // stands before moto's, if set
	created   time.Time
	codes     map[purpose]code
	newEmail  string // waits for its code (AttributesRequireVerificationBeforeUpdate)
	failures  int
	lockedTil time.Time
	lastTry   time.Time
}

func newDirectory(folds bool) *directory {
	return &directory{folds: folds, byName: map[string]*entry{}, all: map[string]*entry{}}
}

// fold makes names equal that differ in case only, in pools where that is so.
func (d *directory) fold(name string) string {
	if d.folds {
		return strings.ToLower(name)
	}
	return name
}

// find returns the Username behind a name, "" if there is no such user.
func (d *directory) find(name string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := d.byName[d.fold(name)]; e != nil {
		return e.username
	}
	return ""
}

// claim reserves names for a user that is about to be created, so that two of the same name cannot both be.
func (d *directory) claim(names []string) (*entry, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, name := range names {
		if d.byName[d.fold(name)] != nil {
			return nil, false
		}
	}
	e := &entry{codes: map[purpose]code{}}
	d.add(e, names)
	return e, true
}

// settle ends a claim: the user exists.
func (d *directory) settle(e *entry, username, sub string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e.username, e.sub = username, sub
	d.all[username] = e
	d.add(e, []string{username, sub})
}

// rename replaces the names by which a user is found beside Username and sub. It refuses if another has one of them.
func (d *directory) rename(username string, names []string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.all[username]
	if e == nil {
		return true
	}
	for _, name := range names {
		if other := d.byName[d.fold(name)]; other != nil && other != e {
			return false
		}
	}
	d.drop(e)
	d.add(e, append([]string{e.username, e.sub}, names...))
	return true
}

func (d *directory) remove(e *entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.drop(e)
	delete(d.all, e.username)
}

// change works on a user's entry under the lock.
func (d *directory) change(username string, do func(*entry)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := d.all[username]; e != nil {
		do(e)
	}
}

// look is a copy of what the proxy keeps beside moto's own record.
func (d *directory) look(username string) (status string, created time.Time) {
	d.change(username, func(e *entry) { status, created = e.status, e.created })
	return status, created
}

func (d *directory) removeNamed(username string) {
	d.mu.Lock()
	e := d.all[username]
	d.mu.Unlock()
	if e != nil {
		d.remove(e)
	}
}

func (d *directory) add(e *entry, names []string) {
	for _, name := range names {
		if key := d.fold(name); key != "" && d.byName[key] == nil {
			d.byName[key] = e
			e.names = append(e.names, key)
		}
	}
}

func (d *directory) drop(e *entry) {
	for _, key := range e.names {
		delete(d.byName, key)
	}
	e.names = nil
}
