package ssm

import (
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"redoubt/internal/store"
)

// The tiers and what a value may take in them, in bytes
// (https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html).
const (
	standard, advanced = types.ParameterTierStandard, types.ParameterTierAdvanced

	standardSize, advancedSize = 4096, 8192
)

const defaultKey = "alias/aws/ssm"

// nested is a reference to another parameter (API_PutParameter, Value).
var nested = regexp.MustCompile(`(?s)\{\{.*\}\}`)

// checkRequest refuses what is wrong whatever is there.
func checkRequest(in *sdk.PutParameterInput) error {
	switch {
	case *in.Value == "":
		return invalid("1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1.")
	case aws.ToBool(in.Overwrite) && len(in.Tags) > 0:
		return invalid("Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite " +
			"flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.")
	case nested.MatchString(*in.Value):
		return invalid(`Parameter value can't nest another parameter. Do not use "{{}}" in the value.`)
	}
	return checkDataType(aws.ToString(in.DataType))
}

// checkDataType takes text. There is nothing here that would check an image, or use an integration.
func checkDataType(kind string) error {
	switch kind {
	case "", "text":
		return nil
	case "aws:ec2:image", "aws:ssm:integration":
		return unsupported("The data type " + kind)
	}
	return invalid("The following data type is not supported: %s (Data type names are all lowercase.)", kind)
}

// fit is the version that a request makes of a parameter as it is now, without number and value.
func (s *Service) fit(tx *store.Tx, in *sdk.PutParameterInput, at place, now *Parameter, there bool) (Version, error) {
	if there && !aws.ToBool(in.Overwrite) {
		return Version{}, &types.ParameterAlreadyExists{
			Message: text("The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")}
	}
	var was Version
	if there {
		was = now.Latest
	}
	v := Version{
		Type: in.Type, DataType: "text", Description: kept(in.Description, was.Description), Pattern: kept(in.AllowedPattern, was.Pattern),
		Key: aws.ToString(in.KeyId),
	}
	if v.Type == "" {
		v.Type = was.Type
	}
	if err := v.checkType(); err != nil {
		return v, err
	}
	if err := checkPattern(v.Pattern, v.Type, *in.Value); err != nil {
		return v, err
	}
	var err error
	v.Tier, err = s.tier(tx, in, at, &was)
	return v, err
}

func (v *Version) checkType() error {
	switch {
	case v.Type == "":
		return invalid("A parameter type is required when you create a parameter.")
	case v.Type != types.ParameterTypeSecureString && v.Key != "":
		return invalid("KeyId is required for SecureString type parameter only.")
	case v.Type == types.ParameterTypeSecureString && v.Key == "":
		v.Key = defaultKey
	}
	return nil
}

// checkPattern compares a value with the pattern that it is to have; each of a list's.
func checkPattern(pattern string, kind types.ParameterType, value string) error {
	if pattern == "" {
		return nil
	}
	form, err := regexp.Compile(`^(?:` + pattern + `)$`)
	if err != nil {
		return &types.InvalidAllowedPatternException{Message: text("The request doesn't meet the regular expression requirement.")}
	}
	values := []string{value}
	if kind == types.ParameterTypeStringList {
		values = strings.Split(value, ",")
	}
	if slices.ContainsFunc(values, func(v string) bool { return !form.MatchString(v) }) {
		return &types.ParameterPatternMismatchException{Message: text("Parameter value, cannot be validated against allowedPattern: %s", pattern)}
	}
	return nil
}

// tier is the tier that a parameter gets. It never goes down.
func (s *Service) tier(tx *store.Tx, in *sdk.PutParameterInput, at place, was *Version) (types.ParameterTier, error) {
	wanted := in.Tier
	if wanted == types.ParameterTierStandard && was.Tier == advanced {
		return "", invalid("This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to " +
			"the standard-parameter tier. If necessary, you can delete the advanced parameter and recreate it as a standard parameter.")
	}
	if wanted == types.ParameterTierIntelligentTiering {
		needs, err := s.needsAdvanced(tx, in, at, was)
		if err != nil {
			return "", err
		}
		if wanted = standard; needs {
			wanted = advanced
		}
	}
	if wanted == "" || was.Tier == advanced {
		wanted = standard
		if was.Tier != "" {
			wanted = was.Tier
		}
	}
	return wanted, checkTier(wanted, in)
}

// needsAdvanced tells whether a request asks for what Standard has not.
func (s *Service) needsAdvanced(tx *store.Tx, in *sdk.PutParameterInput, at place, was *Version) (bool, error) {
	if len(*in.Value) > standardSize || hasPolicies(in.Policies) {
		return true, nil
	}
	c, _, err := s.counts.Get(tx, at.account, at.region)
	return was.Tier == "" && c.Standard >= maxStandard, err
}

func checkTier(tier types.ParameterTier, in *sdk.PutParameterInput) error {
	switch size := len(*in.Value); {
	case tier == standard && size > standardSize:
		return invalid("Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter value, upgrade " +
			"the parameter to use the advanced-parameter tier. For more information, see " +
			"https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html")
	case size > advancedSize:
		return invalid("Advanced tier parameters support a maximum parameter value of 8192 characters.")
	case tier == standard && hasPolicies(in.Policies):
		return invalid("Parameter policies are supported only for parameters that use the advanced-parameter tier. For more information, see " +
			"https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html")
	}
	return nil
}

func trim(name string) string { return strings.TrimSpace(name) }
