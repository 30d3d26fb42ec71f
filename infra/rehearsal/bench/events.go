package bench

import (
	"encoding/json"

	"github.com/spaceport/user-migration/datamover"
)

type object = map[string]any

// migrateUser is the event of a sign-in that production does not know.
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

// signedIn is the event of a sign-in, of a migrated user or of one who has only ever been in production.
func signedIn(a arrival) ([]byte, error) {
	attributes := object{"sub": a.productionSub, "cognito:user_status": "CONFIRMED", "email": a.email, "email_verified": "true"}
	if a.stagingSub != "" {
		attributes["custom:staging_sub"] = a.stagingSub
	}
	return json.Marshal(object{
		"version": "1", "triggerSource": "PostAuthentication_Authentication", "userName": a.productionSub,
		"request": object{"userAttributes": attributes, "newDeviceUsed": false}, "response": object{},
	})
}

// handOver is the event with which the hook asks for the rest of a move.
func handOver(a arrival) ([]byte, error) {
	return json.Marshal(datamover.Continuation{StagingSub: a.stagingSub, ProductionSub: a.productionSub})
}
