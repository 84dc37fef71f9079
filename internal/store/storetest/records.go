package storetest

import (
	"reflect"
	"testing"
	"time"

	kms "github.com/aws/aws-sdk-go-v2/service/kms/types"

	"redoubt/internal/store"
)

type everything struct {
	Text, Empty, Broken string
	Number              int64
	Ratio               float64
	Yes                 bool
	At, Never           time.Time
	For                 time.Duration
	Bytes, NoBytes      []byte
	List, NoList        []string
	EmptyList           []string
	Map                 map[string]string
	NoMap               map[string]string
	Pointer, Nil        *string
	Nested              struct{ Deep []map[string]*int }
	State               kms.KeyState
	SDK                 *kms.KeyMetadata
	SDKs                []kms.Tag
	Free                map[string]any
}

func something() everything {
	text, number := "pointed at", 42
	return everything{
		Text: "Grüße, 世界", Broken: "\xff\xfe\x00",
		Number: -1 << 63, Ratio: 0.1, Yes: true,
		At:    time.Date(2026, 2, 28, 23, 59, 59, 123456789, time.UTC),
		For:   time.Minute,
		Bytes: []byte{0, 1, 255}, List: []string{"b", "a"}, EmptyList: []string{},
		Map:     map[string]string{"": "empty", "k": "v"},
		Pointer: &text,
		Nested:  struct{ Deep []map[string]*int }{[]map[string]*int{{"x": &number}, nil}},
		State:   kms.KeyStateEnabled,
		SDK:     &kms.KeyMetadata{KeyId: &text, Enabled: true, KeyState: kms.KeyStateEnabled},
		SDKs:    []kms.Tag{{TagKey: &text, TagValue: &text}},
		Free:    map[string]any{"nested": map[string]any{"list": []any{"a", true, nil}}},
	}
}

func testRecords(t *testing.T, open Opener) {
	dir := t.TempDir()
	db := mustOpen(t, open, dir)
	table := store.NewTable[everything](db, "test", "everything")
	update(t, db, func(tx *store.Tx) error { return table.Put(tx, something(), "k") })
	must(t, db.Close())

	db = mustOpen(t, open, dir)
	table = store.NewTable[everything](db, "test", "everything")
	got, ok, err := get(t.Context(), db, table, "k")
	if err != nil || !ok || !reflect.DeepEqual(got, something()) {
		t.Errorf("got %+v, %v, %v; want %+v", got, ok, err, something())
	}
	if _, ok, err := get(t.Context(), db, table, "other"); ok || err != nil {
		t.Errorf("a key that was never put: %v, %v", ok, err)
	}
	other := store.NewTable[everything](db, "test", "everything else")
	if _, ok, err := get(t.Context(), db, other, "k"); ok || err != nil {
		t.Errorf("the same key in another table: %v, %v", ok, err)
	}
	must(t, table.Append(t.Context(), everything{Text: "appended"}, "l"))
	if got, ok, err := get(t.Context(), db, table, "l"); err != nil || !ok || got.Text != "appended" {
		t.Errorf("after Append: %+v, %v, %v", got, ok, err)
	}
	update(t, db, func(tx *store.Tx) error { return table.Delete(tx, "k") })
	if _, ok, err := get(t.Context(), db, table, "k"); ok || err != nil {
		t.Errorf("after Delete: %v, %v", ok, err)
	}
	update(t, db, func(tx *store.Tx) error { return table.Delete(tx, "k") }) // again: no error
}

type newer struct{ First, Last string }

func testVersions(t *testing.T, open Opener) {
	db := mustOpen(t, open, t.TempDir())
	type older struct{ Name string }
	before := store.NewTable[older](db, "test", "person")
	update(t, db, func(tx *store.Tx) error { return before.Put(tx, older{"Ada"}, "1") })

	after := store.NewTable[newer](db, "test", "person").Version(1, func(version byte, decode func(any) error) (newer, error) {
		var o older
		err := decode(&o)
		return newer{First: o.Name}, err
	})
	if got, _, err := get(t.Context(), db, after, "1"); err != nil || got.First != "Ada" {
		t.Errorf("an older record: %+v, %v", got, err)
	}
	update(t, db, func(tx *store.Tx) error { return after.Put(tx, newer{"Ada", "Lovelace"}, "1") })
	if got, _, err := get(t.Context(), db, after, "1"); err != nil || got.Last != "Lovelace" {
		t.Errorf("a current record: %+v, %v", got, err)
	}
	if got, ok, err := get(t.Context(), db, before, "1"); err == nil {
		t.Errorf("an older release read a newer record: %+v, %v", got, ok)
	}
}
