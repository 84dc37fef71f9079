package iam

import (
	"testing"

	"redoubt/internal/policy"
)

func TestEveryManagedPolicyCompiles(t *testing.T) {
	m, err := readManaged()
	check(t, err)
	for _, p := range m.all {
		for _, kind := range []policy.Kind{policy.Identity, policy.Boundary, policy.Session} {
			if _, err := policy.Parse(p.document(), kind); err != nil {
				t.Errorf("%s as %s: %v", p.arn, kind, err)
			}
		}
	}
}
