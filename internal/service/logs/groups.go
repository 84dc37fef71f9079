package logs

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

const (
	maxDescribed   = 50     // API_DescribeLogGroups, limit, and API_DescribeLogStreams
	maxGroupLooked = 20_000 // groups that one call looks at; a page may be short, with a token to go on
)

// DescribeLogGroups implements the operation of CloudWatch Logs.
func (s *Service) DescribeLogGroups(ctx context.Context, in *cloudwatchlogs.DescribeLogGroupsInput) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
	if err := describable(in); err != nil {
		return nil, err
	}
	if len(in.LogGroupIdentifiers) > 0 {
		return s.describeNamed(ctx, in.LogGroupIdentifiers)
	}
	r := own(ctx, "")
	groups := store.Range{Prefix: []string{r.account, r.region}, StartsWith: aws.ToString(in.LogGroupNamePrefix)}
	if in.NextToken != nil {
		last, err := readPageToken("groups", *in.NextToken)
		if err != nil {
			return nil, err
		}
		groups.After = []string{r.account, r.region, last[0]}
	}
	limit, looked := limitOr(in.Limit, maxDescribed), 0
	out := &cloudwatchlogs.DescribeLogGroupsOutput{LogGroups: []types.LogGroup{}}
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		last := ""
		for rec, err := range s.groups.Scan(tx, groups) {
			if err != nil {
				return err
			}
			if len(out.LogGroups) == limit || looked == maxGroupLooked {
				out.NextToken = pageToken("groups", last)
				return nil
			}
			looked++
			if last = rec.Key[2]; !strings.Contains(last, aws.ToString(in.LogGroupNamePattern)) {
				continue
			}
			g := found{reference{r.account, r.region, last}, rec.Value}
			shown, err := s.shownGroup(tx, &g, aws.ToString(in.LogGroupNamePattern) != "")
			if err != nil {
				return err
			}
			out.LogGroups = append(out.LogGroups, shown)
		}
		return nil
	})
}

func describable(in *cloudwatchlogs.DescribeLogGroupsInput) error {
	filters := in.LogGroupNamePrefix != nil || in.LogGroupNamePattern != nil
	switch {
	case in.LogGroupNamePrefix != nil && in.LogGroupNamePattern != nil:
		return invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	case len(in.LogGroupIdentifiers) > 0 && (filters || in.LogGroupClass != "" || in.NextToken != nil):
		return invalid("logGroupIdentifiers cannot be combined with other filters.")
	case aws.ToBool(in.IncludeLinkedAccounts) || len(in.AccountIdentifiers) > 0:
		return invalid("Linked accounts are not supported by Redoubt yet.")
	case in.LogGroupClass != "" && in.LogGroupClass != types.LogGroupClassStandard:
		return invalid("The log group class %s is not supported by Redoubt yet.", in.LogGroupClass)
	}
	return nil
}

// describeNamed describes the groups of the caller's account that there are among those named.
func (s *Service) describeNamed(ctx context.Context, identifiers []string) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
	names := map[string]bool{}
	for _, identifier := range identifiers {
		r := identified(ctx, identifier)
		if err := validIdentifier(ctx, identifier); err != nil {
			return nil, err
		}
		if r.account == api.CallerOf(ctx).Account {
			names[r.name] = true
		}
	}
	out := &cloudwatchlogs.DescribeLogGroupsOutput{LogGroups: []types.LogGroup{}}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		for name := range names {
			r := own(ctx, name)
			g, ok, err := s.groups.Get(tx, r.account, r.region, r.name)
			if err != nil || !ok {
				return err
			}
			shown, err := s.shownGroup(tx, &found{r, g}, false)
			if err != nil {
				return err
			}
			out.LogGroups = append(out.LogGroups, shown)
		}
		return nil
	})
	slices.SortFunc(out.LogGroups, func(a, b types.LogGroup) int { return strings.Compare(*a.LogGroupName, *b.LogGroupName) })
	return out, err
}

// shownGroup is a group as DescribeLogGroups returns it; searches by pattern return less of it (API_DescribeLogGroups,
// logGroupNamePattern).
func (s *Service) shownGroup(tx *store.Tx, g *found, brief bool) (types.LogGroup, error) {
	out := types.LogGroup{
		LogGroupName: aws.String(g.name), CreationTime: aws.Int64(g.Created), Arn: aws.String(g.arn() + ":*"),
	}
	if brief {
		return out, nil
	}
	used, _, err := s.usage.Get(tx, g.account, g.region, g.ID)
	if err != nil {
		return out, err
	}
	out.LogGroupArn, out.LogGroupClass = aws.String(g.arn()), types.LogGroupClassStandard
	out.StoredBytes, out.MetricFilterCount = aws.Int64(used.Bytes), aws.Int32(0)
	out.DeletionProtectionEnabled = aws.Bool(g.Protected)
	if g.Retention != 0 {
		out.RetentionInDays = aws.Int32(g.Retention)
	}
	if g.KMSKey != "" {
		out.KmsKeyId = aws.String(g.KMSKey)
	}
	return out, nil
}

func limitOr(limit *int32, otherwise int) int {
	if limit == nil {
		return otherwise
	}
	return int(*limit)
}

// pageToken tells where a listing goes on; of says which listing it is good for.
func pageToken(of string, last ...string) *string {
	text := of + "\n" + strings.Join(last, "\n")
	return aws.String(base64.RawURLEncoding.EncodeToString([]byte(text)))
}

func readPageToken(of, token string) (last []string, err error) {
	text, err := base64.RawURLEncoding.DecodeString(token)
	rest, ok := strings.CutPrefix(string(text), of+"\n")
	if err != nil || !ok {
		return nil, badToken()
	}
	return strings.Split(rest, "\n"), nil
}

func badToken() error { return invalid("The specified nextToken is invalid.") }
