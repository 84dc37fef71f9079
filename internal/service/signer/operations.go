package signer

import "redoubt/internal/api"

// Operations implements api.Service.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssigner.html
func (s *Service) Operations() []api.Operation {
	profile, tagged := api.On(s.profile), api.On(s.tagged)
	return []api.Operation{
		api.Op(s.AddProfilePermission, profile("ProfileName")),
		api.Op(s.CancelSigningProfile, profile("ProfileName")),
		api.Op(s.DescribeSigningJob, api.On(s.job)("JobId")),
		api.Op(s.GetRevocationStatus, api.On(asked)("JobArn"), api.On(asked)("ProfileVersionArn")),
		api.Op(s.GetSigningPlatform, api.Anything),
		api.Op(s.GetSigningProfile, api.Of(s.gotten)),
		api.Op(s.ListProfilePermissions, profile("ProfileName")),
		api.Op(s.ListSigningJobs, api.Anything),
		api.Op(s.ListSigningPlatforms, api.Anything),
		api.Op(s.ListSigningProfiles, api.Anything),
		api.Op(s.ListTagsForResource, tagged("ResourceArn")),
		api.Op(s.PutSigningProfile, api.Anything),
		api.Op(s.RemoveProfilePermission, profile("ProfileName")),
		api.Op(s.RevokeSignature, api.Of(s.revokedJob)),
		api.Op(s.RevokeSigningProfile, profile("ProfileName")),
		api.Op(s.StartSigningJob, api.Of(s.signsWith)),
		api.Op(s.TagResource, tagged("ResourceArn")),
		api.Op(s.UntagResource, tagged("ResourceArn")),
	}
}
