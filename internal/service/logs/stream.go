package logs

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"redoubt/internal/store"
)

// A Stream is a log stream. Its chunks are filed under its id.
type Stream struct {
	ID          string
	Created     int64
	First, Last int64  // times of its earliest and latest events; 0 if it never had any
	Ingested    int64  // when events last came in
	Next        uint64 // number of the next chunk
	Bytes       int64
	Classes     uint8 // bit i is set if there are, or were, chunks of class i
}

func (s *Service) stream(tx *store.Tx, g *found, name string) (Stream, error) {
	st, ok, err := s.streams.Get(tx, g.account, g.region, g.ID, name)
	if err == nil && !ok {
		err = noStream()
	}
	return st, err
}

// CreateLogStream implements the operation of CloudWatch Logs.
func (s *Service) CreateLogStream(ctx context.Context, in *cloudwatchlogs.CreateLogStreamInput) (*cloudwatchlogs.CreateLogStreamOutput, error) {
	r := own(ctx, *in.LogGroupName)
	return &cloudwatchlogs.CreateLogStreamOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		g, err := s.group(tx, r)
		if err != nil {
			return err
		}
		exists, err := s.streams.Has(tx, r.account, r.region, g.ID, *in.LogStreamName)
		if err != nil {
			return err
		}
		if exists {
			return &types.ResourceAlreadyExistsException{Message: aws.String("The specified log stream already exists")}
		}
		return s.streams.Put(tx, Stream{ID: newID(), Created: now()}, r.account, r.region, g.ID, *in.LogStreamName)
	})
}

// DeleteLogStream implements the operation of CloudWatch Logs. The stream is gone at once; its data goes in the background.
func (s *Service) DeleteLogStream(ctx context.Context, in *cloudwatchlogs.DeleteLogStreamInput) (*cloudwatchlogs.DeleteLogStreamOutput, error) {
	r := own(ctx, *in.LogGroupName)
	return &cloudwatchlogs.DeleteLogStreamOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		g, err := s.group(tx, r)
		if err != nil {
			return err
		}
		st, err := s.stream(tx, &g, *in.LogStreamName)
		if err != nil {
			return err
		}
		if err := s.streams.Delete(tx, r.account, r.region, g.ID, *in.LogStreamName); err != nil {
			return err
		}
		if err := s.account(tx, &g, -st.Bytes); err != nil {
			return err
		}
		return sendRemoval(tx, removal{Account: r.account, Region: r.region, Group: g.ID, Stream: st.ID})
	})
}

// account adds to what a group stores.
func (s *Service) account(tx *store.Tx, g *found, bytes int64) error {
	used, _, err := s.usage.Get(tx, g.account, g.region, g.ID)
	if err != nil {
		return err
	}
	used.Bytes = max(0, used.Bytes+bytes)
	return s.usage.Put(tx, used, g.account, g.region, g.ID)
}
