package sts

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"redoubt/internal/api"
)

// maxTags is how many tags a session can have.
const maxTags = 50

// sessionTags adds the tags that the caller's session passes on to those that are asked for. Keys that differ only in case
// are the same (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html).
func sessionTags(from *api.Session, asked []types.Tag, transitive []string) (map[string]string, []string, error) {
	tags := map[string]string{}
	for _, t := range asked {
		if strings.HasPrefix(strings.ToLower(*t.Key), "aws:") {
			return nil, nil, api.Errorf("ValidationError", "Tag keys cannot begin with aws: since it is a reserved prefix.")
		}
		if hasKey(tags, *t.Key) {
			return nil, nil, api.Errorf("InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		tags[*t.Key] = *t.Value
	}
	for _, k := range transitive {
		if !hasKey(tags, k) {
			return nil, nil, api.Errorf("ValidationError", "The specified transitive tag key must be included in the requested tags.")
		}
	}
	for _, k := range from.Transient {
		if hasKey(tags, k) {
			return nil, nil, api.Errorf("InvalidParameterValue",
				"One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
		}
		tags[k] = from.Tags[k]
	}
	if len(tags) > maxTags {
		return nil, nil, api.Errorf("ValidationError", "The number of session tags exceeds the limit of %d.", maxTags)
	}
	return tags, slices.Concat(keysIn(tags, transitive), from.Transient), nil
}

func hasKey(tags map[string]string, key string) bool {
	return len(keysIn(tags, []string{key})) > 0
}

// keysIn spells keys as the tags do.
func keysIn(tags map[string]string, keys []string) (spelled []string) {
	for k := range tags {
		if slices.ContainsFunc(keys, func(asked string) bool { return strings.EqualFold(k, asked) }) {
			spelled = append(spelled, k)
		}
	}
	return spelled
}
