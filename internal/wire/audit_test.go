package wire_test

import "testing"

func TestAuditRecordsShowWhatMayBeSeen(t *testing.T) {
	s := things(t, inJSON)
	in := fullInput()
	in.Secret = ptr("hunter2")
	got := string(s.Parameters("PutThing", in))
	want := `{"choice":{"text":"t"},"count":3,"inner":{"key":"i"},"kind":"BIG","labels":{"a":"2","l":"1"},"name":"a","names":["x","y"],"on":true,` +
		`"secret":"HIDDEN_DUE_TO_SECURITY_REASONS","tags":[{"key":"k","value":"<v>"}],"when":"Jan 2, 2026 12:00:00 PM"}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := string(s.Elements("PutThing", &putThingOutput{Data: []byte("x")})); got != `{"count":0,"on":false}` {
		t.Errorf("got %s", got)
	}
}

func TestAuditRecordsOfNothing(t *testing.T) {
	s := things(t, inJSON)
	if got := s.Parameters("PutThing", &putThingInput{Data: []byte("x")}); got != nil {
		t.Errorf("got %s", got)
	}
	if got := s.Parameters("PutThing", (*putThingInput)(nil)); got != nil {
		t.Errorf("got %s", got)
	}
	if got := s.Elements("EatThing", &putThingOutput{}); got != nil {
		t.Errorf("got %s", got)
	}
	if got := s.Elements("StreamThing", &streamThingOutput{Status: ptr[int32](200)}); got != nil {
		t.Errorf("got %s", got)
	}
}
