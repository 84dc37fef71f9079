package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/policy"
)

// maxPolicy is what the policy of a function may take (gettingstarted-limits).
const maxPolicy = 20 << 10

// A Statement of a resource policy, as AddPermission makes it.
type Statement struct {
	Sid, Action, Resource string
	Service               string // the principal is one of Service, AWS, or everybody if both are empty
	AWS                   string
	ID                    string // the unique id of the user or role that AWS names
	Conditions            []Condition
}

// Condition is one operator with its one key.
type Condition struct{ Operator, Key, Value string }

// MarshalJSON writes the statement with its members in Lambda's order. A user or role is meant by its unique id, so that
// one that is made later under the same name is not.
func (s Statement) MarshalJSON() ([]byte, error) {
	var who any = "*"
	switch {
	case s.Service != "":
		who = map[string]string{"Service": s.Service}
	case s.ID != "":
		who = map[string]string{"AWS": s.ID}
	case s.AWS != "":
		who = map[string]string{"AWS": s.AWS}
	}
	conditions := map[string]map[string]string{}
	for _, c := range s.Conditions {
		if conditions[c.Operator] == nil {
			conditions[c.Operator] = map[string]string{}
		}
		conditions[c.Operator][c.Key] = c.Value
	}
	return json.Marshal(struct {
		Sid       string
		Effect    string
		Principal any
		Action    string
		Resource  string
		Condition map[string]map[string]string `json:",omitempty"`
	}{s.Sid, "Allow", who, s.Action, s.Resource, conditions})
}

// policyText is the policy as GetPolicy shows it.
func policyText(statements []Statement) (string, error) {
	text, err := json.Marshal(struct {
		Version   string
		ID        string `json:"Id"`
		Statement []Statement
	}{"2012-10-17", "default", statements})
	return string(text), err
}

// AddPermission adds a statement to the policy of the function, or of its version.
func (s *Service) AddPermission(ctx context.Context, in *lambda.AddPermissionInput) (*lambda.AddPermissionOutput, error) {
	ref, err := refer(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if ref.Qualifier == latest {
		return nil, invalid("We currently do not support adding policies for $LATEST.")
	}
	added, err := statementOf(in, ref)
	if err == nil {
		err = s.bind(ctx, &added)
	}
	if err == nil {
		err = s.checkPolicy(ctx, in)
	}
	if err != nil {
		return nil, err
	}
	err = s.changePolicy(ctx, ref, in.RevisionId, func(f *Function) error { return f.permit(ref.Qualifier, added) })
	if err != nil {
		return nil, err
	}
	added.ID = ""
	text, err := json.Marshal(added)
	return &lambda.AddPermissionOutput{Statement: aws.String(string(text))}, err
}

// bind finds the unique id of the user or role that a statement names. Whoever else it names must exist as well; accounts
// are taken as they are.
func (s *Service) bind(ctx context.Context, to *Statement) error {
	if to.AWS == "" || strings.HasSuffix(to.AWS, ":root") {
		return nil
	}
	id, ok, err := s.deps.API.Finder(ctx)(to.AWS)
	if err == nil && !ok {
		err = badPrincipal()
	}
	to.ID = id
	return err
}

// checkPolicy refuses to add to a policy that names somebody who is gone: Lambda takes a policy as a whole, so that
// statement must be removed first.
// https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1189
func (s *Service) checkPolicy(ctx context.Context, in *lambda.AddPermissionInput) error {
	ref, err := refer(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return err
	}
	f, _, err := s.policyOwner(ctx, ref)
	if err != nil {
		return err
	}
	shown, err := s.shown(ctx, f.Statements[ref.Qualifier])
	if err == nil && slices.ContainsFunc(shown, func(st Statement) bool { return st.ID != "" }) {
		err = badPrincipal()
	}
	return err
}

func badPrincipal() error {
	return invalid("The provided principal was invalid. Please check the principal and try again.")
}

// shown has living users and roles by their ARNs. Who is gone keeps the unique id that nobody will ever have again.
func (s *Service) shown(ctx context.Context, statements []Statement) ([]Statement, error) {
	shown := slices.Clone(statements)
	for i := range shown {
		st := &shown[i]
		if st.ID == "" {
			continue
		}
		now, _, err := s.deps.API.Finder(ctx)(st.AWS)
		if err != nil {
			return nil, err
		}
		if now == st.ID {
			st.ID = ""
		}
	}
	return shown, nil
}

func (f *Function) permit(qualifier string, added Statement) error {
	statements := f.Statements[qualifier]
	if slices.ContainsFunc(statements, func(s Statement) bool { return s.Sid == added.Sid }) {
		return conflict("The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", added.Sid)
	}
	statements = append(statements, added)
	text, err := policyText(statements)
	if err != nil {
		return err
	}
	if len(text) > maxPolicy {
		return &types.PolicyLengthExceededException{Type: aws.String(user), Message: aws.String(
			fmt.Sprintf("The final policy size (%d) is bigger than the limit (%d).", len(text), maxPolicy))}
	}
	if _, err := policy.Parse(text, policy.Resource); err != nil {
		return badPrincipal()
	}
	if f.Statements == nil {
		f.Statements = map[string][]Statement{}
	}
	f.Statements[qualifier] = statements
	return nil
}

var (
	accountForm   = regexp.MustCompile(`^\d{12}$`)
	principalForm = regexp.MustCompile(`^arn:[a-zA-Z-]+:(iam|sts)::\d{12}:(root|user/.+|role/.+|assumed-role/.+|federated-user/.+)$`)
	serviceForm   = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)*\.(amazonaws\.com|amazon\.com)$`)
)

func statementOf(in *lambda.AddPermissionInput, ref reference) (Statement, error) {
	s := Statement{Sid: *in.StatementId, Action: *in.Action, Resource: ref.String()}
	switch who := *in.Principal; {
	case who == "*":
	case accountForm.MatchString(who):
		s.AWS = "arn:aws:iam::" + who + ":root"
	case principalForm.MatchString(who):
		s.AWS = who
	case serviceForm.MatchString(who):
		s.Service = who
	default:
		return s, badPrincipal()
	}
	if in.FunctionUrlAuthType != "" && !strings.EqualFold(s.Action, "lambda:InvokeFunctionUrl") {
		return s, invalid("FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action")
	}
	s.when("StringEquals", "AWS:SourceAccount", in.SourceAccount)
	s.when("StringEquals", "lambda:EventSourceToken", in.EventSourceToken)
	s.when("StringEquals", "aws:PrincipalOrgID", in.PrincipalOrgID)
	s.when("StringEquals", "lambda:FunctionUrlAuthType", (*string)(&in.FunctionUrlAuthType))
	s.when("ArnLike", "AWS:SourceArn", in.SourceArn)
	if aws.ToBool(in.InvokedViaFunctionUrl) {
		s.when("Bool", "lambda:InvokedViaFunctionUrl", aws.String("true"))
	}
	return s, nil
}

// when adds a condition if it is asked for.
func (s *Statement) when(operator, key string, value *string) {
	if v := aws.ToString(value); v != "" {
		s.Conditions = append(s.Conditions, Condition{operator, key, v})
	}
}

// RemovePermission removes a statement.
func (s *Service) RemovePermission(ctx context.Context, in *lambda.RemovePermissionInput) (*lambda.RemovePermissionOutput, error) {
	ref, err := refer(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	err = s.changePolicy(ctx, ref, in.RevisionId, func(f *Function) error {
		old := f.Statements[ref.Qualifier]
		if len(old) == 0 {
			return missing("No policy is associated with the given resource.")
		}
		left := slices.DeleteFunc(slices.Clone(old), func(s Statement) bool { return s.Sid == *in.StatementId })
		if len(left) == len(old) {
			return missing("Statement %s is not found in resource policy.", *in.StatementId)
		}
		if f.Statements[ref.Qualifier] = left; len(left) == 0 {
			delete(f.Statements, ref.Qualifier)
		}
		return nil
	})
	return &lambda.RemovePermissionOutput{}, err
}

// GetPolicy returns the policy of the function, or of its version.
func (s *Service) GetPolicy(ctx context.Context, in *lambda.GetPolicyInput) (*lambda.GetPolicyOutput, error) {
	ref, err := refer(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	f, owner, err := s.policyOwner(ctx, ref)
	if err != nil {
		return nil, err
	}
	statements := f.Statements[ref.Qualifier]
	if len(statements) == 0 {
		return nil, missing("The resource you requested does not exist.")
	}
	if statements, err = s.shown(ctx, statements); err != nil {
		return nil, err
	}
	text, err := policyText(statements)
	return &lambda.GetPolicyOutput{Policy: aws.String(text), RevisionId: owner.revision}, err
}
