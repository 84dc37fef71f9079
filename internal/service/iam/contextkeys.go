package iam

import (
	"context"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"redoubt/internal/api"
	"redoubt/internal/policy"
	"redoubt/internal/store"
)

// GetContextKeysForCustomPolicy lists the condition keys that policies ask for.
func (s *Service) GetContextKeysForCustomPolicy(_ context.Context, in *iam.GetContextKeysForCustomPolicyInput) (*iam.GetContextKeysForCustomPolicyOutput, error) {
	names, err := contextKeys(in.PolicyInputList)
	return &iam.GetContextKeysForCustomPolicyOutput{ContextKeyNames: names}, err
}

// GetContextKeysForPrincipalPolicy lists the condition keys that the policies of a user, group or role ask for.
func (s *Service) GetContextKeysForPrincipalPolicy(ctx context.Context, in *iam.GetContextKeysForPrincipalPolicyInput) (*iam.GetContextKeysForPrincipalPolicyOutput, error) {
	texts := in.PolicyInputList
	err := s.view(ctx, func(tx *store.Tx) error {
		source, err := s.source(tx, account(ctx), *in.PolicySourceArn)
		if err != nil {
			return err
		}
		for _, p := range source.policies {
			texts = append(texts, p.text)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	names, err := contextKeys(texts)
	return &iam.GetContextKeysForPrincipalPolicyOutput{ContextKeyNames: names}, err
}

func contextKeys(texts []string) ([]string, error) {
	found := map[string]string{}
	for _, text := range texts {
		if _, err := policy.Parse(text, policy.Identity); err != nil {
			return nil, invalid("%s", err.Error())
		}
		addContextKeys(text, found)
	}
	names := []string{}
	for _, lower := range slices.Sorted(maps.Keys(found)) {
		names = append(names, found[lower])
	}
	return names, nil
}

// addContextKeys collects the keys of conditions, and of variables in resources and conditions, by their lower case.
func addContextKeys(text string, found map[string]string) {
	var d struct{ Statement json.RawMessage }
	if json.Unmarshal([]byte(text), &d) != nil {
		return
	}
	for _, raw := range oneOrMore(d.Statement) {
		var st struct {
			Condition             map[string]map[string]json.RawMessage
			Resource, NotResource json.RawMessage
		}
		if json.Unmarshal(raw, &st) != nil {
			continue
		}
		addVariables(st.Resource, found)
		addVariables(st.NotResource, found)
		for _, keys := range st.Condition {
			for key, values := range keys {
				found[strings.ToLower(key)] = key
				addVariables(values, found)
			}
		}
	}
}

var variable = regexp.MustCompile(`\$\{([^}*?$,]+)`)

func addVariables(raw json.RawMessage, found map[string]string) {
	for _, m := range variable.FindAllSubmatch(raw, -1) {
		key := strings.TrimSpace(string(m[1]))
		found[strings.ToLower(key)] = key
	}
}

// policySource finds the user, group or role whose policies an operation looks at.
func (s *Service) policySource(ctx context.Context, arn string) (api.Resource, error) {
	of, noun := owner(arn)
	name, _ := nameIn(arn, of, noun)
	r := api.Resource{ARN: arn}
	if of != account(ctx) {
		return r, nil
	}
	var err error
	switch noun {
	case "user":
		r, err = s.users.resource(ctx, name)
	case "group":
		r, err = s.groups.resource(ctx, name)
	case "role":
		r, err = s.roles.resource(ctx, name)
	}
	r.ARN = arn
	return r, err
}

func oneOrMore(raw json.RawMessage) []json.RawMessage {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	if len(raw) == 0 {
		return nil
	}
	return []json.RawMessage{raw}
}
