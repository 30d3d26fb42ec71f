package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

type dynamoAPI interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
}

// Store is the ledger in DynamoDB.
type Store struct {
	api   dynamoAPI
	table string
}

// New returns the ledger kept in table.
func New(api dynamoAPI, table string) *Store { return &Store{api: api, table: table} }

// Import writes a fresh line before production creates the account. An unbound line is renewed, since its e-mail or path
// may have changed; a bound one is left alone and ErrBound returned.
func (s *Store) Import(ctx context.Context, stagingSub, email string, via Via, at time.Time) error {
	held, _, err := s.put(ctx, fresh(stagingSub, email, via, at), "attribute_not_exists(productionSub)", nil)
	if err == nil && !held {
		return ErrBound
	}
	return err
}

func fresh(stagingSub, email string, via Via, at time.Time) Line {
	return Line{StagingSub: stagingSub, Email: Fold(email), State: Imported, Via: via, ImportedAt: at.UTC()}
}

// put writes a whole line; held is false where the condition did not hold, and stands is what is there then.
func (s *Store) put(ctx context.Context, line Line, condition string, values map[string]any) (held bool, stands Line, err error) {
	item, err := attributevalue.MarshalMapWithOptions(line, func(o *attributevalue.EncoderOptions) { o.OmitEmptyTime = true })
	if err != nil {
		return false, Line{}, fmt.Errorf("encode ledger line: %w", err)
	}
	in := &dynamodb.PutItemInput{
		TableName: &s.table, Item: item, ConditionExpression: &condition,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if len(values) > 0 {
		if in.ExpressionAttributeValues, err = attributevalue.MarshalMap(values); err != nil {
			return false, Line{}, fmt.Errorf("encode ledger condition: %w", err)
		}
	}
	_, err = s.api.PutItem(ctx, in)
	if no := refused(err); no != nil {
		stands, err = decode(no.Item)
		return false, stands, err
	}
	if err != nil {
		return false, Line{}, fmt.Errorf("write ledger line: %w", err)
	}
	return true, Line{}, nil
}

// Get reads a line as it is now, or ErrNoLine.
func (s *Store) Get(ctx context.Context, stagingSub string) (Line, error) {
	out, err := s.api.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &s.table,
		Key:            key(stagingSub),
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return Line{}, fmt.Errorf("read ledger line: %w", err)
	}
	if len(out.Item) == 0 {
		return Line{}, ErrNoLine
	}
	return decode(out.Item)
}

// Bind gives an unbound line to the production user who bears its e-mail, and returns the line as it then is. Two hooks
// of the same user may race: both get the line. Anybody else, and nobody, gets ErrNotTheirs, or ErrNoLine.
func (s *Store) Bind(ctx context.Context, stagingSub, productionSub, email string) (Line, error) {
	if productionSub == "" {
		return Line{}, ErrNotTheirs // nobody: an unbound line has no owner either
	}
	line, held, err := s.update(ctx, stagingSub, change{
		set:       map[string]any{"productionSub": productionSub, "state": Moving},
		condition: "attribute_not_exists(#productionSub) AND email = :email",
		values:    map[string]any{":email": Fold(email)},
	})
	return boundTo(productionSub, line, held, err)
}

// boundTo is the outcome of an update that was to bind a line.
func boundTo(productionSub string, line Line, held bool, err error) (Line, error) {
	switch {
	case err != nil:
		return Line{}, err
	case held, line.ProductionSub == productionSub:
		return line, nil
	case line.StagingSub == "":
		return Line{}, ErrNoLine
	}
	return Line{}, ErrNotTheirs
}

// Seen stamps the first time that a swept user came in, once; the sweep resets nobody who did.
func (s *Store) Seen(ctx context.Context, stagingSub, productionSub string, at time.Time) error {
	_, _, err := s.update(ctx, stagingSub, change{
		set:       map[string]any{"seenAt": at.UTC()},
		condition: "productionSub = :owner AND attribute_not_exists(#seenAt)",
		values:    map[string]any{":owner": productionSub},
	})
	return err
}

// Progress is how far a move has come: Cursor is what is still to do, and all else is counted in Copied or Kept.
type Progress struct {
	Cursor       string
	Copied, Kept map[string]int
}

// Checkpoint records progress of a move, or ErrNotMoving.
func (s *Store) Checkpoint(ctx context.Context, stagingSub, productionSub string, p Progress) error {
	return s.whileMoving(ctx, stagingSub, productionSub, change{
		set: map[string]any{"cursor": p.Cursor, "copied": p.Copied, "kept": p.Kept},
	})
}

// Finish records that every row is in production, or ErrNotMoving.
func (s *Store) Finish(ctx context.Context, stagingSub, productionSub string, p Progress, at time.Time) error {
	return s.whileMoving(ctx, stagingSub, productionSub, change{
		set:    map[string]any{"state": Moved, "movedAt": at.UTC(), "copied": p.Copied, "kept": p.Kept},
		remove: []string{"cursor", "lastError"},
	})
}

// Fail records why a move did not finish, and what it leaves to do, or ErrNotMoving. The line stays moving, so that the
// next sign-in or sweep tries again.
func (s *Store) Fail(ctx context.Context, stagingSub, productionSub string, p Progress, reason string) error {
	return s.whileMoving(ctx, stagingSub, productionSub, change{
		set: map[string]any{"cursor": p.Cursor, "copied": p.Copied, "kept": p.Kept, "lastError": reason},
	})
}

func (s *Store) whileMoving(ctx context.Context, stagingSub, productionSub string, c change) error {
	c.condition = "productionSub = :owner AND #state = :moving"
	c.values = map[string]any{":owner": productionSub, ":moving": Moving}
	c.names = []string{"state"}
	_, held, err := s.update(ctx, stagingSub, c)
	if err == nil && !held {
		return ErrNotMoving
	}
	return err
}

// change is one conditional update of a line. Every attribute in set, remove and names can be written #name in the
// condition, since several of ours are reserved words.
type change struct {
	set       map[string]any
	remove    []string
	condition string
	values    map[string]any
	names     []string
}

// update makes a change and returns the line as it then is; held is false where the condition did not hold and the line
// (zero: there is none) was left as it was.
func (s *Store) update(ctx context.Context, stagingSub string, c change) (line Line, held bool, err error) {
	in, err := c.input()
	if err != nil {
		return Line{}, false, fmt.Errorf("encode ledger change: %w", err)
	}
	in.TableName, in.Key = &s.table, key(stagingSub)
	out, err := s.api.UpdateItem(ctx, in)
	if no := refused(err); no != nil {
		line, err = decode(no.Item)
		return line, false, err
	}
	if err != nil {
		return Line{}, false, fmt.Errorf("write ledger line: %w", err)
	}
	line, err = decode(out.Attributes)
	return line, true, err
}

func (c change) input() (*dynamodb.UpdateItemInput, error) {
	names := map[string]string{}
	for _, name := range slices.Concat(slices.Collect(maps.Keys(c.set)), c.remove, c.names) {
		names["#"+name] = name
	}
	all := map[string]any{}
	maps.Copy(all, c.values)
	var sets []string
	for name, value := range c.set {
		all[":set_"+name] = value
		sets = append(sets, "#"+name+" = :set_"+name)
	}
	values, err := attributevalue.MarshalMap(all)
	if err != nil {
		return nil, err
	}
	expression := "SET " + strings.Join(sets, ", ")
	if len(c.remove) > 0 {
		expression += " REMOVE #" + strings.Join(c.remove, ", #")
	}
	return &dynamodb.UpdateItemInput{
		UpdateExpression:                    &expression,
		ConditionExpression:                 &c.condition,
		ExpressionAttributeNames:            names,
		ExpressionAttributeValues:           values,
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, nil
}

func key(stagingSub string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"stagingSub": &types.AttributeValueMemberS{Value: stagingSub}}
}

func decode(item map[string]types.AttributeValue) (Line, error) {
	var line Line
	if err := attributevalue.UnmarshalMap(item, &line); err != nil {
		return Line{}, fmt.Errorf("decode ledger line: %w", err)
	}
	return line, nil
}

// refused returns the error of a condition that did not hold, or nil.
func refused(err error) *types.ConditionalCheckFailedException {
	var no *types.ConditionalCheckFailedException
	if errors.As(err, &no) {
		return no
	}
	return nil
}
