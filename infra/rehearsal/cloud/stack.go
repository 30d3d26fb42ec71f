package cloud

import (
	"encoding/xml"
	"net/http"
	"net/url"
)

// CloudFormation is answered here, as far as bulk asks: the outputs of one stack of the production account. It is set
// while the accounts are built, before anyone can ask.

type output struct{ OutputKey, OutputValue string }

type stack struct {
	StackName, StackStatus string
	Outputs                []output `xml:"Outputs>member"`
}

type describeStacksResponse struct {
	XMLName xml.Name `xml:"http://cloudformation.amazonaws.com/doc/2010-05-15/ DescribeStacksResponse"`
	Stacks  []stack  `xml:"DescribeStacksResult>Stacks>member"`
}

// SetStack makes a stack with these outputs.
func (c *Cloud) SetStack(name string, outputs map[string]string) {
	c.stack = stack{StackName: name, StackStatus: "CREATE_COMPLETE"}
	for key, value := range outputs {
		c.stack.Outputs = append(c.stack.Outputs, output{key, value})
	}
}

func (c *Cloud) cloudformation(k *call) (reply, error) {
	form, err := url.ParseQuery(string(k.body))
	if name := form.Get("StackName"); err != nil || name != c.stack.StackName || k.caller.account != ProductionAccount {
		return reply{}, reject("ValidationError", "Stack with id %s does not exist", name)
	}
	return xmlReply(http.StatusOK, describeStacksResponse{Stacks: []stack{c.stack}}), nil
}
