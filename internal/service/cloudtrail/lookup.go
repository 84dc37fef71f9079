package cloudtrail

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

const (
	maxPage = 50 // API_LookupEvents, MaxResults
	// maxLooked bounds the events that one call looks at; a page may be short, or empty, with a token to go on.
	maxLooked = 20_000
)

// LookupEvents finds events of the last 90 days, the newest first.
func (s *Service) LookupEvents(ctx context.Context, in *cloudtrail.LookupEventsInput) (*cloudtrail.LookupEventsOutput, error) {
	q, err := newQuery(api.CallerOf(ctx), in)
	if err != nil {
		return nil, err
	}
	out := &cloudtrail.LookupEventsOutput{Events: []types.Event{}}
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		looked := 0
		for r, err := range s.events.Scan(tx, q.events) {
			if err != nil {
				return err
			}
			looked++
			if q.matches(&r.Value) {
				e, err := shown(&r.Value)
				if err != nil {
					return err
				}
				out.Events = append(out.Events, e)
			}
			if len(out.Events) == q.page || looked == maxLooked {
				out.NextToken = aws.String(q.token(r.Key))
				return nil
			}
		}
		return nil
	})
}

// shown is an event as LookupEvents returns it.
func shown(e *api.Event) (types.Event, error) {
	text, err := e.JSON()
	if err != nil {
		return types.Event{}, fmt.Errorf("showing event %s: %w", e.ID, err)
	}
	out := types.Event{
		EventId: &e.ID, EventName: &e.Name, EventSource: &e.Source, EventTime: aws.Time(e.Time.Truncate(time.Second)),
		ReadOnly: aws.String(strconv.FormatBool(e.ReadOnly)), CloudTrailEvent: aws.String(string(text)), Resources: []types.Resource{},
	}
	if e.Identity.AccessKey != "" {
		out.AccessKeyId = &e.Identity.AccessKey
	}
	if name := e.Username(); name != "" {
		out.Username = &name
	}
	for _, r := range e.Resources {
		out.Resources = append(out.Resources, types.Resource{ResourceType: aws.String(r.Type), ResourceName: aws.String(r.ARN)})
	}
	return out, nil
}
