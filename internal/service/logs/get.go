package logs

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"redoubt/internal/store"
)

const (
	maxPage      = 10_000  // events, of GetLogEvents and FilterLogEvents
	maxPageBytes = 1 << 20 // and of messages
)

// GetLogEvents implements the operation of CloudWatch Logs.
func (s *Service) GetLogEvents(ctx context.Context, in *cloudwatchlogs.GetLogEventsInput) (*cloudwatchlogs.GetLogEventsOutput, error) {
	if err := mustBeOne(ctx, in.LogGroupName, in.LogGroupIdentifier); err != nil {
		return nil, err
	}
	w, err := streamWindow(in)
	if err != nil {
		return nil, err
	}
	out := &cloudwatchlogs.GetLogEventsOutput{Events: []types.OutputLogEvent{}}
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		g, err := s.group(tx, either(ctx, in.LogGroupName, in.LogGroupIdentifier))
		if err != nil {
			return err
		}
		st, err := s.stream(tx, &g, *in.LogStreamName)
		if err != nil {
			return err
		}
		r := &reader{ctx, s, tx, &g, w}
		r.hideExpired()
		page, err := r.page(named{*in.LogStreamName, st}, limitOr(in.Limit, maxPage))
		for _, e := range page {
			out.Events = append(out.Events, types.OutputLogEvent{
				Timestamp: aws.Int64(e.at.time()), IngestionTime: aws.Int64(e.ingested), Message: &e.message,
			})
		}
		forward, backward := w.tokens(page, aws.ToString(in.NextToken))
		out.NextForwardToken, out.NextBackwardToken = &forward, &backward
		return err
	})
}

// hideExpired keeps what is past its retention, and not removed yet, from being read.
func (r *reader) hideExpired() {
	if oldest := lowest(expiry(time.Now(), r.group.Retention)); r.from.compare(oldest) < 0 {
		r.from = oldest
	}
}

// page reads events of a stream, and returns them in the order of time.
func (r *reader) page(st named, limit int) (page []*entry, err error) {
	m, size := r.merge(r.lanes(st)), 0
	for len(page) < limit {
		e, err := m.next()
		if err != nil {
			return nil, err
		}
		if e == nil {
			break
		}
		if size += len(e.message); size > maxPageBytes && len(page) > 0 {
			break
		}
		page = append(page, e)
	}
	if r.backward {
		slices.Reverse(page)
	}
	return page, nil
}

// streamWindow is what GetLogEvents asks for. The end is exclusive (API_GetLogEvents, endTime). A token tells the
// direction: f/ID/s is what comes after an event, b/ID/s what comes before it.
func streamWindow(in *cloudwatchlogs.GetLogEventsInput) (window, error) {
	w := window{to: highest, backward: !aws.ToBool(in.StartFromHead)}
	if in.StartTime != nil {
		w.from = lowest(bounded(*in.StartTime))
	}
	if in.EndTime != nil {
		w.to = lowest(bounded(*in.EndTime))
	}
	if in.NextToken == nil {
		return w, nil
	}
	direction, at, err := readStreamToken(*in.NextToken)
	if err != nil {
		return w, err
	}
	if w.backward = direction == "b"; w.backward {
		w.to = earlier(w.to, at)
	} else {
		w.from = later(w.from, at.next())
	}
	return w, nil
}

// tokens are those of a page, in both directions. At an end, the token is the one that led there.
func (w *window) tokens(page []*entry, token string) (forward, backward string) {
	from, to := w.from.previous(), w.from
	if len(page) > 0 {
		from, to = page[len(page)-1].at, page[0].at
	} else if direction, at, err := readStreamToken(token); err == nil && direction == "f" {
		from, to = at, at.next()
	} else if err == nil {
		from, to = at.previous(), at
	}
	return "f/" + from.String() + "/s", "b/" + to.String() + "/s"
}

func readStreamToken(token string) (direction string, at position, err error) {
	parts := strings.Split(token, "/")
	if len(parts) != 3 || parts[0] != "f" && parts[0] != "b" || parts[2] != "s" {
		return "", at, badToken()
	}
	at, ok := parsePosition(parts[1])
	if !ok {
		return "", at, badToken()
	}
	return parts[0], at, nil
}

// bounded keeps a time within what positions can hold, some thousand years.
func bounded(t int64) int64 { return min(max(0, t), 1<<47) }

func earlier(p, q position) position {
	if p.compare(q) < 0 {
		return p
	}
	return q
}

func later(p, q position) position {
	if p.compare(q) > 0 {
		return p
	}
	return q
}
