package logs

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

const groupType, streamType = "AWS::Logs::LogGroup", "AWS::Logs::LogStream"

// groupResource resolves what is done to a group as a whole. AWS asks policies about its streams then, without naming one, which
// is why policies need the ARN that ends in :*, as measured in its refusals ("on resource: ...:log-group:g:log-stream:").
func (s *Service) groupResource(ctx context.Context, identifier string) (api.Resource, error) {
	return s.resource(ctx, identified(ctx, identifier), ":log-stream:", groupType)
}

// namedResource resolves a group by the ARN without :*, as permissions to tag take it
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html).
func (s *Service) namedResource(ctx context.Context, name string) (api.Resource, error) {
	return s.resource(ctx, own(ctx, name), "", groupType)
}

func (s *Service) taggedResource(ctx context.Context, arn string) (api.Resource, error) {
	r := identified(ctx, arn)
	if r.name == "" { // another kind of resource, which has no tags here
		return api.Resource{ARN: arn, Type: groupType}, nil
	}
	return s.resource(ctx, r, "", groupType)
}

func (s *Service) streamResource(ctx context.Context, r reference, stream *string) (api.Resource, error) {
	return s.resource(ctx, r, ":log-stream:"+aws.ToString(stream), streamType)
}

// resource has the tags of the group, of which streams have none of their own.
func (s *Service) resource(ctx context.Context, r reference, suffix, kind string) (api.Resource, error) {
	res := api.Resource{ARN: r.arn() + suffix, Type: kind, Account: r.account}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		g, _, err := s.groups.Get(tx, r.account, r.region, r.name)
		res.Tags = g.Tags
		return err
	})
	return res, err
}

func (s *Service) createsStream(ctx context.Context, in *cloudwatchlogs.CreateLogStreamInput) (api.Resource, error) {
	return s.streamResource(ctx, own(ctx, aws.ToString(in.LogGroupName)), in.LogStreamName)
}

func (s *Service) deletesStream(ctx context.Context, in *cloudwatchlogs.DeleteLogStreamInput) (api.Resource, error) {
	return s.streamResource(ctx, own(ctx, aws.ToString(in.LogGroupName)), in.LogStreamName)
}

func (s *Service) puts(ctx context.Context, in *cloudwatchlogs.PutLogEventsInput) (api.Resource, error) {
	return s.streamResource(ctx, own(ctx, aws.ToString(in.LogGroupName)), in.LogStreamName)
}

func (s *Service) gets(ctx context.Context, in *cloudwatchlogs.GetLogEventsInput) (api.Resource, error) {
	return s.streamResource(ctx, either(ctx, in.LogGroupName, in.LogGroupIdentifier), in.LogStreamName)
}

func (s *Service) filters(ctx context.Context, in *cloudwatchlogs.FilterLogEventsInput) (api.Resource, error) {
	return s.eitherResource(ctx, in.LogGroupName, in.LogGroupIdentifier)
}

func (s *Service) describesStreams(ctx context.Context, in *cloudwatchlogs.DescribeLogStreamsInput) (api.Resource, error) {
	return s.eitherResource(ctx, in.LogGroupName, in.LogGroupIdentifier)
}

func (s *Service) associates(ctx context.Context, in *cloudwatchlogs.AssociateKmsKeyInput) (api.Resource, error) {
	return s.eitherResource(ctx, in.LogGroupName, in.ResourceIdentifier)
}

func (s *Service) disassociates(ctx context.Context, in *cloudwatchlogs.DisassociateKmsKeyInput) (api.Resource, error) {
	return s.eitherResource(ctx, in.LogGroupName, in.ResourceIdentifier)
}

func (s *Service) eitherResource(ctx context.Context, name, identifier *string) (api.Resource, error) {
	if identifier != nil && strings.HasPrefix(*identifier, "arn:") && identified(ctx, *identifier).name == "" {
		return api.Resource{ARN: *identifier}, nil // such as arn:aws:logs:us-east-1:111122223333:query-result:*
	}
	return s.resource(ctx, either(ctx, name, identifier), ":log-stream:", groupType)
}

// describesGroups resolves the listing of groups, which AWS asks policies about as that of a group without a name.
func (s *Service) describesGroups(ctx context.Context, _ *cloudwatchlogs.DescribeLogGroupsInput) (api.Resource, error) {
	r := own(ctx, "")
	return api.Resource{ARN: r.arn() + ":log-stream:", Type: groupType, Account: r.account}, nil
}

func bringsTags(in any) bool { return len(in.(*cloudwatchlogs.CreateLogGroupInput).Tags) > 0 }

// unmasks tells whether masked data is asked for in the clear. There are no data protection policies yet, so nothing is
// masked; the permission is needed all the same.
func unmasks(in any) bool {
	switch in := in.(type) {
	case *cloudwatchlogs.GetLogEventsInput:
		return in.Unmask
	case *cloudwatchlogs.FilterLogEventsInput:
		return in.Unmask
	}
	return false
}
