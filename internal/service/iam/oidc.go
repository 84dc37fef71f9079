package iam

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// OIDCProvider is an OpenID Connect issuer whose tokens may assume roles of the account.
type OIDCProvider struct {
	URL         string // without the scheme
	ClientIDs   []string
	Thumbprints []string
	Created     time.Time
	Tags        map[string]string
}

// Quotas of a provider that cannot be raised.
const (
	maxClientIDs   = 100
	maxThumbprints = 5
)

func providerARN(account, host string) string { return arnOf(account, "oidc-provider", "/", host) }

// issuerOf is the URL of an issuer as ARNs and condition keys have it: without scheme and final slash.
func issuerOf(u string) string {
	return strings.TrimSuffix(strings.TrimPrefix(u, "https://"), "/")
}

// CreateOpenIDConnectProvider trusts an issuer as far as trust policies say.
func (s *Service) CreateOpenIDConnectProvider(ctx context.Context, in *iam.CreateOpenIDConnectProviderInput) (*iam.CreateOpenIDConnectProviderOutput, error) {
	if u, err := url.Parse(*in.Url); err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.User != nil || u.Fragment != "" {
		return nil, validation("Invalid Open ID Connect Provider URL")
	}
	p := OIDCProvider{URL: issuerOf(*in.Url), ClientIDs: in.ClientIDList, Thumbprints: lower(in.ThumbprintList), Created: now()}
	if err := p.check(); err != nil {
		return nil, err
	}
	if err := setTags(&p.Tags, in.Tags); err != nil {
		return nil, err
	}
	err := s.update(ctx, func(tx *store.Tx) error {
		taken, err := s.providers.Has(tx, account(ctx), "", p.URL)
		if err != nil {
			return err
		}
		if taken {
			return exists("Provider with url %s already exists.", *in.Url)
		}
		if err := s.count(tx, account(ctx), providersQuota, 1); err != nil {
			return err
		}
		return s.providers.Put(tx, p, account(ctx), "", p.URL)
	})
	if err != nil {
		return nil, err
	}
	return &iam.CreateOpenIDConnectProviderOutput{
		OpenIDConnectProviderArn: aws.String(providerARN(account(ctx), p.URL)), Tags: showTags(p.Tags),
	}, nil
}

func (p *OIDCProvider) check() error {
	if len(p.ClientIDs) > maxClientIDs {
		return limit("Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: %d", maxClientIDs)
	}
	if len(p.Thumbprints) > maxThumbprints {
		return invalid("Thumbprint list must contain fewer than %d entries.", maxThumbprints)
	}
	for _, t := range p.Thumbprints {
		if strings.Trim(t, "0123456789abcdef") != "" {
			return invalid("Thumbprint %s contains invalid characters.", t)
		}
	}
	return nil
}

func lower(list []string) []string {
	list = slices.Clone(list)
	for i := range list {
		list[i] = strings.ToLower(list[i])
	}
	return list
}

// GetOpenIDConnectProvider shows a provider.
func (s *Service) GetOpenIDConnectProvider(ctx context.Context, in *iam.GetOpenIDConnectProviderInput) (*iam.GetOpenIDConnectProviderOutput, error) {
	p, err := s.provider(ctx, *in.OpenIDConnectProviderArn)
	if err != nil {
		return nil, err
	}
	return &iam.GetOpenIDConnectProviderOutput{
		Url: aws.String(p.URL), ClientIDList: p.ClientIDs, ThumbprintList: p.Thumbprints, CreateDate: date(p.Created), Tags: tagList(p.Tags),
	}, nil
}

// ListOpenIDConnectProviders lists the providers of the account.
func (s *Service) ListOpenIDConnectProviders(ctx context.Context, _ *iam.ListOpenIDConnectProvidersInput) (*iam.ListOpenIDConnectProvidersOutput, error) {
	out := &iam.ListOpenIDConnectProvidersOutput{OpenIDConnectProviderList: []types.OpenIDConnectProviderListEntry{}}
	return out, s.view(ctx, func(tx *store.Tx) error {
		for rec, err := range s.providers.Scan(tx, store.Range{Prefix: []string{account(ctx), ""}}) {
			if err != nil {
				return err
			}
			out.OpenIDConnectProviderList = append(out.OpenIDConnectProviderList,
				types.OpenIDConnectProviderListEntry{Arn: aws.String(providerARN(account(ctx), rec.Value.URL))})
		}
		return nil
	})
}

// DeleteOpenIDConnectProvider ends the trust in an issuer. Roles that name it stay, and can no more be assumed by it.
func (s *Service) DeleteOpenIDConnectProvider(ctx context.Context, in *iam.DeleteOpenIDConnectProviderInput) (*iam.DeleteOpenIDConnectProviderOutput, error) {
	return &iam.DeleteOpenIDConnectProviderOutput{}, s.update(ctx, func(tx *store.Tx) error {
		p, ok, err := s.findProvider(tx, account(ctx), *in.OpenIDConnectProviderArn)
		if err != nil || !ok {
			return err // deleting what does not exist succeeds
		}
		if err := s.count(tx, account(ctx), providersQuota, -1); err != nil {
			return err
		}
		return s.providers.Delete(tx, account(ctx), "", p.URL)
	})
}

// UpdateOpenIDConnectProviderThumbprint replaces the certificates that the issuer's host may have.
func (s *Service) UpdateOpenIDConnectProviderThumbprint(ctx context.Context, in *iam.UpdateOpenIDConnectProviderThumbprintInput) (*iam.UpdateOpenIDConnectProviderThumbprintOutput, error) {
	return &iam.UpdateOpenIDConnectProviderThumbprintOutput{}, s.changeProvider(ctx, *in.OpenIDConnectProviderArn, func(p *OIDCProvider) error {
		p.Thumbprints = lower(in.ThumbprintList)
		return p.check()
	})
}

// AddClientIDToOpenIDConnectProvider accepts tokens for another audience.
func (s *Service) AddClientIDToOpenIDConnectProvider(ctx context.Context, in *iam.AddClientIDToOpenIDConnectProviderInput) (*iam.AddClientIDToOpenIDConnectProviderOutput, error) {
	return &iam.AddClientIDToOpenIDConnectProviderOutput{}, s.changeProvider(ctx, *in.OpenIDConnectProviderArn, func(p *OIDCProvider) error {
		p.ClientIDs = append(without(p.ClientIDs, *in.ClientID), *in.ClientID)
		return p.check()
	})
}

// RemoveClientIDFromOpenIDConnectProvider accepts tokens for an audience no more.
func (s *Service) RemoveClientIDFromOpenIDConnectProvider(ctx context.Context, in *iam.RemoveClientIDFromOpenIDConnectProviderInput) (*iam.RemoveClientIDFromOpenIDConnectProviderOutput, error) {
	return &iam.RemoveClientIDFromOpenIDConnectProviderOutput{}, s.changeProvider(ctx, *in.OpenIDConnectProviderArn, func(p *OIDCProvider) error {
		p.ClientIDs = without(p.ClientIDs, *in.ClientID)
		return nil
	})
}

// TagOpenIDConnectProvider adds tags to a provider.
func (s *Service) TagOpenIDConnectProvider(ctx context.Context, in *iam.TagOpenIDConnectProviderInput) (*iam.TagOpenIDConnectProviderOutput, error) {
	return &iam.TagOpenIDConnectProviderOutput{}, s.changeProvider(ctx, *in.OpenIDConnectProviderArn, func(p *OIDCProvider) error {
		return setTags(&p.Tags, in.Tags)
	})
}

// UntagOpenIDConnectProvider removes tags from a provider.
func (s *Service) UntagOpenIDConnectProvider(ctx context.Context, in *iam.UntagOpenIDConnectProviderInput) (*iam.UntagOpenIDConnectProviderOutput, error) {
	return &iam.UntagOpenIDConnectProviderOutput{}, s.changeProvider(ctx, *in.OpenIDConnectProviderArn, func(p *OIDCProvider) error {
		removeTags(p.Tags, in.TagKeys)
		return nil
	})
}

// ListOpenIDConnectProviderTags lists the tags of a provider.
func (s *Service) ListOpenIDConnectProviderTags(ctx context.Context, in *iam.ListOpenIDConnectProviderTagsInput) (*iam.ListOpenIDConnectProviderTagsOutput, error) {
	tags, next, err := tagPage(in.Marker, in.MaxItems, func() (map[string]string, error) {
		p, err := s.provider(ctx, *in.OpenIDConnectProviderArn)
		return p.Tags, err
	})
	if err != nil {
		return nil, err
	}
	return &iam.ListOpenIDConnectProviderTagsOutput{Tags: tags, IsTruncated: next != nil, Marker: next}, nil
}

// Provider finds the provider of an account for an issuer.
func (s *Service) Provider(ctx context.Context, account, issuer string) (*api.Provider, error) {
	return read(ctx, s, func(tx *store.Tx) (*api.Provider, error) {
		p, ok, err := s.providers.Get(tx, account, "", issuerOf(issuer))
		if err != nil || !ok {
			return nil, unknownOr(err)
		}
		return &api.Provider{
			ARN: providerARN(account, p.URL), URL: p.URL, ClientIDs: p.ClientIDs, Thumbprints: p.Thumbprints,
		}, nil
	})
}

func (s *Service) findProvider(tx *store.Tx, account, arn string) (OIDCProvider, bool, error) {
	host, ok := strings.CutPrefix(arn, providerARN(account, ""))
	if !ok {
		return OIDCProvider{}, false, nil
	}
	return s.providers.Get(tx, account, "", host)
}

func (s *Service) provider(ctx context.Context, arn string) (OIDCProvider, error) {
	return read(ctx, s, func(tx *store.Tx) (OIDCProvider, error) {
		p, ok, err := s.findProvider(tx, account(ctx), arn)
		if err == nil && !ok {
			err = noProvider(arn)
		}
		return p, err
	})
}

func (s *Service) changeProvider(ctx context.Context, arn string, fn func(*OIDCProvider) error) error {
	return s.update(ctx, func(tx *store.Tx) error {
		p, ok, err := s.findProvider(tx, account(ctx), arn)
		if err != nil {
			return err
		}
		if !ok {
			return noProvider(arn)
		}
		if err := fn(&p); err != nil {
			return err
		}
		return s.providers.Put(tx, p, account(ctx), "", p.URL)
	})
}

func noProvider(arn string) error {
	return noSuch("OpenIDConnect Provider not found for arn %s", arn)
}
