package main

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

// invokeBackground returns a function that invokes a Lambda function and does not wait for it.
func invokeBackground(api invokeAPI, function string) func(context.Context, datamover.Continuation) error {
	return func(ctx context.Context, c datamover.Continuation) error {
		payload, err := json.Marshal(c)
		if err != nil {
			return fmt.Errorf("encode continuation: %w", err)
		}
		_, err = api.Invoke(ctx, &lambda.InvokeInput{
			FunctionName:   &function,
			InvocationType: types.InvocationTypeEvent,
			Payload:        payload,
		})
		if err != nil {
			return fmt.Errorf("invoke %s: %w", function, err)
		}
		return nil
	}
}
