package logs_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
)

// A refused call is recorded, but not what it wanted to log.
func TestRecordsDoNotShowWhatIsLogged(t *testing.T) {
	t.Parallel()
	w, from := start(t), base()
	u := w.user(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"logs:*","Resource":"*"}]}`)
	_, err := u.tryPut("g", "s", from, line{0, "the secret word"})
	refused(t, err, "AccessDeniedException", "")
	out, err := cloudtrail.NewFromConfig(w.Config).LookupEvents(t.Context(), &cloudtrail.LookupEventsInput{
		LookupAttributes: []types.LookupAttribute{{AttributeKey: types.LookupAttributeKeyEventName, AttributeValue: aws.String("PutLogEvents")}},
	})
	w.must(err)
	if len(out.Events) != 1 {
		t.Fatalf("got %d events, want 1", len(out.Events))
	}
	if record := *out.Events[0].CloudTrailEvent; strings.Contains(record, "secret") || !strings.Contains(record, `"logGroupName":"g"`) {
		t.Errorf("the record is %s", record)
	}
}
