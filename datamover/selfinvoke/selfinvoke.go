// Package selfinvoke lets a Lambda function invoke itself and not wait.
package selfinvoke

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/spaceport/user-migration/datamover"
)

type invokeAPI interface {
	Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

// Of returns a hand-over to the function of that name.
func Of(api invokeAPI, function string) func(context.Context, datamover.HandOver) error {
	return func(ctx context.Context, o datamover.HandOver) error {
		payload, err := json.Marshal(o)
		if err != nil {
			return fmt.Errorf("encode hand-over: %w", err)
		}
		_, err = api.Invoke(ctx, &lambda.InvokeInput{
			FunctionName:   &function,
			InvocationType: types.InvocationTypeEvent,
			Payload:        payload,
		})
		if err != nil {
			return fmt.Errorf("hand over to %s: %w", function, err)
		}
		return nil
	}
}
