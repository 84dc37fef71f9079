package logs

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"redoubt/internal/store"
)

// The limits of PutLogEvents (API_PutLogEvents).
const (
	maxBatch      = 1_048_576 // bytes, of which each event takes eventOverhead besides its message
	maxEvent      = 1_048_576
	eventOverhead = 26
	maxSpan       = 24 * time.Hour
	maxAge        = 14 * 24 * time.Hour
	maxAhead      = 2 * time.Hour
)

// PutLogEvents implements the operation of CloudWatch Logs. Sequence tokens have been ignored since 2023.
func (s *Service) PutLogEvents(ctx context.Context, in *cloudwatchlogs.PutLogEventsInput) (*cloudwatchlogs.PutLogEventsOutput, error) {
	if err := checkBatch(in.LogEvents); err != nil {
		return nil, err
	}
	out := &cloudwatchlogs.PutLogEventsOutput{}
	if in.Entity != nil { // the events are taken all the same (API_PutLogEvents, RejectedEntityInfo)
		out.RejectedEntityInfo = &types.RejectedEntityInfo{ErrorType: types.EntityRejectionErrorTypeUnsupportedLogGroupType}
	}
	for {
		err := s.put(ctx, in, out)
		if !errors.Is(err, errOtherKey) {
			return out, err
		}
	}
}

// put stores a batch. errOtherKey asks for another try, because the group got another key meanwhile.
func (s *Service) put(ctx context.Context, in *cloudwatchlogs.PutLogEventsInput, out *cloudwatchlogs.PutLogEventsOutput) error {
	g, st, err := s.target(ctx, own(ctx, *in.LogGroupName), *in.LogStreamName)
	if err != nil {
		return err
	}
	out.NextSequenceToken = aws.String(sequenceToken(&st))
	t := time.Now()
	valid, rejected := accept(in.LogEvents, t, g.Retention)
	out.RejectedLogEventsInfo = rejected
	if len(valid) == 0 {
		return nil
	}
	if valid[len(valid)-1].time-valid[0].time > maxSpan.Milliseconds() {
		return invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	chunks, err := s.seal(ctx, &g, valid, t.UnixMilli())
	if err != nil {
		return err
	}
	st, err = s.store(ctx, &g, *in.LogStreamName, chunks)
	out.NextSequenceToken = aws.String(sequenceToken(&st))
	return err
}

// checkBatch refuses what AWS refuses as a whole.
func checkBatch(events []types.InputLogEvent) error {
	size, before := 0, int64(0)
	for _, e := range events {
		n := len(*e.Message) + eventOverhead
		if n > maxEvent {
			return invalid("Log event too large: %d bytes exceeds limit of %d", n, maxEvent)
		}
		size += n
		if *e.Timestamp < before {
			return invalid("Log events in a single PutLogEvents request must be in chronological order.")
		}
		before = *e.Timestamp
	}
	if size > maxBatch {
		return invalid("Upload too large: %d bytes exceeds limit of %d", size, maxBatch)
	}
	return nil
}

// accept leaves out the events that are too old or too new. They are in order, so those are the first and the last ones.
func accept(events []types.InputLogEvent, t time.Time, retention int32) ([]event, *types.RejectedLogEventsInfo) {
	oldest := t.Add(-maxAge).UnixMilli()
	newest := t.Add(maxAhead).UnixMilli()
	kept := expiry(t, retention)
	tooOld, expired, valid := 0, 0, make([]event, 0, len(events))
	tooNew := len(events)
	for i, e := range events {
		switch {
		case *e.Timestamp < kept:
			expired = i + 1
		case *e.Timestamp < oldest:
			tooOld = i + 1
		case *e.Timestamp > newest:
			tooNew = min(tooNew, i)
		default:
			valid = append(valid, event{*e.Timestamp, *e.Message})
		}
	}
	if len(valid) == len(events) {
		return valid, nil
	}
	return valid, &types.RejectedLogEventsInfo{
		ExpiredLogEventEndIndex: indexUnless(expired, 0), TooOldLogEventEndIndex: indexUnless(tooOld, 0),
		TooNewLogEventStartIndex: indexUnless(tooNew, len(events)),
	}
}

func indexUnless(i, none int) *int32 {
	if i == none {
		return nil
	}
	return aws.Int32(int32(i))
}

// target reads the group and the stream to write to.
func (s *Service) target(ctx context.Context, r reference, stream string) (g found, st Stream, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if g, err = s.group(tx, r); err != nil {
			return err
		}
		st, err = s.stream(tx, &g, stream)
		return err
	})
	return g, st, err
}

// seal makes chunks of events, encrypted with the group's data key if it has one.
func (s *Service) seal(ctx context.Context, g *found, events []event, t int64) ([]Chunk, error) {
	key, err := s.writingKey(ctx, g)
	if err != nil {
		return nil, err
	}
	var chunks []Chunk
	for _, part := range split(events) {
		c := Chunk{First: part[0].time, Last: part[len(part)-1].time, Ingested: t, Data: s.packer.encode(part)}
		if key != nil {
			c.DataKey, c.Data = key.id, key.seal(c.Data)
		}
		chunks = append(chunks, c)
	}
	return chunks, nil
}

// errOtherKey says that a group's key changed while events were encrypted.
var errOtherKey = errors.New("the group has another key")

// store adds chunks to a stream, if its group is still the same.
func (s *Service) store(ctx context.Context, was *found, name string, chunks []Chunk) (st Stream, err error) {
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		g, err := s.group(tx, was.reference)
		if err != nil {
			return err
		}
		if g.ID != was.ID || g.DataKey != was.DataKey {
			return errOtherKey
		}
		if st, err = s.stream(tx, &g, name); err != nil {
			return err
		}
		bytes := int64(0)
		for _, c := range chunks {
			if err := s.chunks.Put(tx, c, g.account, g.region, g.ID, st.ID, classKey(c.class()), timeKey(c.First), numberKey(st.Next)); err != nil {
				return err
			}
			st.add(&c)
			bytes += int64(len(c.Data))
		}
		if err := s.streams.Put(tx, st, g.account, g.region, g.ID, name); err != nil {
			return err
		}
		return s.account(tx, &g, bytes)
	})
	return st, err
}

// add counts a chunk that was stored.
func (st *Stream) add(c *Chunk) {
	if st.Last == 0 || c.First < st.First {
		st.First = c.First
	}
	st.Last = max(st.Last, c.Last)
	st.Classes |= 1 << c.class()
	st.Ingested = max(st.Ingested, c.Ingested)
	st.Bytes += int64(len(c.Data))
	st.Next++
}

// sequenceToken looks like AWS's, of 56 digits. Nothing depends on it.
func sequenceToken(st *Stream) string { return positionOf(st.Created, st.Next, 0, st.ID).String() }
