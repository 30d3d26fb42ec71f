package cloud

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
)

// IAM is answered here, as far as bulk check asks: may the caller's own role perform these actions? Permissions here
// name no resources, so the answer is the same for each.

type evaluation struct {
	EvalActionName   string
	EvalResourceName string
	EvalDecision     string
}

type simulateResponse struct {
	XMLName     xml.Name     `xml:"https://iam.amazonaws.com/doc/2010-05-08/ SimulatePrincipalPolicyResponse"`
	Results     []evaluation `xml:"SimulatePrincipalPolicyResult>EvaluationResults>member"`
	IsTruncated bool         `xml:"SimulatePrincipalPolicyResult>IsTruncated"`
}

func (c *Cloud) iam(k *call) (reply, error) {
	form, err := url.ParseQuery(string(k.body))
	if err != nil {
		return reply{}, reject("MalformedInput", "%v", err)
	}
	if role := form.Get("PolicySourceArn"); role != "arn:aws:iam::"+k.caller.account+":role/"+k.caller.name {
		return reply{}, denied("iam", k.caller.arn(), k.action(), role)
	}
	var answer simulateResponse
	for _, action := range members(form, "ActionNames") {
		decision := "implicitDeny"
		if k.caller.may(action) {
			decision = "allowed"
		}
		for _, resource := range members(form, "ResourceArns") {
			answer.Results = append(answer.Results, evaluation{action, resource, decision})
		}
	}
	return xmlReply(http.StatusOK, answer), nil
}

// members returns a list of the Query protocol: Name.member.1, Name.member.2, and so on.
func members(form url.Values, name string) (list []string) {
	for i := 1; form.Has(name + ".member." + strconv.Itoa(i)); i++ {
		list = append(list, form.Get(name+".member."+strconv.Itoa(i)))
	}
	return list
}
