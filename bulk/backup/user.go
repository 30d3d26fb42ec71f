package backup

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/spaceport/user-migration/datamover/userpool"
)

// user is a staging user in Cognito's own words (API reference, UserType). There are no passwords: Cognito gives none.
type user struct {
	Username             string      `json:"Username"`
	UserStatus           string      `json:"UserStatus"`
	Enabled              bool        `json:"Enabled"`
	UserCreateDate       time.Time   `json:"UserCreateDate"`
	UserLastModifiedDate time.Time   `json:"UserLastModifiedDate"`
	Attributes           []attribute `json:"Attributes"`
}

type attribute struct {
	Name  string `json:"Name"`
	Value string `json:"Value"`
}

func userOf(r userpool.User) user {
	u := user{
		Username: r.Username, UserStatus: r.Status, Enabled: r.Enabled,
		UserCreateDate: r.Created.UTC(), UserLastModifiedDate: r.Modified.UTC(), Attributes: []attribute{},
	}
	for _, name := range slices.Sorted(maps.Keys(r.Attributes)) {
		u.Attributes = append(u.Attributes, attribute{string(name), r.Attributes[name]})
	}
	return u
}

// decodeUser reads back what was written, and refuses all else.
func decodeUser(line []byte) (user, error) {
	var u user
	if err := strictly(line, &u); err != nil {
		return u, err
	}
	if u.Username == "" || u.UserStatus == "" {
		return u, errors.New("a user without a name or a status")
	}
	return u, nil
}
