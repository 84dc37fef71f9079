package sts

import "redoubt/internal/api"

// Operations lists what can be called, and what each call needs.
func (s *Service) Operations() []api.Operation {
	role, federated := api.On(s.role), api.On(s.federatedUser)
	assumed := role("RoleArn").With(assumeKeys)
	return []api.Operation{
		api.Op(s.AssumeRole, assumed,
			assumed.For("sts:TagSession").WhenCalled(tagsRole),
			assumed.For("sts:SetSourceIdentity").WhenCalled(setsSourceIdentity)).Reads().Answers(),
		api.Op(s.AssumeRoleWithWebIdentity, role("RoleArn"),
			role("RoleArn").For("sts:TagSession").WhenCalled(tagsWebIdentity),
			role("RoleArn").For("sts:SetSourceIdentity").WhenCalled(setsWebSourceIdentity)).By(s.webIdentity).Unsigned().Reads().Answers(),
		api.Op(s.DecodeAuthorizationMessage, api.Anything).Reads(),
		api.Op(s.GetAccessKeyInfo, api.Anything),
		api.Op(s.GetCallerIdentity, api.Authenticated),
		api.Op(s.GetFederationToken, federated("Name"),
			federated("Name").For("sts:TagSession").When(tagsFederated)).Answers(),
		api.Op(s.GetSessionToken, api.Authenticated).Answers(),
	}
}
