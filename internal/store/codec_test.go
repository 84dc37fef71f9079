package store_test

import (
	"net/netip"
	"testing"
	"time"

	kms "github.com/aws/aws-sdk-go-v2/service/kms/types"

	"redoubt/internal/store"
)

type union interface{ isUnion() }

type tree struct {
	Children []*tree
	At       time.Time
	Addr     netip.Addr
	Key      *kms.KeyMetadata
	Free     any
	hidden   func() //lint:ignore U1000 unexported, so not stored, and no reason to panic
}

func TestTableOfWhatCannotBeReadBackPanics(t *testing.T) {
	store.NewTable[tree](&store.DB{}, "test", "fine")
	for name, make := range map[string]func(){
		"union":  func() { store.NewTable[struct{ U []union }](&store.DB{}, "test", "t") },
		"func":   func() { store.NewTable[map[string]struct{ F func() }](&store.DB{}, "test", "t") },
		"itself": func() { store.NewTable[union](&store.DB{}, "test", "t") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			make()
		}()
	}
}
