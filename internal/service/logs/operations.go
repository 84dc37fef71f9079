package logs

import "redoubt/internal/api"

// Operations implements api.Service. PutLogEvents is all that CloudTrail does not keep as a management event
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/logging_cw_api_calls_cwl.html).
func (s *Service) Operations() []api.Operation {
	group, tagged := api.On(s.groupResource), api.On(s.taggedResource)
	return []api.Operation{
		api.Op(s.AssociateKmsKey, api.Of(s.associates)),
		api.Op(s.CreateLogGroup, group("LogGroupName"),
			api.On(s.namedResource)("LogGroupName").For("logs:TagResource").When(bringsTags)),
		api.Op(s.CreateLogStream, api.Of(s.createsStream)),
		api.Op(s.DeleteLogGroup, group("LogGroupName")),
		api.Op(s.DeleteLogStream, api.Of(s.deletesStream)),
		api.Op(s.DeleteRetentionPolicy, group("LogGroupName")),
		api.Op(s.DescribeLogGroups, api.Of(s.describesGroups)),
		api.Op(s.DescribeLogStreams, api.Of(s.describesStreams)),
		api.Op(s.DisassociateKmsKey, api.Of(s.disassociates)),
		api.Op(s.FilterLogEvents, api.Of(s.filters),
			api.Of(s.filters).For("logs:Unmask").When(unmasks)),
		api.Op(s.GetLogEvents, api.Of(s.gets),
			api.Of(s.gets).For("logs:Unmask").When(unmasks)),
		api.Op(s.ListTagsForResource, tagged("ResourceArn")),
		api.Op(s.ListTagsLogGroup, group("LogGroupName")),
		api.Op(s.PutLogEvents, api.Of(s.puts)).Data(),
		api.Op(s.PutLogGroupDeletionProtection, group("LogGroupIdentifier")),
		api.Op(s.PutRetentionPolicy, group("LogGroupName")),
		api.Op(s.TagLogGroup, group("LogGroupName")),
		api.Op(s.TagResource, tagged("ResourceArn")),
		api.Op(s.UntagLogGroup, group("LogGroupName")),
		api.Op(s.UntagResource, tagged("ResourceArn")),
	}
}
