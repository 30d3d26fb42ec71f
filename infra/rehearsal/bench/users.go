package bench

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

const (
	ledgerTable        = "Spaceport-Migration-prod"
	stagingProfiles    = "Spaceport-Users-staging"
	productionProfiles = "Spaceport-Users-prod"
	stagingProjects    = "Spaceport-Projects-staging"
	productionProjects = "Spaceport-Projects-prod"

	notes = 850 // bytes that make a project about 1 KB
)

// tableKeys are the partition key and the sort key of Spaceport's tables.
var tableKeys = map[string][]string{
	ledgerTable:        {"stagingSub"},
	stagingProfiles:    {"id"},
	productionProfiles: {"id"},
	stagingProjects:    {"userSub", "projectId"},
	productionProjects: {"userSub", "projectId"},
}

// user is a user with the ids in both pools.
type user struct{ stagingSub, productionSub, email string }

func testUser(i int) user {
	return user{
		stagingSub:    fmt.Sprintf("57a61960-0000-4000-8000-%012d", i),
		productionSub: fmt.Sprintf("9200d000-0000-4000-8000-%012d", i),
		email:         fmt.Sprintf("user-%d@example.com", i),
	}
}

// indexOf is the index of the user of testUser with an email or a sub, and of a project.
func indexOf(name string) int {
	local, _, _ := strings.Cut(name, "@")
	i, _ := strconv.Atoi(local[strings.LastIndexByte(local, '-')+1:])
	return i
}

type object = map[string]any

// migrateUser is the event of a sign-in by a user who is not in production.
func migrateUser(u user) ([]byte, error) {
	return json.Marshal(object{
		"version": "1", "triggerSource": "UserMigration_Authentication", "userName": u.email,
		"request": object{"password": "Secret-Passw0rd", "validationData": nil, "userAttributes": nil},
		"response": object{
			"userAttributes": nil, "forceAliasCreation": nil, "enableSMSMFA": nil, "finalUserStatus": nil,
			"messageAction": nil, "desiredDeliveryMediums": nil,
		},
	})
}

// signedIn is the event of a sign-in, by a migrated user or by one who was never in staging.
func signedIn(u user) ([]byte, error) {
	attributes := object{
		"sub": u.productionSub, "cognito:user_status": "CONFIRMED", "email": u.email, "email_verified": "true",
	}
	if u.stagingSub != "" {
		attributes["custom:staging_sub"] = u.stagingSub
	}
	return json.Marshal(object{
		"version": "1", "triggerSource": "PostAuthentication_Authentication", "userName": u.productionSub,
		"request": object{"userAttributes": attributes, "newDeviceUsed": false}, "response": object{},
	})
}
