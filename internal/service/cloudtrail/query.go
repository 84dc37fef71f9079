package cloudtrail

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// A query is a valid LookupEvents.
type query struct {
	events  store.Range
	page    int
	matches func(*api.Event) bool
	digest  string // of what a token must go with
}

// A position is the inside of a token.
type position struct {
	Time   string `json:"t"`
	Event  string `json:"e"`
	Digest string `json:"d"`
}

func newQuery(c *api.Caller, in *cloudtrail.LookupEventsInput) (*query, error) {
	q := &query{page: maxPage, digest: digest(c, in)}
	if in.MaxResults != nil {
		q.page = int(*in.MaxResults)
	}
	if q.page < 1 || q.page > maxPage {
		return nil, &types.InvalidMaxResultsException{Message: aws.String("Max results must be between 1 and 50.")}
	}
	if in.EventCategory != "" {
		return nil, &types.InvalidEventCategoryException{Message: aws.String("The event category insight is not supported by Redoubt.")}
	}
	start, end := aws.ToTime(in.StartTime), aws.ToTime(in.EndTime)
	if !start.IsZero() && !end.IsZero() && start.After(end) {
		return nil, &types.InvalidTimeRangeException{Message: aws.String("Start time must be before end time.")}
	}
	var err error
	if q.matches, err = matcher(in.LookupAttributes); err != nil {
		return nil, err
	}
	q.events = store.Range{Prefix: []string{c.Account, c.Region}, Reverse: true}
	if !start.IsZero() {
		q.events.From = []string{c.Account, c.Region, moment(start)}
	}
	if !end.IsZero() { // to the whole second, which is how times are shown
		q.events.Before = []string{c.Account, c.Region, moment(end.Truncate(time.Second).Add(time.Second))}
	}
	if in.NextToken != nil {
		p, ok := readToken(*in.NextToken)
		if !ok || p.Digest != q.digest {
			return nil, &types.InvalidNextTokenException{Message: aws.String("Invalid token specified.")}
		}
		q.events.After = []string{c.Account, c.Region, p.Time, p.Event}
	}
	return q, nil
}

// matcher is the predicate of lookup attributes, of which AWS takes one.
func matcher(attributes []types.LookupAttribute) (func(*api.Event) bool, error) {
	if len(attributes) == 0 {
		return func(*api.Event) bool { return true }, nil
	}
	if len(attributes) > 1 {
		return nil, &types.InvalidLookupAttributesException{Message: aws.String("You can only specify one lookup attribute at a time.")}
	}
	want := aws.ToString(attributes[0].AttributeValue)
	values, ok := attributeValues[attributes[0].AttributeKey]
	if !ok {
		return nil, &types.InvalidLookupAttributesException{Message: aws.String("Invalid lookup attribute key.")}
	}
	if attributes[0].AttributeKey == types.LookupAttributeKeyReadOnly {
		want = strings.ToLower(want)
	}
	return func(e *api.Event) bool { return slices.Contains(values(e), want) }, nil
}

var attributeValues = map[types.LookupAttributeKey]func(*api.Event) []string{
	types.LookupAttributeKeyEventId:     func(e *api.Event) []string { return []string{e.ID} },
	types.LookupAttributeKeyEventName:   func(e *api.Event) []string { return []string{e.Name} },
	types.LookupAttributeKeyEventSource: func(e *api.Event) []string { return []string{e.Source} },
	types.LookupAttributeKeyReadOnly:    func(e *api.Event) []string { return []string{strconv.FormatBool(e.ReadOnly)} },
	types.LookupAttributeKeyUsername:    func(e *api.Event) []string { return []string{e.Username()} },
	types.LookupAttributeKeyAccessKeyId: func(e *api.Event) []string { return []string{e.Identity.AccessKey} },
	types.LookupAttributeKeyResourceType: func(e *api.Event) (all []string) {
		for _, r := range e.Resources {
			all = append(all, r.Type)
		}
		return all
	},
	types.LookupAttributeKeyResourceName: func(e *api.Event) (all []string) {
		for _, r := range e.Resources { // by its whole name, or by the last part of it
			all = append(all, r.ARN, r.ARN[strings.LastIndexAny(r.ARN, ":/")+1:])
		}
		return all
	},
}

// digest binds a token to its query: everything but the page.
func digest(c *api.Caller, in *cloudtrail.LookupEventsInput) string {
	h := sha256.New()
	fmt.Fprintln(h, c.Account, c.Region, aws.ToTime(in.StartTime).UnixNano(), aws.ToTime(in.EndTime).UnixNano())
	for _, a := range in.LookupAttributes {
		fmt.Fprintf(h, "%q %q\n", a.AttributeKey, aws.ToString(a.AttributeValue))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func (q *query) token(k store.Key) string {
	text, _ := json.Marshal(position{k[2], k[3], q.digest}) // three strings always marshal
	return base64.StdEncoding.EncodeToString(text)
}

func readToken(token string) (p position, ok bool) {
	text, err := base64.StdEncoding.DecodeString(token)
	return p, err == nil && json.Unmarshal(text, &p) == nil && p.Event != ""
}

// moment is a time as a part of a key: its order is that of time.
func moment(t time.Time) string { return fmt.Sprintf("%020d", max(0, t.UnixNano())) }
