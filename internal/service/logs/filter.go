package logs

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"redoubt/internal/service/logs/pattern"
	"redoubt/internal/store"
)

// maxFiltered bounds the bytes of messages that one FilterLogEvents looks at; the page may be short, or empty, with a
// token to go on.
const maxFiltered = 64 << 20

// headOnlyBefore is the first start for which the latest events can be asked for first (API_FilterLogEvents,
// startFromHead): 2024-01-01.
const headOnlyBefore = 1_704_067_200_000

// A filterToken is the inside of a FilterLogEvents token.
type filterToken struct {
	Group    string `json:"g"`
	Backward bool   `json:"b,omitempty"`
	Last     string `json:"p"` // id of the event after which to go on
}

// FilterLogEvents implements the operation of CloudWatch Logs. Events of all streams come interleaved, as always since
// 2019.
func (s *Service) FilterLogEvents(ctx context.Context, in *cloudwatchlogs.FilterLogEventsInput) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	if err := mustBeOne(ctx, in.LogGroupName, in.LogGroupIdentifier); err != nil {
		return nil, err
	}
	if in.LogStreamNames != nil && in.LogStreamNamePrefix != nil {
		return nil, invalid("Cannot specify both logStreamNames and logStreamNamePrefix.")
	}
	matches, err := pattern.Parse(aws.ToString(in.FilterPattern))
	if err != nil {
		return nil, invalid("Invalid filter pattern: %s", err)
	}
	w, err := groupWindow(in)
	if err != nil {
		return nil, err
	}
	out := &cloudwatchlogs.FilterLogEventsOutput{Events: []types.FilteredLogEvent{}, SearchedLogStreams: []types.SearchedLogStream{}}
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		g, err := s.group(tx, either(ctx, in.LogGroupName, in.LogGroupIdentifier))
		if err != nil {
			return err
		}
		r := &reader{ctx, s, tx, &g, w}
		if err := r.resume(in.NextToken); err != nil {
			return err
		}
		r.hideExpired()
		lanes, err := r.search(in)
		if err != nil {
			return err
		}
		return r.filter(r.merge(lanes), matches, limitOr(in.Limit, maxPage), out)
	})
}

// groupWindow is what FilterLogEvents asks for. The end is inclusive (API_FilterLogEvents, endTime).
func groupWindow(in *cloudwatchlogs.FilterLogEventsInput) (window, error) {
	w := window{to: highest, backward: in.StartFromHead != nil && !*in.StartFromHead}
	if w.backward && aws.ToInt64(in.StartTime) < headOnlyBefore {
		return w, invalid("startFromHead can be false only when startTime is on or after Jan 1, 2024 00:00:00 UTC.")
	}
	if in.StartTime != nil {
		w.from = lowest(bounded(*in.StartTime))
	}
	if in.EndTime != nil {
		w.to = lowest(bounded(*in.EndTime) + 1)
	}
	return w, nil
}

// resume narrows the window to what comes after the page that the token was given with.
func (r *reader) resume(token *string) error {
	if token == nil {
		return nil
	}
	var t filterToken
	text, err := base64.RawURLEncoding.DecodeString(*token)
	if err != nil || json.Unmarshal(text, &t) != nil || t.Group != r.group.ID {
		return badToken()
	}
	last, ok := parsePosition(t.Last)
	if !ok {
		return badToken()
	}
	if r.backward = t.Backward; r.backward {
		r.to = earlier(r.to, last)
	} else {
		r.from = later(r.from, last.next())
	}
	return nil
}

func (r *reader) token(last position) *string {
	text, _ := json.Marshal(filterToken{r.group.ID, r.backward, last.String()}) // always marshals
	return aws.String(base64.RawURLEncoding.EncodeToString(text))
}

// search returns the lanes of the streams to search.
func (r *reader) search(in *cloudwatchlogs.FilterLogEventsInput) (lanes []*lane, err error) {
	if in.LogStreamNames != nil {
		names := slices.Compact(slices.Sorted(slices.Values(in.LogStreamNames)))
		for _, name := range names {
			st, err := r.s.stream(r.tx, r.group, name)
			if err != nil {
				return nil, err
			}
			lanes = append(lanes, r.lanes(named{name, st})...)
		}
		return lanes, nil
	}
	streams := store.Range{
		Prefix:     []string{r.group.account, r.group.region, r.group.ID},
		StartsWith: aws.ToString(in.LogStreamNamePrefix),
	}
	for rec, err := range r.s.streams.Scan(r.tx, streams) {
		if err != nil {
			return nil, err
		}
		lanes = append(lanes, r.lanes(named{rec.Key[3], rec.Value})...)
	}
	return lanes, nil
}

// filter fills a page with the events that match.
func (r *reader) filter(m *merge, matches *pattern.Pattern, limit int, out *cloudwatchlogs.FilterLogEventsOutput) error {
	size, looked := 0, 0
	var last position
	for {
		e, err := m.next()
		if err != nil || e == nil {
			return err
		}
		hit := matches.Match(e.message)
		if full := len(out.Events) == limit || size+len(e.message) > maxPageBytes && size > 0; hit && full || looked > maxFiltered {
			out.NextToken = r.token(last)
			return nil
		}
		looked += len(e.message) + eventOverhead
		last = e.at
		if hit {
			size += len(e.message)
			out.Events = append(out.Events, types.FilteredLogEvent{
				EventId: aws.String(e.at.String()), LogStreamName: &e.stream, Timestamp: aws.Int64(e.at.time()),
				IngestionTime: aws.Int64(e.ingested), Message: &e.message,
			})
		}
	}
}
