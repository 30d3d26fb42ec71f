package bench

import (
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// The fake is tested with the code that it is made for.
func TestLargeTable(t *testing.T) {
	large := &largeTable{}
	large.reset(450)
	server := httptest.NewServer(large)
	defer server.Close()
	api := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL),
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	})
	projects := settings.Table{Source: stagingProjects, Target: productionProjects, OwnerKey: "userSub"}

	var all []rows.Row
	for page, after := 1, ""; ; page++ {
		got, err := rows.NewStore(api).Query(t.Context(), projects, "ann", after)
		require.NoError(t, err)
		all = append(all, got.Rows...)
		if after = got.Next; after == "" {
			require.Equal(t, 3, page)
			break
		}
	}
	require.Len(t, all, 450)
	for i, row := range all {
		require.True(t, rows.Equal(spaceport.Project("ann", i, notes), row))
		copied, err := rows.NewStore(api).PutIfAbsent(t.Context(), projects, row, "bob")
		require.NoError(t, err)
		require.True(t, copied)
	}
	copied, err := rows.NewStore(api).PutIfAbsent(t.Context(), projects, all[7], "bob")
	require.NoError(t, err)
	require.False(t, copied, "the key exists")
	require.Equal(t, 450, large.copied("bob"))
	require.Zero(t, large.copied("bo"))
}

func TestRowsAreAbout1KB(t *testing.T) {
	size := 0
	for name, value := range wire(spaceport.Project(testUser(1).stagingSub, 1, notes)) {
		size += len(name)
		for _, text := range value.(object) {
			size += len(text.(string))
		}
	}
	require.InDelta(t, 1024, size, 50)
}
