// Package cloud is a local cloud of two AWS accounts, for rehearsing the migration on one machine.
//
// moto keeps the state of Cognito and DynamoDB; a proxy in front of it adds what Cognito adds: triggers, the states of
// a user, codes and emails, quotas, permissions. All clients talk to the proxy only, through AWS_ENDPOINT_URL.
//
// Not included, because nothing in the rehearsal needs them: the triggers PreSignUp, PreAuthentication and
// PreTokenGeneration, and the custom challenge and custom sender triggers. A pool that has one behaves as if it had
// none. Nor are sign-up, challenges other than an authenticator app's code, a user's own changes of attributes,
// invitations, aliases, the lock-out after wrong passwords, the rotation of refresh tokens, app clients with a secret,
// remembered devices and managed login. A Cognito operation, flow or challenge that is not served is an error that says
// so.
package cloud
