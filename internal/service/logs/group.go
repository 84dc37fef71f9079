package logs

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"redoubt/internal/store"
)

// A Group is a log group. Its data is filed under its id, not its name.
type Group struct {
	ID        string
	Created   int64  // milliseconds since 1970, as all times of this service
	Retention int32  // days; 0 means for ever
	KMSKey    string // ARN, or ""
	DataKey   string // id of the data key for new events; "" without KMSKey
	KeyMade   int64  // when DataKey was generated
	Protected bool   // from deletion
	Tags      map[string]string
}

// usage is what a group stores. It is apart from the group because every PutLogEvents changes it.
type usage struct{ Bytes int64 }

// A found group is one with its name.
type found struct {
	reference
	Group
}

// group reads a group.
func (s *Service) group(tx *store.Tx, r reference) (found, error) {
	g, ok, err := s.groups.Get(tx, r.account, r.region, r.name)
	if err == nil && !ok {
		err = noGroup()
	}
	return found{r, g}, err
}

// CreateLogGroup implements the operation of CloudWatch Logs.
func (s *Service) CreateLogGroup(ctx context.Context, in *cloudwatchlogs.CreateLogGroupInput) (*cloudwatchlogs.CreateLogGroupOutput, error) {
	if err := creatable(in); err != nil {
		return nil, err
	}
	g := found{own(ctx, *in.LogGroupName), Group{
		ID: newID(), Created: now(), Protected: aws.ToBool(in.DeletionProtectionEnabled),
	}}
	var err error
	if g.Tags, err = addTags(nil, in.Tags); err != nil {
		return nil, err
	}
	var dk DataKey
	if in.KmsKeyId != nil {
		if dk, err = s.newDataKey(ctx, &g, *in.KmsKeyId); err != nil {
			return nil, err
		}
	}
	return &cloudwatchlogs.CreateLogGroupOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		exists, err := s.groups.Has(tx, g.account, g.region, g.name)
		if err != nil {
			return err
		}
		if exists {
			return &types.ResourceAlreadyExistsException{Message: aws.String("The specified log group already exists")}
		}
		if err := s.putDataKey(tx, &g, dk); err != nil {
			return err
		}
		return s.groups.Put(tx, g.Group, g.account, g.region, g.name)
	})
}

func creatable(in *cloudwatchlogs.CreateLogGroupInput) error {
	if strings.HasPrefix(strings.ToLower(*in.LogGroupName), "aws/") { // API_CreateLogGroup
		return invalid("Log groups starting with AWS/ are reserved for AWS.")
	}
	if c := in.LogGroupClass; c != "" && c != types.LogGroupClassStandard {
		return invalid("The log group class %s is not supported by Redoubt yet.", c)
	}
	return nil
}

// DeleteLogGroup implements the operation of CloudWatch Logs. The group is gone at once; its data goes in the background.
func (s *Service) DeleteLogGroup(ctx context.Context, in *cloudwatchlogs.DeleteLogGroupInput) (*cloudwatchlogs.DeleteLogGroupOutput, error) {
	r := own(ctx, *in.LogGroupName)
	return &cloudwatchlogs.DeleteLogGroupOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		g, err := s.group(tx, r)
		if err != nil {
			return err
		}
		if g.Protected {
			return &types.ValidationException{Message: aws.String("The specified log group has deletion protection enabled.")}
		}
		if err := s.groups.Delete(tx, r.account, r.region, r.name); err != nil {
			return err
		}
		return sendRemoval(tx, removal{Account: r.account, Region: r.region, Group: g.ID})
	})
}

// PutLogGroupDeletionProtection implements the operation of CloudWatch Logs.
func (s *Service) PutLogGroupDeletionProtection(ctx context.Context, in *cloudwatchlogs.PutLogGroupDeletionProtectionInput) (*cloudwatchlogs.PutLogGroupDeletionProtectionOutput, error) {
	if err := validIdentifier(ctx, *in.LogGroupIdentifier); err != nil {
		return nil, err
	}
	return &cloudwatchlogs.PutLogGroupDeletionProtectionOutput{}, s.change(ctx, identified(ctx, *in.LogGroupIdentifier), func(_ *store.Tx, g *found) error {
		g.Protected = *in.DeletionProtectionEnabled
		return nil
	})
}

// change runs fn on a group and stores what it made of it.
func (s *Service) change(ctx context.Context, r reference, fn func(*store.Tx, *found) error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		g, err := s.group(tx, r)
		if err != nil {
			return err
		}
		if err := fn(tx, &g); err != nil {
			return err
		}
		return s.groups.Put(tx, g.Group, r.account, r.region, r.name)
	})
}

// newID returns an id that was never used before.
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func now() int64 { return time.Now().UnixMilli() }

func message(format string, args []any) *string { return aws.String(fmt.Sprintf(format, args...)) }
