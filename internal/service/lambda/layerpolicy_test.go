package lambda_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// permit adds a statement to the policy of version 1 of a layer.
func (w *world) permit(layer, sid, principal string, change ...func(*lambda.AddLayerVersionPermissionInput)) (*lambda.AddLayerVersionPermissionOutput, error) {
	in := &lambda.AddLayerVersionPermissionInput{
		LayerName: &layer, VersionNumber: aws.Int64(1), StatementId: &sid, Action: aws.String("lambda:GetLayerVersion"), Principal: &principal,
	}
	for _, fn := range change {
		fn(in)
	}
	return w.lambda.AddLayerVersionPermission(w.ctx, in)
}

func TestLayerPolicyIsThatOfAWS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arn := w.layer("l", files{"x": "x"})
	get := &lambda.GetLayerVersionPolicyInput{LayerName: aws.String("l"), VersionNumber: aws.Int64(1)}
	_, err := w.lambda.GetLayerVersionPolicy(w.ctx, get)
	wantError(t, err, "ResourceNotFoundException", "No policy is associated with the given resource.")
	one, err := w.permit("l", "one", "111122223333")
	w.must(err)
	first := `{"Sid":"one","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"lambda:GetLayerVersion","Resource":"` + arn + `"}`
	if *one.Statement != first {
		t.Errorf("got %s", *one.Statement)
	}
	two, err := w.permit("l", "two", "*", func(in *lambda.AddLayerVersionPermissionInput) {
		in.OrganizationId, in.RevisionId = aws.String("o-t194hfs8cz"), one.RevisionId
	})
	w.must(err)
	second := `{"Sid":"two","Effect":"Allow","Principal":"*","Action":"lambda:GetLayerVersion","Resource":"` + arn + `","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-t194hfs8cz"}}}`
	if *two.Statement != second {
		t.Errorf("got %s", *two.Statement)
	}
	got, err := w.lambda.GetLayerVersionPolicy(w.ctx, get)
	w.must(err)
	if want := `{"Version":"2012-10-17","Id":"default","Statement":[` + first + `,` + second + `]}`; *got.Policy != want || *got.RevisionId != *two.RevisionId {
		t.Errorf("got %s, revision %s", *got.Policy, *got.RevisionId)
	}
	for _, sid := range []string{"one", "two"} {
		_, err := w.lambda.RemoveLayerVersionPermission(w.ctx, &lambda.RemoveLayerVersionPermissionInput{LayerName: aws.String("l"), VersionNumber: aws.Int64(1), StatementId: &sid})
		w.must(err)
	}
	_, err = w.lambda.GetLayerVersionPolicy(w.ctx, get)
	wantError(t, err, "ResourceNotFoundException", "No policy is associated with the given resource.")
}

func TestRefusedLayerPermissions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arn := w.layer("l", files{"x": "x"})
	_, err := w.permit("l", "taken", "*")
	w.must(err)
	add := func(change func(*lambda.AddLayerVersionPermissionInput)) error {
		_, err := w.permit("l", "new", "*", change)
		return err
	}
	remove := func(layer, sid, revision string) error {
		_, err := w.lambda.RemoveLayerVersionPermission(w.ctx, &lambda.RemoveLayerVersionPermissionInput{
			LayerName: &layer, VersionNumber: aws.Int64(1), StatementId: &sid, RevisionId: &revision,
		})
		return err
	}
	const stale = "The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to retrieve the latest Revision Id"
	base := arn[:len(arn)-len("l:1")]
	_, noLayer := w.lambda.GetLayerVersionPolicy(w.ctx, &lambda.GetLayerVersionPolicyInput{LayerName: aws.String("other"), VersionNumber: aws.Int64(1)})
	for name, c := range map[string]struct {
		err           error
		code, message string
	}{
		"taken id": {add(func(in *lambda.AddLayerVersionPermissionInput) { in.StatementId = aws.String("taken") }), "ResourceConflictException",
			"The statement id (taken) provided already exists. Please provide a new statement id, or remove the existing statement."},
		"action": {add(func(in *lambda.AddLayerVersionPermissionInput) { in.Action = aws.String("*") }), "ValidationException",
			"1 validation error detected: Value '*' at 'action' failed to satisfy constraint: Member must satisfy regular expression pattern: lambda:GetLayerVersion"},
		"principal": {add(func(in *lambda.AddLayerVersionPermissionInput) {
			in.Principal = aws.String("arn:aws:iam::111122223333:user/u")
		}), "ValidationException", "at 'principal'"},
		"old revision":    {add(func(in *lambda.AddLayerVersionPermissionInput) { in.RevisionId = aws.String("old") }), "PreconditionFailedException", stale},
		"no version":      {add(func(in *lambda.AddLayerVersionPermissionInput) { in.VersionNumber = aws.Int64(2) }), "ResourceNotFoundException", "Layer version " + base + "l:2 does not exist."},
		"no layer to add": {add(func(in *lambda.AddLayerVersionPermissionInput) { in.LayerName = aws.String("other") }), "ResourceNotFoundException", "Layer version " + base + "other:1 does not exist."},
		"no policy of":    {noLayer, "ResourceNotFoundException", "Layer version " + base + "other:1 does not exist."},
		"no statement":    {remove("l", "none", ""), "ResourceNotFoundException", "Statement none is not found in resource policy."},
		"no layer":        {remove("other", "taken", ""), "ResourceNotFoundException", "Layer version " + base + "other:1 does not exist."},
		"old removal":     {remove("l", "taken", "old"), "PreconditionFailedException", stale},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, c.err, c.code, c.message) })
	}
}

func TestLayerIsForOtherAccountsOnlyByItsPolicy(t *testing.T) {
	t.Parallel()
	owner := newWorld(t)
	user := owner.neighbour()
	arn := owner.layer("l", files{"x": "x"})
	role := user.role("r", mayLog)
	read := func() error {
		_, err := user.lambda.GetLayerVersionByArn(user.ctx, &lambda.GetLayerVersionByArnInput{Arn: &arn})
		return err
	}
	n := 0
	deploy := func() error {
		in := provided(t)
		n++
		in.FunctionName, in.Role, in.Layers = aws.String("f"+string(rune('0'+n))), &role, []string{arn}
		_, err := user.lambda.CreateFunction(user.ctx, in)
		return err
	}
	denied := func() {
		t.Helper()
		for _, err := range []error{read(), deploy()} {
			wantError(t, err, "AccessDeniedException", "is not authorized to perform: lambda:GetLayerVersion on resource: "+arn+
				" because no resource-based policy allows the lambda:GetLayerVersion action")
		}
	}
	allowed := func() {
		t.Helper()
		for _, err := range []error{read(), deploy()} {
			user.must(err)
		}
	}
	remove := func(sid string) {
		t.Helper()
		_, err := owner.lambda.RemoveLayerVersionPermission(owner.ctx, &lambda.RemoveLayerVersionPermissionInput{LayerName: aws.String("l"), VersionNumber: aws.Int64(1), StatementId: &sid})
		owner.must(err)
	}
	denied()
	for _, principal := range []string{user.account, "arn:aws:iam::" + user.account + ":root", "*"} {
		_, err := owner.permit("l", "s", principal)
		owner.must(err)
		allowed()
		remove("s")
		denied()
	}
	_, err := owner.permit("l", "s", "111122223333")
	owner.must(err)
	denied()
	_, err = owner.permit("l", "org", "*", func(in *lambda.AddLayerVersionPermissionInput) { in.OrganizationId = aws.String("o-0123456789") })
	owner.must(err)
	denied() // it is not of that organization
	base := arn[:len(arn)-len(":1")]
	_, err = user.lambda.ListLayerVersions(user.ctx, &lambda.ListLayerVersionsInput{LayerName: &base})
	wantError(t, err, "AccessDeniedException", "lambda:ListLayerVersions")
	_, err = user.lambda.DeleteLayerVersion(user.ctx, &lambda.DeleteLayerVersionInput{LayerName: &base, VersionNumber: aws.Int64(1)})
	wantError(t, err, "AccessDeniedException", "lambda:DeleteLayerVersion")
	_, err = user.permit(base, "mine", user.account)
	wantError(t, err, "AccessDeniedException", "lambda:AddLayerVersionPermission")
}
