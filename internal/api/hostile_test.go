package api

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// Two tags that policies cannot tell apart are no tag, whichever a map gives first.
func TestTagsThatDifferInCaseAloneMatchNothing(t *testing.T) {
	t.Parallel()
	k, v, shouted, other := "team", "red", "TEAM", "blue"
	f := &facts{
		caller: session(), identity: &Identity{},
		in:       &kms.CreateKeyInput{Tags: []types.Tag{{TagKey: &k, TagValue: &v}, {TagKey: &shouted, TagValue: &other}}},
		resource: &Resource{Tags: map[string]string{k: v, shouted: other}},
	}
	for range 20 {
		for _, name := range []string{"aws:requesttag/team", "aws:resourcetag/team", "kms:resourcetag/team"} {
			if got, ok := f.Lookup(name); ok {
				t.Fatalf("%s is %v", name, got)
			}
		}
	}
}

func TestSessionsOfAFunctionTellTheFunction(t *testing.T) {
	t.Parallel()
	c := session()
	f := &facts{caller: c, identity: &Identity{}, resource: &Resource{}}
	if got, ok := f.Lookup("lambda:sourcefunctionarn"); ok {
		t.Errorf("a session of nobody's function has %v", got)
	}
	c.Session.Source = "arn:aws:lambda:us-east-1:111122223333:function:f"
	if got, _ := f.Lookup("lambda:sourcefunctionarn"); len(got) != 1 || got[0] != c.Session.Source {
		t.Errorf("got %v", got)
	}
	c.Session.Source = "arn:aws:events:us-east-1:111122223333:rule/r"
	if got, ok := f.Lookup("lambda:sourcefunctionarn"); ok {
		t.Errorf("a session of a rule has %v", got)
	}
}

func TestPrincipalsHaveTheirUniqueID(t *testing.T) {
	t.Parallel()
	if got := session().Principal.ID; got != "AROAX" {
		t.Errorf("the role behind a session is %q", got)
	}
	federated := &Session{Kind: FederatedUser, ARN: "arn:aws:sts::111122223333:federated-user/guest", ID: "111122223333:guest", IssuerID: "AIDAX"}
	if got := federated.Caller().Principal.ID; got != "AIDAX" {
		t.Errorf("the user behind a federated user is %q", got)
	}
}

// A message with what the caller sent in it must not fill the trail.
func TestRecordKeepsAKilobyteOfAMessage(t *testing.T) {
	t.Parallel()
	var ev Event
	ev.setError(Errorf("ValidationException", "%s", strings.Repeat("é", 4096)))
	if len(ev.ErrorMessage) > maxMessage || strings.Trim(ev.ErrorMessage, "é") != "" {
		t.Errorf("got %d bytes", len(ev.ErrorMessage))
	}
}
