package sts

import "redoubt/internal/api"

// Operations lists what can be called, and what each call needs.
func (s *Service) Operations() []api.Operation {
	role, federated := api.On(s.role), api.On(s.federatedUser)
	return []api.Operation{
		api.Op(s.AssumeRole, role("RoleArn").With(assumeKeys),
			role("RoleArn").For("sts:TagSession").With(assumeKeys).When(hasTags),
			role("RoleArn").For("sts:SetSourceIdentity").With(assumeKeys).When(hasSourceIdentity)).Reads(),
		api.Op(s.AssumeRoleWithWebIdentity, role("RoleArn").By(s.webIdentity)).Unsigned().Reads(),
		api.Op(s.DecodeAuthorizationMessage, api.Anything).Reads(),
		api.Op(s.GetAccessKeyInfo, api.Anything),
		api.Op(s.GetCallerIdentity, api.Authenticated),
		api.Op(s.GetFederationToken, federated("Name"),
			federated("Name").For("sts:TagSession").When(hasTags)),
		api.Op(s.GetSessionToken, api.Authenticated),
	}
}
