// Package spaceporttest starts Spaceport's accounts for a test, or skips it where the local cloud is not installed.
package spaceporttest

import (
	"errors"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// Need skips a test if something that it needs is missing. make test installs everything and sets REHEARSAL=required:
// then nothing is skipped.
func Need(t testing.TB, missing error) {
	t.Helper()
	if missing != nil && os.Getenv("REHEARSAL") != "required" {
		t.Skip(missing)
	}
	require.NoError(t, missing)
}

// Start starts both accounts and stops them with the test.
func Start(t testing.TB, o spaceport.Options) *spaceport.Spaceport {
	t.Helper()
	Need(t, spaceport.Installed())
	s, err := spaceport.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// ExpireLease does what 45 seconds do to the lease of a mover that was killed.
func ExpireLease(t testing.TB, s *spaceport.Spaceport, stagingSub string) {
	t.Helper()
	_, err := s.ProductionTables.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName:           &s.Settings.LedgerTable,
		Key:                 map[string]types.AttributeValue{"stagingSub": &types.AttributeValueMemberS{Value: stagingSub}},
		UpdateExpression:    aws.String("REMOVE movingUntil"),
		ConditionExpression: aws.String("attribute_exists(movingUntil)"),
	})
	if !errors.As(err, new(*types.ConditionalCheckFailedException)) {
		require.NoError(t, err)
	}
}
