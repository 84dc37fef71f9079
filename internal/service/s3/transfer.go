package s3

import (
	"reflect"
	"sync"
)

// transfer copies the fields that two structures have in common, by name and type. The inputs of all operations that store
// an object share most of their members, and so do the outputs of those that show one.
func transfer(to, from any) {
	t, f := reflect.ValueOf(to).Elem(), reflect.ValueOf(from).Elem()
	for _, p := range planOf(t.Type(), f.Type()) {
		if v := f.Field(p.from); !v.IsZero() {
			t.Field(p.to).Set(v)
		}
	}
}

type pair struct{ to, from int }

var plans sync.Map // of the two types: []pair

func planOf(to, from reflect.Type) []pair {
	key := [2]reflect.Type{to, from}
	if p, ok := plans.Load(key); ok {
		return p.([]pair)
	}
	var plan []pair
	for i := range to.NumField() {
		tf := to.Field(i)
		ff, ok := from.FieldByName(tf.Name)
		if ok && tf.IsExported() && ff.Type == tf.Type && tf.Name != "ResultMetadata" {
			plan = append(plan, pair{i, ff.Index[0]})
		}
	}
	plans.Store(key, plan)
	return plan
}
