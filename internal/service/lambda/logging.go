package lambda

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"redoubt/internal/api"
	"redoubt/internal/service/lambda/fleet"
)

// Limits of PutLogEvents (API_PutLogEvents).
const (
	maxBatch      = 10_000
	maxBatchBytes = 1 << 20
	eventOverhead = 26
)

// sink stores the log of an environment as its execution role does. If the role may not, there is no log, as on AWS.
func (s *Service) sink(f *Function, stream string, token string) fleet.Sink {
	group, made := f.logGroup(), false
	region := f.Region
	return func(ctx context.Context, lines []fleet.Line) error {
		ctx = api.WithCaller(ctx, &api.Caller{Region: region})
		ctx, err := s.asRole(ctx, token)
		if err != nil {
			return err
		}
		ctx = api.Via(ctx, principal)
		if !made {
			if err := s.makeStream(ctx, group, stream); err != nil {
				return err
			}
			made = true
		}
		for len(lines) > 0 {
			var batch []logstypes.InputLogEvent
			batch, lines = nextBatch(lines)
			_, err := api.Call[cloudwatchlogs.PutLogEventsOutput](ctx, s.deps.API, &cloudwatchlogs.PutLogEventsInput{
				LogGroupName: &group, LogStreamName: &stream, LogEvents: batch,
			})
			if err != nil {
				made = false // somebody may have deleted the group
				return err
			}
		}
		return nil
	}
}

// makeStream makes the group, if it is not there and the role may, and the stream in it.
func (s *Service) makeStream(ctx context.Context, group, stream string) error {
	made := func() error {
		_, err := api.Call[cloudwatchlogs.CreateLogStreamOutput](ctx, s.deps.API, &cloudwatchlogs.CreateLogStreamInput{
			LogGroupName: &group, LogStreamName: &stream,
		})
		var exists *logstypes.ResourceAlreadyExistsException
		if errors.As(err, &exists) {
			return nil
		}
		return err
	}
	err := made()
	var noGroup *logstypes.ResourceNotFoundException
	if !errors.As(err, &noGroup) {
		return err
	}
	_, err = api.Call[cloudwatchlogs.CreateLogGroupOutput](ctx, s.deps.API, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &group})
	var exists *logstypes.ResourceAlreadyExistsException
	if err != nil && !errors.As(err, &exists) {
		return err
	}
	return made()
}

// nextBatch takes as many lines as one call may store.
func nextBatch(lines []fleet.Line) (batch []logstypes.InputLogEvent, rest []fleet.Line) {
	size, last := 0, int64(0)
	for i, l := range lines {
		size += len(l.Text) + eventOverhead
		if i > 0 && (i == maxBatch || size > maxBatchBytes) {
			return batch, lines[i:]
		}
		last = max(last, l.Time.UnixMilli()) // in order, even if the clock was set back
		batch = append(batch, logstypes.InputLogEvent{Timestamp: aws.Int64(last), Message: aws.String(l.Text)})
	}
	return batch, nil
}
