package secretsmanager

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"redoubt/internal/store"
)

// A Version is a value that a secret has or had.
type Version struct {
	Created  time.Time
	Accessed time.Time `cbor:",omitempty"` // a day
	Binary   bool      `cbor:",omitempty"`
	Sealed   []byte    `cbor:",omitempty"` // nil while a rotation has not given it a value
	Wraps    []wrap    `cbor:",omitempty"` // newest first
	Of       string    `cbor:",omitempty"` // the version whose value it has, to test a rotation with
}

// The labels that Secrets Manager itself moves
// (https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html#term_version).
const current, previous, pending = "AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"

const (
	maxVersions = 100            // of a secret (quotas)
	maxLabels   = 20             // of a secret, over all its versions
	youth       = 24 * time.Hour // a version as young as this is not removed
)

func (p place) version(id string) []string { return append(p.key(), id) }

// attach gives a version a label, and takes it from the version that had it. Who loses AWSCURRENT gets AWSPREVIOUS.
func (x *Secret) attach(id, stage string) {
	was := x.holder(stage)
	if was == id {
		return
	}
	x.detach(stage)
	if x.Stages == nil {
		x.Stages = map[string][]string{}
	}
	x.Stages[id] = append(x.Stages[id], stage)
	slices.Sort(x.Stages[id])
	if stage == current && was != "" {
		x.attach(was, previous)
	}
}

// detach takes a label from the version that has it.
func (x *Secret) detach(stage string) {
	id := x.holder(stage)
	if id == "" {
		return
	}
	left := slices.DeleteFunc(slices.Clone(x.Stages[id]), func(s string) bool { return s == stage })
	if x.Stages[id] = left; len(left) == 0 {
		delete(x.Stages, id)
	}
}

func (x *Secret) checkLabels() error {
	n := 0
	for _, stages := range x.Stages {
		n += len(stages)
	}
	if n > maxLabels {
		return limited("You can't have more than %d staging labels in a secret.", maxLabels)
	}
	return nil
}

// add stores a new version with its labels. A value that becomes the current one ends whatever rotation was under way with
// another (CloudTrail entries for Secrets Manager, RotationAbandoned).
func (s *Service) add(tx *store.Tx, x *Secret, id string, v *Version, stages []string) error {
	if slices.Contains(stages, current) && !slices.Contains(stages, pending) && x.holder(pending) != id {
		x.detach(pending)
		x.abandon()
	}
	for _, stage := range stages {
		x.attach(id, stage)
	}
	if err := x.checkLabels(); err != nil {
		return err
	}
	return s.putVersion(tx, x, id, v)
}

func (s *Service) putVersion(tx *store.Tx, x *Secret, id string, v *Version) error {
	at := x.place().version(id)
	replaces, err := s.versions.Has(tx, at...)
	if err != nil {
		return err
	}
	if !replaces {
		if x.Versions++; x.Versions > maxVersions {
			err = s.tidy(tx, x)
		}
	}
	if err != nil {
		return err
	}
	return s.versions.Put(tx, *v, at...)
}

// tidy makes room for a version: those without labels are removed when there are too many, the oldest first.
func (s *Service) tidy(tx *store.Tx, x *Secret) error {
	created := map[string]time.Time{}
	for r, err := range s.versions.Scan(tx, store.Range{Prefix: x.place().key()}) {
		if err != nil {
			return err
		}
		if id := r.Key[3]; len(x.Stages[id]) == 0 && time.Since(r.Value.Created) > youth {
			created[id] = r.Value.Created
		}
	}
	deprecated := slices.SortedFunc(maps.Keys(created), func(a, b string) int { return created[a].Compare(created[b]) })
	for ; x.Versions > maxVersions && len(deprecated) > 0; x.Versions-- {
		if err := s.versions.Delete(tx, x.place().version(deprecated[0])...); err != nil {
			return err
		}
		deprecated = deprecated[1:]
	}
	if x.Versions > maxVersions {
		return limited("You can't have more than %d versions of a secret within 24 hours.", maxVersions)
	}
	return nil
}

// UpdateSecretVersionStage moves a label, or takes it away.
func (s *Service) UpdateSecretVersionStage(ctx context.Context, in *sdk.UpdateSecretVersionStageInput) (*sdk.UpdateSecretVersionStageOutput, error) {
	x, err := s.change(ctx, *in.SecretId, func(tx *store.Tx, x *Secret) error {
		if err := s.checkMove(tx, x, in); err != nil {
			return err
		}
		if in.MoveToVersionId == nil {
			x.detach(*in.VersionStage)
		} else {
			x.attach(*in.MoveToVersionId, *in.VersionStage)
		}
		x.giveUp()
		return x.checkLabels()
	})
	if err != nil {
		return nil, err
	}
	return &sdk.UpdateSecretVersionStageOutput{ARN: ptr(x.arn()), Name: &x.Name}, nil
}

// giveUp ends a rotation whose version is neither pending any more nor has become the current one: so somebody ends one that
// is stuck.
func (x *Secret) giveUp() {
	if r := x.Rotation; r != nil && r.Pending != nil && x.holder(pending) != r.Pending.Token && x.holder(current) != r.Pending.Token {
		r.Pending = nil
	}
}

func (s *Service) checkMove(tx *store.Tx, x *Secret, in *sdk.UpdateSecretVersionStageInput) error {
	stage, holder := *in.VersionStage, x.holder(*in.VersionStage)
	to, from := in.MoveToVersionId, in.RemoveFromVersionId
	switch {
	case to == nil && from == nil:
		return badParameter("You must specify MoveToVersionId, RemoveFromVersionId, or both.")
	case to == nil && stage == current:
		return badParameter("You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.")
	}
	for _, id := range []*string{to, from} {
		if id == nil {
			continue
		}
		if ok, err := s.versions.Has(tx, x.place().version(*id)...); err != nil || !ok {
			return cmp.Or(err, noVersion(*id))
		}
	}
	switch {
	case from != nil && *from != holder:
		return badParameter("The staging label %s isn't attached to version %s.", stage, *from)
	case from == nil && holder != "" && holder != *to:
		return badParameter("The parameter RemoveFromVersionId can't be empty. Staging label %s is currently attached to version %s, "+
			"so you must explicitly reference that version in RemoveFromVersionId.", stage, holder)
	}
	return nil
}

// ListSecretVersionIds lists the versions of a secret; those without labels only where asked to.
func (s *Service) ListSecretVersionIds(ctx context.Context, in *sdk.ListSecretVersionIdsInput) (*sdk.ListSecretVersionIdsOutput, error) {
	out := &sdk.ListSecretVersionIdsOutput{Versions: []types.SecretVersionsListEntry{}}
	deprecated := in.IncludeDeprecated != nil && *in.IncludeDeprecated
	err := s.db.View(ctx, func(tx *store.Tx) error {
		x, err := s.find(ctx, tx, *in.SecretId)
		if err != nil {
			return err
		}
		out.ARN, out.Name = ptr(x.arn()), &x.Name
		for r, err := range s.versions.Scan(tx, store.Range{Prefix: x.place().key()}) {
			if err != nil {
				return err
			}
			if id := r.Key[3]; deprecated || len(x.Stages[id]) > 0 {
				out.Versions = append(out.Versions, r.Value.entry(id, x.Stages[id]))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(out.Versions, func(a, b types.SecretVersionsListEntry) int {
		return cmp.Or(a.CreatedDate.Compare(*b.CreatedDate), strings.Compare(*a.VersionId, *b.VersionId))
	})
	out.Versions, out.NextToken, err = paged(out.Versions, in.NextToken, in.MaxResults, func(e types.SecretVersionsListEntry) string { return *e.VersionId })
	return out, err
}

func (v *Version) entry(id string, stages []string) types.SecretVersionsListEntry {
	e := types.SecretVersionsListEntry{VersionId: &id, VersionStages: stages, CreatedDate: &v.Created, LastAccessedDate: date(v.Accessed)}
	for _, w := range v.Wraps {
		e.KmsKeyIds = append(e.KmsKeyIds, cmp.Or(w.Key, "DefaultEncryptionKey"))
	}
	return e
}
