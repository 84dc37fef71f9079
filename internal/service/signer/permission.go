package signer

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/signer"
	"github.com/aws/aws-sdk-go-v2/service/signer/types"

	"redoubt/internal/api"
	"redoubt/internal/policy"
)

// A permission lets somebody of another account use a profile.
type permission struct {
	Sid, Action string
	Principal   string // as it was given: an account or an ARN
	ID          string // the unique id of the role or user that Principal names
	Version     string // of the profile, or ""
}

// actions are those that can be given for Lambda's platform.
var actions = []string{"signer:StartSigningJob", "signer:GetSigningProfile", "signer:RevokeSignature"}

// maxPolicy is what the permissions of a profile may take. AWS does not say how much that is there.
const maxPolicy = 20 << 10

var (
	accountForm = regexp.MustCompile(`^\d{12}$`)
	entityForm  = regexp.MustCompile(`^arn:aws:iam::\d{12}:(root|(role|user)/[\w+=,.@/-]+)$`)
	sidForm     = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
)

// who is the principal in a policy. A role or user is meant by its unique id.
func (p *permission) who() string {
	switch {
	case p.ID != "":
		return p.ID
	case accountForm.MatchString(p.Principal):
		return "arn:aws:iam::" + p.Principal + ":root"
	}
	return p.Principal
}

// A statement is a permission in the language of policies.
type statement struct {
	Sid, Effect string
	Principal   map[string]string
	Action      string
	Resource    string
	Condition   map[string]map[string]string `json:",omitempty"`
}

func (p *Profile) policyText(resource string) string {
	var list []statement
	for _, x := range p.Permissions {
		st := statement{Effect: "Allow", Principal: map[string]string{"AWS": x.who()}, Action: x.Action, Resource: resource}
		if x.Version != "" {
			st.Condition = map[string]map[string]string{"StringEquals": {"signer:ProfileVersion": x.Version}}
		}
		list = append(list, st)
	}
	text, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": list}) // strings only
	return string(text)
}

// document is the policy of the profile, for a resource that it decides about; nil if it has none.
func (p *Profile) document(resource string) (*policy.Document, error) {
	if len(p.Permissions) == 0 {
		return nil, nil
	}
	return policy.Parse(p.policyText(resource), policy.Resource)
}

// AddProfilePermission implements the operation.
func (s *Service) AddProfilePermission(ctx context.Context, in *signer.AddProfilePermissionInput) (*signer.AddProfilePermissionOutput, error) {
	added, err := s.permissionOf(ctx, in)
	if err != nil {
		return nil, err
	}
	out := &signer.AddProfilePermissionOutput{}
	return out, s.change(ctx, *in.ProfileName, func(p *Profile) error {
		if err := p.permit(added, in); err != nil {
			return err
		}
		out.RevisionId = aws.String(p.Revision)
		return nil
	})
}

func (s *Service) permissionOf(ctx context.Context, in *signer.AddProfilePermissionInput) (permission, error) {
	p := permission{Sid: *in.StatementId, Action: *in.Action, Principal: *in.Principal, Version: aws.ToString(in.ProfileVersion)}
	if !slices.Contains(actions, p.Action) {
		return p, invalid("Action %s not supported for platform %s. Action must be one of [%s]", p.Action, lambdaPlatform, strings.Join(actions, ", "))
	}
	if !sidForm.MatchString(p.Sid) {
		return p, invalid("Statement id %s is not valid", p.Sid)
	}
	if accountForm.MatchString(p.Principal) {
		return p, nil
	}
	if !entityForm.MatchString(p.Principal) {
		return p, invalid("Principal %s is not valid", p.Principal)
	}
	id, ok, err := s.api.Finder(ctx)(p.Principal)
	if err == nil && !ok {
		err = invalid("Principal %s is not valid", p.Principal)
	}
	p.ID = id
	return p, err
}

func (p *Profile) permit(added permission, in *signer.AddProfilePermissionInput) error {
	if p.Status != types.SigningProfileStatusActive {
		return p.inactive()
	}
	if added.Version != "" && added.Version != p.Version {
		return notFound("Signing profile %s has no version %s", p.Place.Name, added.Version)
	}
	if r := aws.ToString(in.RevisionId); r != "" && r != p.Revision {
		return staleRevision()
	}
	if slices.ContainsFunc(p.Permissions, func(x permission) bool { return x.Sid == added.Sid }) {
		return conflict("The statement id %s already exists", added.Sid)
	}
	p.Permissions = append(p.Permissions, added)
	p.Revision = api.NewUUID()
	if len(p.policyText(p.arn())) > maxPolicy {
		return &types.ServiceLimitExceededException{Message: aws.String("The permissions of the signing profile are too large")}
	}
	return nil
}

func staleRevision() error {
	return conflict("The revision id provided does not match the current revision id of the signing profile")
}

func (p *Profile) inactive() error {
	return invalid("Signing Profile %s is not active", p.Place.Name)
}

// RemoveProfilePermission implements the operation.
func (s *Service) RemoveProfilePermission(ctx context.Context, in *signer.RemoveProfilePermissionInput) (*signer.RemoveProfilePermissionOutput, error) {
	out := &signer.RemoveProfilePermissionOutput{}
	return out, s.change(ctx, *in.ProfileName, func(p *Profile) error {
		left := slices.DeleteFunc(slices.Clone(p.Permissions), func(x permission) bool { return x.Sid == *in.StatementId })
		if len(left) == len(p.Permissions) {
			return notFound("Statement %s does not exist", *in.StatementId)
		}
		if *in.RevisionId != p.Revision {
			return staleRevision()
		}
		p.Permissions, p.Revision = left, api.NewUUID()
		out.RevisionId = aws.String(p.Revision)
		return nil
	})
}

// ListProfilePermissions implements the operation.
func (s *Service) ListProfilePermissions(ctx context.Context, in *signer.ListProfilePermissionsInput) (*signer.ListProfilePermissionsOutput, error) {
	if in.NextToken != nil {
		return nil, badToken() // there is but one page
	}
	p, err := s.find(ctx, here(ctx, nil, *in.ProfileName))
	if err != nil {
		return nil, err
	}
	if len(p.Permissions) == 0 {
		return nil, notFound("Signing profile %s has no permissions", p.Place.Name)
	}
	out := &signer.ListProfilePermissionsOutput{RevisionId: &p.Revision, PolicySizeBytes: int32(len(p.policyText(p.arn())))}
	for _, x := range p.Permissions {
		shown := types.Permission{StatementId: aws.String(x.Sid), Action: aws.String(x.Action)}
		if shown.Principal, err = s.shown(ctx, x); err != nil {
			return nil, err
		}
		if x.Version != "" {
			shown.ProfileVersion = aws.String(x.Version)
		}
		out.Permissions = append(out.Permissions, shown)
	}
	return out, nil
}

// shown is the principal as it was given. Who is gone keeps the unique id that nobody will ever have again.
func (s *Service) shown(ctx context.Context, x permission) (*string, error) {
	if x.ID == "" {
		return &x.Principal, nil
	}
	now, _, err := s.api.Finder(ctx)(x.Principal)
	if now != x.ID {
		return &x.ID, err
	}
	return &x.Principal, err
}
