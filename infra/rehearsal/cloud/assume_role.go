package cloud

import (
	"encoding/xml"
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

type stsCredentials struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

type assumeRoleResponse struct {
	XMLName      xml.Name       `xml:"https://sts.amazonaws.com/doc/2011-06-15/ AssumeRoleResponse"`
	Credentials  stsCredentials `xml:"AssumeRoleResult>Credentials"`
	AssumedARN   string         `xml:"AssumeRoleResult>AssumedRoleUser>Arn"`
	AssumedID    string         `xml:"AssumeRoleResult>AssumedRoleUser>AssumedRoleId"`
	ResponseMeta string         `xml:"ResponseMetadata>RequestId"`
}

func (c *Cloud) assumeRole(k *call, form url.Values) (reply, error) {
	arn, session := form.Get("RoleArn"), form.Get("RoleSessionName")
	role, known := c.identities.role(arn)
	trusted := known &&
		(role.ExternalID == "" || role.ExternalID == form.Get("ExternalId")) &&
		(len(role.Principals) == 0 || slices.Contains(role.Principals, k.caller.name))
	if !trusted {
		return reply{}, &apiError{status: http.StatusForbidden, code: "AccessDenied",
			message: "User: " + k.caller.arn() + " is not authorized to perform: sts:AssumeRole on resource: " + arn}
	}
	i := &identity{key: newKey("ASIA"), name: role.name(), account: role.account(), allow: role.Allow}
	c.identities.add(i)
	// Sessions do not expire here: a test that moves the clock would end those of clients whose own clock does not move.
	return xmlReply(http.StatusOK, assumeRoleResponse{
		Credentials: stsCredentials{
			AccessKeyID:     i.key,
			SecretAccessKey: "not-checked",
			SessionToken:    randomHex(16),
			Expiration:      time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
		},
		AssumedARN: "arn:aws:sts::" + i.account + ":assumed-role/" + i.name + "/" + session,
		AssumedID:  "AROA" + randomHex(8) + ":" + session,
	}), nil
}

type callerIdentityResponse struct {
	XMLName xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ GetCallerIdentityResponse"`
	ARN     string   `xml:"GetCallerIdentityResult>Arn"`
	UserID  string   `xml:"GetCallerIdentityResult>UserId"`
	Account string   `xml:"GetCallerIdentityResult>Account"`
}

func callerIdentity(k *call) reply {
	return xmlReply(http.StatusOK, callerIdentityResponse{
		ARN: k.caller.arn(), UserID: k.caller.key, Account: k.caller.account,
	})
}
