package bench

import (
	"encoding/json"

	"github.com/spaceport/user-migration/datamover"
)

type object = map[string]any

// migrateUser is the event of a sign-in by a user who is not in production.
func migrateUser(email, password string) ([]byte, error) {
	return json.Marshal(object{
		"version": "1", "triggerSource": "UserMigration_Authentication", "userName": email,
		"request": object{"password": password, "validationData": nil, "userAttributes": nil},
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

// continuation is the event with which the hook invokes the background function.
func continuation(u user) ([]byte, error) {
	return json.Marshal(datamover.Continuation{StagingSub: u.stagingSub, ProductionSub: u.productionSub})
}
