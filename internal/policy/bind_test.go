package policy_test

import (
	"errors"
	"testing"

	"redoubt/internal/policy"
)

// living is a finder that knows some principals and their unique IDs.
func living(ids map[string]string) policy.Finder {
	return func(principal string) (string, bool, error) {
		id, ok := ids[principal]
		return id, ok, nil
	}
}

const guest = "arn:aws:sts::111111111111:federated-user/guest"

func TestBoundDocumentsMeanUniqueIDs(t *testing.T) {
	text := `{"Statement":[{"Effect":"Allow","Principal":{"AWS":["` + alice.ARN + `","` + role.Role + `","arn:aws:iam::111111111111:root"]},` + anything + `}]}`
	doc := policy.MustParse(text, policy.Resource)
	bound, err := doc.Bind(living(map[string]string{alice.ARN: alice.ID, role.Role: role.ID, "arn:aws:iam::111111111111:root": ""}))
	if err != nil || len(bound) != 2 {
		t.Fatalf("bound to %v, %v", bound, err)
	}
	same := doc.Bound(bound)
	for who, want := range map[*policy.Principal]policy.Effect{
		&alice: policy.Allowed, &role: policy.Allowed,
		{ARN: alice.ARN, Account: alice.Account, ID: "AIDAANOTHERALICE0000"}:                policy.ImplicitDeny,
		{ARN: role.ARN, Role: role.Role, Account: role.Account, ID: "AROAANOTHERROLE00000"}: policy.ImplicitDeny,
		{ARN: guest, User: alice.ARN, Account: alice.Account, ID: alice.ID}:                 policy.ImplicitDeny, // the user is named, not the guest
		{ARN: alice.ARN, Account: alice.Account}:                                            policy.ImplicitDeny,
	} {
		req := &policy.Request{Principal: *who, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/o"}
		if got := policy.Evaluate(req, &policy.Set{Resource: same, MustDelegate: true}).Effect; got != want {
			t.Errorf("%+v: %v, want %v", *who, got, want)
		}
	}
	if same.Text() != text {
		t.Errorf("text is %s", same.Text())
	}
}

func TestWhoIsGoneIsShownByItsID(t *testing.T) {
	text := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + alice.ARN + `"},"Action":"*","Resource":"<>","Condition":{"NumericEquals":{"a:b":12345678901234567890}}}}`
	bound := policy.Bindings{alice.ARN: alice.ID}
	shown, err := bound.Show(text, living(bound))
	if err != nil || shown != text {
		t.Errorf("got %s, %v", shown, err)
	}
	want := `{"Statement":{"Action":"*","Condition":{"NumericEquals":{"a:b":12345678901234567890}},"Effect":"Allow","Principal":{"AWS":["` + alice.ID + `"]},"Resource":"<>"},"Version":"2012-10-17"}`
	for _, now := range []map[string]string{nil, {alice.ARN: "AIDAANOTHERALICE0000"}} {
		if shown, err = bound.Show(text, living(now)); err != nil || shown != want {
			t.Errorf("got %s, %v", shown, err)
		}
	}
}

func TestDocumentsNameNobodyWhoDoesNotExist(t *testing.T) {
	doc := policy.MustParse(`{"Statement":[{"Effect":"Allow","Principal":"*",`+anything+`},{"Effect":"Deny","NotPrincipal":{"AWS":"`+alice.ARN+`"},`+anything+`}]}`, policy.Resource)
	_, err := doc.Bind(living(nil))
	var none *policy.Unbound
	if !errors.As(err, &none) || none.Principal != alice.ARN || err.Error() != "no such principal: "+alice.ARN {
		t.Errorf("got %v", err)
	}
}

func TestWhatCannotBeFoundOutIsAnError(t *testing.T) {
	fault := errors.New("fault")
	broken := func(string) (string, bool, error) { return "", false, fault }
	doc := policy.MustParse(`{"Statement":[{"Effect":"Allow","Principal":{"AWS":"`+alice.ARN+`"},`+anything+`}]}`, policy.Resource)
	if _, err := doc.Bind(broken); !errors.Is(err, fault) {
		t.Errorf("binding: %v", err)
	}
	bound := policy.Bindings{alice.ARN: alice.ID}
	if _, err := bound.Gone(broken); !errors.Is(err, fault) {
		t.Errorf("looking for who is gone: %v", err)
	}
	if text, err := bound.Show("{}", broken); !errors.Is(err, fault) || text != "{}" {
		t.Errorf("showing: %s, %v", text, err)
	}
	if _, err := bound.Show("no document", living(nil)); err == nil {
		t.Error("what is no document was shown")
	}
	list := `{"Statement":[{"Principal":{"AWS":["` + alice.ARN + `","*"]}}]}`
	if text, err := bound.Show(list, living(nil)); err != nil || text != `{"Statement":[{"Principal":{"AWS":["`+alice.ID+`","*"]}}]}` {
		t.Errorf("showing: %s, %v", text, err)
	}
	if same := doc.Bound(nil); same != doc {
		t.Error("nothing to bind made another document")
	}
}
