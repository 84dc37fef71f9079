package cloudtrail_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

func TestEventsAreFoundByEveryAttribute(t *testing.T) {
	t.Parallel()
	a := start(t)
	bob := a.user("bob", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	keys, err := bob.Credentials.Retrieve(t.Context())
	must(t, err)
	key, err := kms.NewFromConfig(bob).CreateKey(t.Context(), &kms.CreateKeyInput{})
	must(t, err)
	_, err = kms.NewFromConfig(bob).DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: key.KeyMetadata.KeyId})
	must(t, err)
	event, _ := a.one("DescribeKey")
	for k, v := range map[types.LookupAttributeKey]string{
		types.LookupAttributeKeyEventId:      *event.EventId,
		types.LookupAttributeKeyEventName:    "DescribeKey",
		types.LookupAttributeKeyEventSource:  "kms.amazonaws.com",
		types.LookupAttributeKeyReadOnly:     "true",
		types.LookupAttributeKeyUsername:     "bob",
		types.LookupAttributeKeyResourceType: "AWS::KMS::Key",
		types.LookupAttributeKeyResourceName: *key.KeyMetadata.Arn,
		types.LookupAttributeKeyAccessKeyId:  keys.AccessKeyID,
	} {
		found := a.find(attribute(k, v))
		if !slices.ContainsFunc(found, func(e types.Event) bool { return *e.EventId == *event.EventId }) {
			t.Errorf("%s %s: not found", k, v)
		}
		if found := a.find(attribute(k, "other")); len(found) > 0 {
			t.Errorf("%s other: found %d events", k, len(found))
		}
	}
	if *event.Username != "bob" || *event.AccessKeyId != keys.AccessKeyID || *event.ReadOnly != "true" || *event.EventSource != "kms.amazonaws.com" ||
		len(event.Resources) != 1 || *event.Resources[0].ResourceName != *key.KeyMetadata.Arn || *event.Resources[0].ResourceType != "AWS::KMS::Key" {
		t.Errorf("event is %+v", event)
	}
	if found := a.find(attribute(types.LookupAttributeKeyReadOnly, "false")); len(found) == 0 || *found[0].EventName != "CreateKey" {
		t.Errorf("got %d events that change something", len(found))
	}
}

func TestEventsComeInPagesNewestFirst(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.listGroups(t.Context(), 120)
	first, err := a.LookupEvents(t.Context(), attribute(types.LookupAttributeKeyEventName, "ListGroups"))
	must(t, err)
	if len(first.Events) != 50 || first.NextToken == nil {
		t.Errorf("first page has %d events", len(first.Events))
	}
	for _, size := range []int32{50, 7} {
		in := attribute(types.LookupAttributeKeyEventName, "ListGroups")
		in.MaxResults = aws.Int32(size)
		all := a.find(in)
		seen := map[string]bool{}
		for i, e := range all {
			if seen[*e.EventId] {
				t.Errorf("event %s comes twice", *e.EventId)
			}
			seen[*e.EventId] = true
			if i > 0 && e.EventTime.After(*all[i-1].EventTime) {
				t.Errorf("event %d is newer than the one before it", i)
			}
		}
		if len(all) != 120 {
			t.Errorf("got %d events in pages of %d, want 120", len(all), size)
		}
	}
}

func TestATokenGoesWithItsQueryOnly(t *testing.T) {
	t.Parallel()
	a, b := start(t), start(t)
	a.listGroups(t.Context(), 3)
	in := attribute(types.LookupAttributeKeyEventName, "ListGroups")
	in.MaxResults = aws.Int32(2)
	page, err := a.LookupEvents(t.Context(), in)
	must(t, err)
	in.NextToken, in.MaxResults = page.NextToken, aws.Int32(50)
	_, err = a.LookupEvents(t.Context(), in) // another page size is the same query
	must(t, err)
	_, err = b.LookupEvents(t.Context(), in)
	refused(t, err, "InvalidNextTokenException")
	other := attribute(types.LookupAttributeKeyEventName, "ListUsers")
	other.NextToken = page.NextToken
	_, err = a.LookupEvents(t.Context(), other)
	refused(t, err, "InvalidNextTokenException")
	in.EndTime = aws.Time(time.Now().Add(time.Hour))
	_, err = a.LookupEvents(t.Context(), in)
	refused(t, err, "InvalidNextTokenException")
	_, err = a.LookupEvents(t.Context(), &sdk.LookupEventsInput{NextToken: aws.String("garbage")})
	refused(t, err, "InvalidNextTokenException")
}

func TestEventsAreFoundByTime(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.listGroups(t.Context(), 1)
	event, _ := a.one("ListGroups")
	count := func(start, end *time.Time) int {
		in := attribute(types.LookupAttributeKeyEventName, "ListGroups")
		in.StartTime, in.EndTime = start, end
		return len(a.find(in))
	}
	later, earlier := aws.Time(event.EventTime.Add(time.Second)), aws.Time(event.EventTime.Add(-time.Second))
	for _, test := range []struct {
		start, end *time.Time
		want       int
	}{
		{event.EventTime, event.EventTime, 1}, // both ends are inside
		{earlier, later, 1}, {earlier, nil, 1}, {nil, later, 1},
		{nil, earlier, 0}, {later, nil, 0}, {later, aws.Time(later.Add(time.Hour)), 0},
	} {
		if got := count(test.start, test.end); got != test.want {
			t.Errorf("from %v to %v: got %d events, want %d", test.start, test.end, got, test.want)
		}
	}
	_, err := a.LookupEvents(t.Context(), &sdk.LookupEventsInput{StartTime: later, EndTime: earlier})
	refused(t, err, "InvalidTimeRangeException")
}

func TestWrongQueriesAreRefused(t *testing.T) {
	t.Parallel()
	a := start(t)
	two := attribute(types.LookupAttributeKeyEventName, "ListGroups")
	two.LookupAttributes = append(two.LookupAttributes, two.LookupAttributes[0])
	for code, in := range map[string]*sdk.LookupEventsInput{
		"InvalidLookupAttributesException": two,
		"InvalidMaxResultsException":       {MaxResults: aws.Int32(51)},
		"InvalidEventCategoryException":    {EventCategory: types.EventCategoryInsight},
	} {
		_, err := a.LookupEvents(t.Context(), in)
		refused(t, err, code)
	}
	_, err := a.LookupEvents(t.Context(), &sdk.LookupEventsInput{MaxResults: aws.Int32(-1)})
	refused(t, err, "InvalidMaxResultsException")
	_, err = sdk.NewFromConfig(a.user("nobody", "")).LookupEvents(t.Context(), &sdk.LookupEventsInput{})
	refused(t, err, "AccessDeniedException")
}

func TestAnAccountSeesItsOwnTrailOnly(t *testing.T) {
	t.Parallel()
	a, b := start(t), start(t)
	a.listGroups(t.Context(), 1)
	for _, e := range b.find(&sdk.LookupEventsInput{}) {
		if got := at(recordOf(t, e), "recipientAccountId"); got != b.id {
			t.Errorf("the trail of %s has an event of %v", b.id, got)
		}
	}
	_, err := b.iam().GetUser(t.Context(), &iam.GetUserInput{})
	must(t, err)
	b.one("GetUser")
	a.one("ListGroups")
}
