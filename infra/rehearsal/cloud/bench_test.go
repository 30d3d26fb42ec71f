package cloud

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
)

func BenchmarkPutItem(b *testing.B) {
	c := cloudFor(b)
	db := tables(c, c.ProductionAdmin())
	for _, size := range []int{1 << 10, 4 << 10} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			table := fmt.Sprintf("Bench-%d-%d", size, time.Now().UnixNano())
			makeTable(b, db, table)
			var n atomic.Int64
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					item := key(fmt.Sprint(n.Add(1)))
					item["filling"] = &types.AttributeValueMemberS{Value: strings.Repeat("x", size)}
					_, err := db.PutItem(b.Context(), &dynamodb.PutItemInput{TableName: &table, Item: item})
					require.NoError(b, err)
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}

func BenchmarkAdminGetUser(b *testing.B) {
	c := cloudFor(b)
	client := idp(c, c.ProductionAdmin())
	for _, users := range []int{10, 1000} {
		b.Run(fmt.Sprintf("%dUsers", users), func(b *testing.B) {
			pool := benchPool(b, client, users)
			b.ResetTimer()
			for b.Loop() {
				_, err := client.AdminGetUser(b.Context(), &cognitoidentityprovider.AdminGetUserInput{UserPoolId: &pool, Username: aws.String("user7@example.com")})
				require.NoError(b, err)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}

func benchPool(b *testing.B, client *cognitoidentityprovider.Client, users int) string {
	b.Helper()
	in := &cognitoidentityprovider.CreateUserPoolInput{PoolName: aws.String("bench")}
	emailAsUsername(in, nil)
	made, err := client.CreateUserPool(b.Context(), in)
	require.NoError(b, err)
	for i := range users {
		_, err := client.AdminCreateUser(b.Context(), &cognitoidentityprovider.AdminCreateUserInput{
			UserPoolId: made.UserPool.Id, Username: aws.String(fmt.Sprintf("user%d@example.com", i)), MessageAction: "SUPPRESS",
		})
		require.NoError(b, err)
	}
	return *made.UserPool.Id
}

func BenchmarkStart(b *testing.B) {
	cloudFor(b)
	for b.Loop() {
		c, err := Start(b.Context(), Options{Moto: motoPath()})
		require.NoError(b, err)
		require.NoError(b, c.Close())
	}
}
