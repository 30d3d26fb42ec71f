package cloud

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// STS is answered here: moto neither checks external ids nor rejects a role that does not exist.

func (c *Cloud) sts(k *call) (reply, error) {
	form, err := url.ParseQuery(string(k.body))
	if err != nil {
		return reply{}, reject("ValidationError", "form: %v", err)
	}
	if k.request.Operation == "GetCallerIdentity" {
		return callerIdentity(k), nil
	}
	return c.assumeRole(k, form)
}

func (c *Cloud) assumeRole(k *call, form url.Values) (reply, error) {
	arn := form.Get("RoleArn")
	found, _ := c.roles.Load(arn)
	role, known := found.(Role)
	trusted := known &&
		(role.ExternalID == "" || role.ExternalID == form.Get("ExternalId")) &&
		(len(role.Principals) == 0 || slices.Contains(role.Principals, k.caller.name))
	if !trusted {
		return reply{}, &apiError{status: http.StatusForbidden, code: "AccessDenied",
			message: "User: " + k.caller.arn() + " is not authorized to perform: sts:AssumeRole on resource: " + arn}
	}
	i := &identity{key: newKey("ASIA"), name: role.name(), account: role.account(), allow: role.Allow}
	c.identities.Store(i.key, i)
	// Sessions do not expire here: a test that moves the clock would end those of clients whose own clock does not move.
	return stsReply("AssumeRole", fmt.Sprintf("<Credentials><AccessKeyId>%s</AccessKeyId>"+
		"<SecretAccessKey>s</SecretAccessKey><SessionToken>%s</SessionToken><Expiration>%s</Expiration></Credentials>",
		i.key, randomHex(16), time.Now().Add(time.Hour).UTC().Format(time.RFC3339))), nil
}

func callerIdentity(k *call) reply {
	return stsReply("GetCallerIdentity", fmt.Sprintf("<Arn>%s</Arn><UserId>%s</UserId><Account>%s</Account>",
		k.caller.arn(), k.caller.key, k.caller.account))
}

func stsReply(operation, result string) reply {
	return reply{status: http.StatusOK, header: http.Header{"Content-Type": {"text/xml"}}, body: fmt.Appendf(nil,
		`<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>`,
		operation, result)}
}
