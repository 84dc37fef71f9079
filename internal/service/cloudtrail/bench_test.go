package cloudtrail

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"redoubt/internal/api"
	"redoubt/internal/policy"
	"redoubt/internal/store"
)

// BenchmarkLookupOfARareName looks through a page's worth of events that do not match.
func BenchmarkLookupOfARareName(b *testing.B) {
	s := open(b, Config{})
	ctx := store.Deferred(b.Context())
	now := time.Now()
	for i := range maxLooked {
		must(b, s.Record(ctx, &api.Event{
			ID: fmt.Sprint(i), Time: now.Add(time.Duration(i)), Name: "Common", Account: account, Region: region, Source: "kms.amazonaws.com",
			UserAgent: "a client with a name of some length", Parameters: []byte(`{"keyId":"0a0a0a0a-0000-4000-8000-000000000000"}`),
		}))
	}
	must(b, s.db.Sync(ctx))
	caller := api.WithCaller(b.Context(), &api.Caller{Account: account, Region: region, Principal: policy.Principal{Anonymous: true}})
	in := &cloudtrail.LookupEventsInput{LookupAttributes: []types.LookupAttribute{{AttributeKey: types.LookupAttributeKeyEventName, AttributeValue: aws.String("Rare")}}}
	for b.Loop() {
		_, err := s.LookupEvents(caller, in)
		must(b, err)
	}
}
