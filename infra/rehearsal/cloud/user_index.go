package cloud

import (
	"strings"
	"sync"
	"time"
)

// userIndex resolves the names that users type, and keeps what moto does not store. Each pool has one. Every change of
// a user passes through the proxy, so it is complete.
type userIndex struct {
	mu     sync.Mutex
	folds  bool
	byName map[string]*entry
	all    map[string]*entry // by Username as moto has it
}

// entry is one user. Its members are guarded by the index's lock.
type entry struct {
	username string
	sub      string
	names    []string // folded keys of byName
	status   string   // overrides moto's, if set
	created  time.Time
	code     code // to reset the password
}

func newUserIndex(folds bool) *userIndex {
	return &userIndex{folds: folds, byName: map[string]*entry{}, all: map[string]*entry{}}
}

// fold makes names equal that differ only in case, if the pool ignores case.
func (d *userIndex) fold(name string) string {
	if d.folds {
		return strings.ToLower(name)
	}
	return name
}

// find returns the Username behind a name, "" if there is no such user.
func (d *userIndex) find(name string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := d.byName[d.fold(name)]; e != nil {
		return e.username
	}
	return ""
}

// create adds the user that make creates, unless another has one of the names. The lock is held meanwhile, so that no
// two users have the same name.
func (d *userIndex) create(names []string, make func() (username, sub string, err error)) (username string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, name := range names {
		if d.byName[d.fold(name)] != nil {
			return "", reject("UsernameExistsException", "An account with the given email already exists.")
		}
	}
	username, sub, err := make()
	if err == nil {
		e := &entry{username: username, sub: sub}
		d.all[username] = e
		d.add(e, append([]string{username, sub}, names...))
	}
	return username, err
}

// rename replaces the names by which a user is found, besides Username and sub. It returns false if another user has
// one of them.
func (d *userIndex) rename(username string, names []string) bool {
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

// change works on a user's entry under the lock.
func (d *userIndex) change(username string, do func(*entry)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := d.all[username]; e != nil {
		do(e)
	}
}

// overrides returns what the proxy says instead of moto.
func (d *userIndex) overrides(username string) (status string, created time.Time) {
	d.change(username, func(e *entry) { status, created = e.status, e.created })
	return status, created
}

func (d *userIndex) removeUser(username string) {
	d.change(username, func(e *entry) {
		d.drop(e)
		delete(d.all, username)
	})
}

func (d *userIndex) add(e *entry, names []string) {
	for _, name := range names {
		if key := d.fold(name); key != "" && d.byName[key] == nil {
			d.byName[key] = e
			e.names = append(e.names, key)
		}
	}
}

func (d *userIndex) drop(e *entry) {
	for _, key := range e.names {
		delete(d.byName, key)
	}
	e.names = nil
}
