package logs_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

func TestNamesOfGroupsAndStreamsAreUnique(t *testing.T) {
	t.Parallel()
	w := start(t)
	_, err := w.CreateLogGroup(t.Context(), &cwl.CreateLogGroupInput{LogGroupName: aws.String("g")})
	refused(t, err, "ResourceAlreadyExistsException", "The specified log group already exists")
	_, err = w.CreateLogStream(t.Context(), &cwl.CreateLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")})
	refused(t, err, "ResourceAlreadyExistsException", "The specified log stream already exists")
	_, err = w.CreateLogStream(t.Context(), &cwl.CreateLogStreamInput{LogGroupName: aws.String("no"), LogStreamName: aws.String("s")})
	refused(t, err, "ResourceNotFoundException", "The specified log group does not exist.")
	_, err = w.tryPut("g", "no", base(), line{0, "a"})
	refused(t, err, "ResourceNotFoundException", "The specified log stream does not exist.")
}

func TestOtherClassesAreRefused(t *testing.T) {
	t.Parallel()
	w := start(t)
	_, err := w.CreateLogGroup(t.Context(), &cwl.CreateLogGroupInput{
		LogGroupName: aws.String("ia"), LogGroupClass: types.LogGroupClassInfrequentAccess,
	})
	refused(t, err, "InvalidParameterException", "The log group class INFREQUENT_ACCESS is not supported by Redoubt yet.")
}

func TestGroupMadeAgainShowsNothingOld(t *testing.T) {
	t.Parallel()
	w, from := start(t), base()
	w.put("g", "s", from, line{0, "old"})
	_, err := w.DeleteLogGroup(t.Context(), &cwl.DeleteLogGroupInput{LogGroupName: aws.String("g")})
	w.must(err)
	w.makeGroup("g")
	if streams := w.streams(&cwl.DescribeLogStreamsInput{}); len(streams) != 0 {
		t.Errorf("got streams %v", streams)
	}
	w.makeStream("g", "s")
	if got := w.get(&cwl.GetLogEventsInput{}).Events; len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

func TestStreamMadeAgainShowsNothingOld(t *testing.T) {
	t.Parallel()
	w, from := start(t), base()
	w.put("g", "s", from, line{0, "old"})
	_, err := w.DeleteLogStream(t.Context(), &cwl.DeleteLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")})
	w.must(err)
	if n := *w.group("g").StoredBytes; n != 0 {
		t.Errorf("%d bytes are stored", n)
	}
	w.makeStream("g", "s")
	if got := w.filter(&cwl.FilterLogEventsInput{}); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

func TestProtectedGroupIsNotDeleted(t *testing.T) {
	t.Parallel()
	w := start(t)
	for _, protect := range []bool{true, false} {
		_, err := w.PutLogGroupDeletionProtection(t.Context(), &cwl.PutLogGroupDeletionProtectionInput{
			LogGroupIdentifier: aws.String("g"), DeletionProtectionEnabled: &protect,
		})
		w.must(err)
		_, err = w.DeleteLogGroup(t.Context(), &cwl.DeleteLogGroupInput{LogGroupName: aws.String("g")})
		if protect {
			refused(t, err, "ValidationException", "")
		} else {
			w.must(err)
		}
	}
}

func TestGroupsAreListedInPages(t *testing.T) {
	t.Parallel()
	w := start(t)
	var want []string
	for i := range 5 {
		want = append(want, fmt.Sprintf("/app/%d", i))
		w.makeGroup(want[i])
	}
	var got []string
	pages := cwl.NewDescribeLogGroupsPaginator(w.Client, &cwl.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String("/app/"), Limit: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		w.must(err)
		for _, g := range page.LogGroups {
			got = append(got, *g.LogGroupName)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	out, err := w.DescribeLogGroups(t.Context(), &cwl.DescribeLogGroupsInput{LogGroupNamePattern: aws.String("p/3")})
	w.must(err)
	if len(out.LogGroups) != 1 || *out.LogGroups[0].LogGroupName != "/app/3" || out.LogGroups[0].StoredBytes != nil {
		t.Errorf("by pattern: %v", out.LogGroups)
	}
	_, err = w.DescribeLogGroups(t.Context(), &cwl.DescribeLogGroupsInput{NextToken: aws.String("forged")})
	refused(t, err, "InvalidParameterException", "The specified nextToken is invalid.")
}

func TestDescriptionsAreTrue(t *testing.T) {
	t.Parallel()
	w, from := start(t), base()
	w.put("g", "s", from, line{0, "a"}, line{100, "b"})
	w.put("g", "s", from, line{50, "c"})
	g, s := w.group("g"), w.streams(&cwl.DescribeLogStreamsInput{})[0]
	if *g.Arn != *g.LogGroupArn+":*" || g.LogGroupClass != types.LogGroupClassStandard || *g.StoredBytes == 0 || g.RetentionInDays != nil {
		t.Errorf("group: %+v", g)
	}
	if *s.FirstEventTimestamp != from || *s.LastEventTimestamp != from+100 || *s.LastIngestionTime < from || *s.StoredBytes != 0 ||
		*s.Arn != *g.LogGroupArn+":log-stream:s" {
		t.Errorf("stream: %+v", s)
	}
}

func TestStreamsAreOrderedByNameOrLastEvent(t *testing.T) {
	t.Parallel()
	w, from := start(t), base()
	for i, name := range []string{"b", "a", "c"} {
		w.makeStream("g", name)
		w.put("g", name, from, line{int64(i), "x"})
	}
	for _, c := range []struct {
		by         types.OrderBy
		descending bool
		want       []string
	}{
		{types.OrderByLogStreamName, false, []string{"a", "b", "c", "s"}},
		{types.OrderByLogStreamName, true, []string{"s", "c", "b", "a"}},
		{types.OrderByLastEventTime, false, []string{"s", "b", "a", "c"}},
		{types.OrderByLastEventTime, true, []string{"c", "a", "b", "s"}},
	} {
		for _, limit := range []int32{1, 3, 50} {
			var got []string
			for _, s := range w.streams(&cwl.DescribeLogStreamsInput{OrderBy: c.by, Descending: &c.descending, Limit: &limit}) {
				got = append(got, *s.LogStreamName)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("by %s, descending %v, limit %d: got %v", c.by, c.descending, limit, got)
			}
		}
	}
}

func TestTagsAreKept(t *testing.T) {
	t.Parallel()
	w := start(t)
	arn := w.group("g").LogGroupArn
	_, err := w.TagResource(t.Context(), &cwl.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"a": "1", "b": "2"}})
	w.must(err)
	_, err = w.TagLogGroup(t.Context(), &cwl.TagLogGroupInput{LogGroupName: aws.String("g"), Tags: map[string]string{"c": "3"}}) //nolint:staticcheck // legacy, still served
	w.must(err)
	_, err = w.UntagResource(t.Context(), &cwl.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a"}})
	w.must(err)
	out, err := w.ListTagsForResource(t.Context(), &cwl.ListTagsForResourceInput{ResourceArn: arn})
	w.must(err)
	if len(out.Tags) != 2 || out.Tags["b"] != "2" || out.Tags["c"] != "3" {
		t.Errorf("got %v", out.Tags)
	}
	_, err = w.TagResource(t.Context(), &cwl.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"aws:x": "1"}})
	refused(t, err, "InvalidParameterException", "")
}

func TestRetentionTakesOnlyAllowedDays(t *testing.T) {
	t.Parallel()
	w := start(t)
	for days, ok := range map[int32]bool{3: true, 4: false, 3653: true, 0: false} {
		_, err := w.PutRetentionPolicy(t.Context(), &cwl.PutRetentionPolicyInput{LogGroupName: aws.String("g"), RetentionInDays: &days})
		if ok {
			w.must(err)
			if got := w.group("g").RetentionInDays; *got != days {
				t.Errorf("got %d, want %d", *got, days)
			}
		} else {
			refused(t, err, "InvalidParameterException", "")
		}
	}
	_, err := w.DeleteRetentionPolicy(t.Context(), &cwl.DeleteRetentionPolicyInput{LogGroupName: aws.String("g")})
	w.must(err)
	if got := w.group("g").RetentionInDays; got != nil {
		t.Errorf("got %d", *got)
	}
}

func (w *world) group(name string) types.LogGroup {
	w.Helper()
	out, err := w.DescribeLogGroups(w.Context(), &cwl.DescribeLogGroupsInput{LogGroupNamePrefix: &name})
	w.must(err)
	if len(out.LogGroups) == 0 {
		w.Fatalf("there is no group %s", name)
	}
	return out.LogGroups[0]
}

func (w *world) streams(in *cwl.DescribeLogStreamsInput) (all []types.LogStream) {
	w.Helper()
	in.LogGroupName = aws.String("g")
	for pages := cwl.NewDescribeLogStreamsPaginator(w.Client, in); pages.HasMorePages(); {
		page, err := pages.NextPage(w.Context())
		w.must(err)
		all = append(all, page.LogStreams...)
	}
	return all
}
