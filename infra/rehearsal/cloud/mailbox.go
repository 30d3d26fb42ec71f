package cloud

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Message is an email that Cognito would have sent.
type Message struct {
	To      string
	Subject string
	Body    string
	Code    string // the code or temporary password in it, if any
	Time    time.Time
	Trigger string // trigger source of the custom message; "UserMigration" for a welcome
	Pool    string
}

// Messages returns all emails so far.
func (c *Cloud) Messages() []Message {
	c.mailbox.mu.Lock()
	defer c.mailbox.mu.Unlock()
	return append([]Message(nil), c.mailbox.messages...)
}

// LastMessage returns the newest email to an address.
func (c *Cloud) LastMessage(to string) (Message, bool) {
	messages := c.Messages()
	for i := len(messages) - 1; i >= 0; i-- {
		if strings.EqualFold(messages[i].To, to) {
			return messages[i], true
		}
	}
	return Message{}, false
}

type mailbox struct {
	mu       sync.Mutex
	messages []Message
}

func (m *mailbox) post(sent Message) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.messages = append(m.messages, sent)
}

// template is an email before its placeholders are filled.
type template struct{ EmailSubject, EmailMessage string }

// sendCode sends a code to reset the password.
func (c *Cloud) sendCode(ctx context.Context, q *query, u *user) (any, error) {
	to := u.attribute("email")
	text, err := c.customMessage(ctx, q, u)
	if err != nil {
		return nil, err
	}
	if text == nil {
		text = &q.pool.codeMessage
	}
	digits := c.newCode(q.pool, u.Username)
	c.mailbox.post(Message{
		To: to, Subject: text.EmailSubject, Body: strings.ReplaceAll(text.EmailMessage, codePlaceholder, digits),
		Code: digits, Time: c.now(), Trigger: resetSource, Pool: q.pool.id,
	})
	return delivered(to), nil
}

// sendWelcome: Cognito developer guide, Migrate user, messageAction: if it is not returned, the welcome message is
// sent.
func (c *Cloud) sendWelcome(p *pool, u *user, username string) {
	c.mailbox.post(Message{
		To: u.attribute("email"), Subject: "Welcome", Body: "Your username is " + username + ".", Time: c.now(),
		Trigger: "UserMigration", Pool: p.id,
	})
}

type customMessageRequest struct {
	UserAttributes    map[string]string `json:"userAttributes"`
	CodeParameter     string            `json:"codeParameter"`
	UsernameParameter *string           `json:"usernameParameter"`
	LinkParameter     *string           `json:"linkParameter"`
	ClientMetadata    map[string]string `json:"clientMetadata,omitempty"`
}

type customMessageResponse struct {
	SMSMessage   *string `json:"smsMessage"`
	EmailMessage *string `json:"emailMessage"`
	EmailSubject *string `json:"emailSubject"`
}

const (
	resetSource     = "CustomMessage_ForgotPassword"
	codePlaceholder = "{####}"
)

// customMessage asks the pool's trigger for the text; nil means the pool's own. A text without the placeholder is not
// used, since the reader could not act on it (Cognito developer guide, Custom message Lambda trigger).
func (c *Cloud) customMessage(ctx context.Context, q *query, u *user) (*template, error) {
	const trigger = "CustomMessage"
	if q.pool.triggers[trigger] == "" {
		return nil, nil
	}
	request := customMessageRequest{
		UserAttributes: attributesOf(u), CodeParameter: codePlaceholder, ClientMetadata: q.in.ClientMetadata,
	}
	var said customMessageResponse
	err := c.fire(ctx, q, trigger, resetSource, u.Username, request, &said)
	text := template{EmailSubject: aws.ToString(said.EmailSubject), EmailMessage: aws.ToString(said.EmailMessage)}
	if err != nil || text.EmailSubject == "" || !strings.Contains(text.EmailMessage, codePlaceholder) {
		return nil, err
	}
	return &text, nil
}

// deliveryDetails is the answer of every operation that sends a code.
type deliveryDetails struct {
	AttributeName  string
	DeliveryMedium string
	Destination    string
}

func delivered(to string) map[string]deliveryDetails {
	return map[string]deliveryDetails{
		"CodeDeliveryDetails": {AttributeName: "email", DeliveryMedium: "EMAIL", Destination: mask(to)},
	}
}

// mask hides an address as Cognito does. A name that is not an address is made to look like one.
func mask(address string) string {
	local, domain, _ := strings.Cut(address, "@")
	return initial(local) + "***@" + initial(domain+local) + "***"
}

func initial(text string) string {
	for _, r := range text {
		return string(r)
	}
	return "x"
}
