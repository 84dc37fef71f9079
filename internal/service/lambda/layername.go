package lambda

import (
	"context"
	"fmt"
	"regexp"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"

	"redoubt/internal/api"
	"redoubt/internal/arn"
	"redoubt/internal/policy"
	"redoubt/internal/store"
)

// A layerReference is a layer, or a version of it, as a request names it.
type layerReference struct {
	Account, Region, Name string
	Number                int64 // 0 for the layer itself
}

// layerForm takes apart the ARN of a layer or of a layer version.
var layerForm = regexp.MustCompile(`^arn:[a-zA-Z0-9-]+:lambda:([a-zA-Z0-9-]+):(\d{12}):layer:([a-zA-Z0-9-_]+)(?::(\d+))?$`)

// referLayer reads the name or ARN of a layer, of which a version of the given number is meant, or the ARN of a version.
func referLayer(ctx context.Context, name *string, number int64) layerReference {
	c, text := api.CallerOf(ctx), aws.ToString(name)
	m := layerForm.FindStringSubmatch(text)
	if m == nil {
		return layerReference{Account: c.Account, Region: c.Region, Name: text, Number: number}
	}
	r := layerReference{Account: m[2], Region: m[1], Name: m[3], Number: number}
	if m[4] != "" {
		r.Number, _ = strconv.ParseInt(m[4], 10, 64) // more than fits is the most that fits: no version has that number
	}
	return r
}

// referLayerVersion reads the name of a layer and the number of its version.
func referLayerVersion(ctx context.Context, name *string, number *int64) (layerReference, error) {
	if aws.ToInt64(number) < 1 {
		return layerReference{}, invalid("Layer Version Cannot be less than 1")
	}
	return referLayer(ctx, name, *number), nil
}

// maxLayerARN is the longest ARN of a layer version that a function can name (API_CreateFunction, Layers).
const maxLayerARN = 140

// check refuses to make a layer that could not be used: in another region, or of a name that is too long.
func (r layerReference) check(ctx context.Context) error {
	if here := api.CallerOf(ctx).Region; r.Region != here {
		return missing("Layers from '%s' are not reachable in this region ('%s')", r.Region, here)
	}
	if len(r.base()+":1") > maxLayerARN {
		return api.Errorf("ValidationException", "1 validation error detected: Value '%s' at 'layerName' failed to satisfy constraint: "+
			"Member must have length less than or equal to %d", r.Name, maxLayerARN-len(r.base()+":1")+len(r.Name))
	}
	return nil
}

// base is the ARN of the layer.
func (r layerReference) base() string {
	return arn.ARN{Partition: "aws", Service: "lambda", Region: r.Region, Account: r.Account, Resource: "layer:" + r.Name}.String()
}

// String is the ARN of the version, or of the layer.
func (r layerReference) String() string {
	if r.Number == 0 {
		return r.base()
	}
	return r.base() + ":" + strconv.FormatInt(r.Number, 10)
}

func (r layerReference) layerKey() []string { return []string{r.Account, r.Region, r.Name} }

// versionKey is where a version is stored: in the order of the numbers.
func (r layerReference) versionKey() []string {
	return append(r.layerKey(), fmt.Sprintf("%019d", r.Number))
}

// layer resolves a layer.
func (s *Service) layer(ctx context.Context, name string) (api.Resource, error) {
	ref := referLayer(ctx, &name, 0)
	return api.Resource{ARN: ref.base(), Type: "AWS::Lambda::Layer", Account: ref.Account}, nil
}

// layerVersion resolves the ARN of a layer version.
func (s *Service) layerVersion(ctx context.Context, name string) (api.Resource, error) {
	return s.layerResource(ctx, referLayer(ctx, &name, 0))
}

// numbered resolves a layer version by the name of the layer and its number.
func (s *Service) numbered(ctx context.Context, name *string, number *int64) (api.Resource, error) {
	return s.layerResource(ctx, referLayer(ctx, name, aws.ToInt64(number)))
}

func (s *Service) layerResource(ctx context.Context, ref layerReference) (api.Resource, error) {
	res := api.Resource{ARN: ref.String(), Type: "AWS::Lambda::LayerVersion", Account: ref.Account}
	err := s.deps.DB.View(ctx, func(tx *store.Tx) error {
		v, ok, err := s.layerVersions.Get(tx, ref.versionKey()...)
		if err != nil || !ok {
			return err
		}
		res.Policy, err = s.compile(res.ARN, v.Statements)
		return err
	})
	return res, err
}

// ownLayers resolves what the versions of a layer are listed by: no resource, as AWS has it, but for layers of other
// accounts, which nothing allows to list.
func (s *Service) ownLayers(ctx context.Context, name *string) (api.Resource, error) {
	ref := referLayer(ctx, name, 0)
	if ref.Account == api.CallerOf(ctx).Account {
		return api.Resource{ARN: "*"}, nil
	}
	return api.Resource{ARN: ref.base(), Type: "AWS::Lambda::Layer", Account: ref.Account}, nil
}

// compile makes the policy of a resource of its statements; nil of none.
func (s *Service) compile(resource string, statements []Statement) (*policy.Document, error) {
	if len(statements) == 0 {
		return nil, nil
	}
	text, err := policyText(statements)
	if err != nil {
		return nil, err
	}
	return s.policies.get(text, func() (*policy.Document, error) {
		d, err := policy.Parse(text, policy.Resource)
		if err != nil {
			return nil, fmt.Errorf("compiling the policy of %s: %w", resource, err)
		}
		return d, nil
	})
}
