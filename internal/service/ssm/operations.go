package ssm

import "redoubt/internal/api"

// Operations implements api.Service.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html
func (s *Service) Operations() []api.Operation {
	// Some operations take ARNs and selectors, some take names only (API reference, Name).
	read, named := api.On(s.selected), api.On(s.named)
	tagged := api.Of(s.tagging)
	return []api.Operation{
		api.Op(s.AddTagsToResource, tagged),
		api.Op(s.DeleteParameter, named("Name")),
		api.Op(s.DeleteParameters, named("Names")),
		api.Op(s.DescribeParameters, api.Of(described)),
		api.Op(s.GetParameter, read("Name")),
		api.Op(s.GetParameterHistory, read("Name")),
		api.Op(s.GetParameters, read("Names")),
		api.Op(s.GetParametersByPath, api.Of(path).With(pathFacts)),
		api.Op(s.LabelParameterVersion, named("Name")),
		api.Op(s.ListTagsForResource, api.Of(s.listing)),
		api.Op(s.PutParameter, named("Name").With(putFacts), named("Name").For("ssm:AddTagsToResource").When(bringsTags)),
		api.Op(s.RemoveTagsFromResource, api.Of(s.untagging)),
		api.Op(s.UnlabelParameterVersion, named("Name")),
	}
}
