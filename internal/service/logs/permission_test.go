package logs_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"redoubt/redoubttest"
)

// user makes a user who may do what a policy says.
func (w *world) user(policy string) *world {
	w.Helper()
	c := iam.NewFromConfig(w.Config)
	_, err := c.CreateUser(w.Context(), &iam.CreateUserInput{UserName: aws.String("u")})
	w.must(err)
	_, err = c.PutUserPolicy(w.Context(), &iam.PutUserPolicyInput{UserName: aws.String("u"), PolicyName: aws.String("p"), PolicyDocument: &policy})
	w.must(err)
	k, err := c.CreateAccessKey(w.Context(), &iam.CreateAccessKeyInput{UserName: aws.String("u")})
	w.must(err)
	cfg := redoubttest.With(w.Config, *k.AccessKey.AccessKeyId, *k.AccessKey.SecretAccessKey, "")
	return &world{w.TB, cwl.NewFromConfig(cfg), cfg}
}

func TestPoliciesNameGroupsWithAStarAndStreams(t *testing.T) {
	t.Parallel()
	w, from := start(t), base()
	arn := *w.group("g").LogGroupArn
	u := w.user(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"logs:PutLogEvents","Resource":"` + arn + `:log-stream:s"},
		{"Effect":"Allow","Action":"logs:DescribeLogStreams","Resource":"` + arn + `:*"},
		{"Effect":"Allow","Action":"logs:FilterLogEvents","Resource":"` + arn + `"},
		{"Effect":"Allow","Action":"logs:ListTagsForResource","Resource":"` + arn + `"}]}`)
	u.put("g", "s", from, line{0, "a"})
	u.streams(&cwl.DescribeLogStreamsInput{})
	_, err := u.ListTagsForResource(t.Context(), &cwl.ListTagsForResourceInput{ResourceArn: &arn})
	u.must(err)
	_, err = u.tryPut("g", "missing", from, line{0, "a"})
	refused(t, err, "AccessDeniedException", "")
	_, err = u.FilterLogEvents(t.Context(), &cwl.FilterLogEventsInput{LogGroupName: aws.String("g")})
	refused(t, err, "AccessDeniedException", "")
	if !strings.Contains(err.Error(), "logs:FilterLogEvents on resource: "+arn+":log-stream: because") {
		t.Errorf("got %v", err)
	}
	_, err = u.DescribeLogGroups(t.Context(), &cwl.DescribeLogGroupsInput{})
	refused(t, err, "AccessDeniedException", "")
}

func TestGroupsOfOtherAccountsAreDenied(t *testing.T) {
	t.Parallel()
	w, other := start(t), start(t)
	_, err := other.GetLogEvents(t.Context(), &cwl.GetLogEventsInput{LogGroupIdentifier: w.group("g").LogGroupArn, LogStreamName: aws.String("s")})
	refused(t, err, "AccessDeniedException", "")
}

func TestIdentifiersMayBeARNs(t *testing.T) {
	t.Parallel()
	w, from := start(t), base()
	w.put("g", "s", from, line{0, "a"})
	if got := w.get(&cwl.GetLogEventsInput{LogGroupIdentifier: w.group("g").LogGroupArn}).Events; len(got) != 1 {
		t.Errorf("got %v", got)
	}
	_, err := w.FilterLogEvents(t.Context(), &cwl.FilterLogEventsInput{LogGroupName: aws.String("g"), LogGroupIdentifier: aws.String("g")})
	refused(t, err, "InvalidParameterException", "")
}
