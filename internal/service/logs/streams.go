package logs

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"redoubt/internal/store"
)

// A named stream is one with its name.
type named struct {
	name string
	Stream
}

// DescribeLogStreams implements the operation of CloudWatch Logs.
func (s *Service) DescribeLogStreams(ctx context.Context, in *cloudwatchlogs.DescribeLogStreamsInput) (*cloudwatchlogs.DescribeLogStreamsOutput, error) {
	if err := mustBeOne(ctx, in.LogGroupName, in.LogGroupIdentifier); err != nil {
		return nil, err
	}
	byTime := in.OrderBy == types.OrderByLastEventTime
	if byTime && in.LogStreamNamePrefix != nil {
		return nil, invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	out := &cloudwatchlogs.DescribeLogStreamsOutput{LogStreams: []types.LogStream{}}
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		g, err := s.group(tx, either(ctx, in.LogGroupName, in.LogGroupIdentifier))
		if err != nil {
			return err
		}
		page, next, err := s.page(tx, &g, in, byTime)
		for _, st := range page {
			out.LogStreams = append(out.LogStreams, shownStream(&g, &st))
		}
		out.NextToken = next
		return err
	})
}

// page picks one page of streams in the order that is asked for.
func (s *Service) page(tx *store.Tx, g *found, in *cloudwatchlogs.DescribeLogStreamsInput, byTime bool) ([]named, *string, error) {
	of := fmt.Sprint("streams ", g.ID, byTime, aws.ToBool(in.Descending))
	limit := limitOr(in.Limit, maxDescribed)
	var last []string
	if in.NextToken != nil {
		var err error
		if last, err = readPageToken(of, *in.NextToken); err != nil || len(last) != 2 {
			return nil, nil, badToken()
		}
	}
	pick := s.pageByName
	if byTime {
		pick = s.pageByTime
	}
	page, err := pick(tx, g, in, last, limit+1)
	if err != nil || len(page) <= limit {
		return page, nil, err
	}
	page = page[:limit]
	end := page[limit-1]
	return page, pageToken(of, timeKey(end.Last), end.name), nil
}

func (s *Service) pageByName(tx *store.Tx, g *found, in *cloudwatchlogs.DescribeLogStreamsInput, last []string, n int) (page []named, err error) {
	streams := store.Range{
		Prefix:     []string{g.account, g.region, g.ID},
		StartsWith: aws.ToString(in.LogStreamNamePrefix), Reverse: aws.ToBool(in.Descending),
	}
	if last != nil {
		streams.After = []string{g.account, g.region, g.ID, last[1]}
	}
	for rec, err := range s.streams.Scan(tx, streams) {
		if err != nil {
			return nil, err
		}
		if page = append(page, named{rec.Key[3], rec.Value}); len(page) == n {
			break
		}
	}
	return page, nil
}

// pageByTime looks at all streams of the group, and keeps the first n after last.
func (s *Service) pageByTime(tx *store.Tx, g *found, in *cloudwatchlogs.DescribeLogStreamsInput, last []string, n int) (page []named, err error) {
	order := byLastEvent
	if aws.ToBool(in.Descending) {
		order = func(a, b named) int { return byLastEvent(b, a) }
	}
	var after named
	if last != nil {
		t, err := readTimeKey(last[0])
		if err != nil {
			return nil, badToken()
		}
		after = named{last[1], Stream{Last: t}}
	}
	for rec, err := range s.streams.Scan(tx, store.Range{Prefix: []string{g.account, g.region, g.ID}}) {
		if err != nil {
			return nil, err
		}
		st := named{rec.Key[3], rec.Value}
		if last != nil && order(st, after) <= 0 {
			continue
		}
		if page = append(page, st); len(page) == 2*n {
			slices.SortFunc(page, order)
			page = page[:n]
		}
	}
	slices.SortFunc(page, order)
	return page[:min(n, len(page))], nil
}

func byLastEvent(a, b named) int {
	return cmp.Or(cmp.Compare(a.Last, b.Last), cmp.Compare(a.name, b.name))
}

// shownStream is a stream as DescribeLogStreams returns it; its stored bytes have been 0 since 2019 (API_LogStream).
func shownStream(g *found, st *named) types.LogStream {
	out := types.LogStream{
		LogStreamName: aws.String(st.name), CreationTime: aws.Int64(st.Created), StoredBytes: aws.Int64(0),
		Arn:                 aws.String(g.arn() + ":log-stream:" + st.name),
		UploadSequenceToken: aws.String(sequenceToken(&st.Stream)),
	}
	if st.Last != 0 {
		out.FirstEventTimestamp, out.LastEventTimestamp = aws.Int64(st.First), aws.Int64(st.Last)
	}
	if st.Ingested != 0 {
		out.LastIngestionTime = aws.Int64(st.Ingested)
	}
	return out
}
