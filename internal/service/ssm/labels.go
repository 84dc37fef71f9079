package ssm

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"redoubt/internal/store"
)

// maxLabels is how many labels a version has at most.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-labels.html
const maxLabels = 10

var labelForm = regexp.MustCompile(`^[A-Za-z_.-][A-Za-z0-9_.-]*$`)

func isLabel(text string) bool {
	lower := strings.ToLower(text)
	return labelForm.MatchString(text) && !strings.HasPrefix(lower, "aws") && !strings.HasPrefix(lower, "ssm")
}

// LabelParameterVersion gives labels to a version, and takes them from those that had them. It names what is no label.
func (s *Service) LabelParameterVersion(ctx context.Context, in *sdk.LabelParameterVersionInput) (*sdk.LabelParameterVersionOutput, error) {
	out := &sdk.LabelParameterVersionOutput{InvalidLabels: []string{}}
	at, err := parseName(ctx, *in.Name)
	if err != nil {
		return nil, err
	}
	return out, s.change(ctx, at, func(tx *store.Tx, p *Parameter) error {
		number := p.Latest.Number
		if in.ParameterVersion != nil {
			number = *in.ParameterVersion
		}
		if _, err := s.version(tx, p, number); err != nil {
			return err
		}
		out.ParameterVersion = number
		p.Labels = maps.Clone(p.Labels)
		if p.Labels == nil {
			p.Labels = map[string]int64{}
		}
		for _, label := range in.Labels {
			if !isLabel(label) {
				out.InvalidLabels = append(out.InvalidLabels, label)
				continue
			}
			p.Labels[label] = number
		}
		if len(p.labels(number)) > maxLabels {
			return &types.ParameterVersionLabelLimitExceeded{Message: aws.String("A parameter version can have maximum 10 labels. " +
				"Move one or more labels to another version and try again.")}
		}
		return nil
	})
}

// UnlabelParameterVersion takes labels from a version, and names those that it has not.
func (s *Service) UnlabelParameterVersion(ctx context.Context, in *sdk.UnlabelParameterVersionInput) (*sdk.UnlabelParameterVersionOutput, error) {
	out := &sdk.UnlabelParameterVersionOutput{RemovedLabels: []string{}, InvalidLabels: []string{}}
	at, err := parseName(ctx, *in.Name)
	if err != nil {
		return nil, err
	}
	return out, s.change(ctx, at, func(tx *store.Tx, p *Parameter) error {
		number := *in.ParameterVersion
		if _, err := s.version(tx, p, number); err != nil {
			return err
		}
		for _, label := range in.Labels {
			if p.Labels[label] != number {
				out.InvalidLabels = append(out.InvalidLabels, label)
				continue
			}
			delete(p.Labels, label)
			out.RemovedLabels = append(out.RemovedLabels, label)
		}
		return nil
	})
}

// labels are those of a version, in order.
func (p *Parameter) labels(number int64) []string {
	list := []string{}
	for label, n := range p.Labels {
		if n == number {
			list = append(list, label)
		}
	}
	slices.Sort(list)
	return list
}
