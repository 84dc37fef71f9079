package wire

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// rules are the constraints that a shape puts on its values.
type rules struct {
	min, max *int64
	pattern  *pattern
	enum     map[string]bool
	allowed  string // the enumeration as AWS prints it
	notNull  bool   // see validationError
}

// constrain derives the rules of c from its shape. Values that the SDK knows
// and the model does not are newer members of an enumeration.
func (c *codec) constrain(notNull bool) {
	s := c.shape
	r := &rules{min: whole64(s.Min), max: whole64(s.Max), notNull: notNull}
	if s.Pattern != "" {
		r.pattern = &pattern{text: s.Pattern}
	}
	if values := c.values(); len(values) > 0 {
		r.enum = make(map[string]bool, len(values))
		for _, v := range values {
			r.enum[v] = true
		}
		slices.Sort(values)
		r.allowed = "[" + strings.Join(slices.Compact(values), ", ") + "]"
	}
	some := r.min != nil || r.max != nil || r.pattern != nil || r.enum != nil
	if some && c.kind != kindStruct && c.kind != kindUnion {
		c.rules = r
	}
}

// values lists what an enumeration allows, or nothing.
func (c *codec) values() []string {
	if c.kind != kindString {
		return nil
	}
	return slices.Concat(c.shape.Enum, sdkEnum(c.typ))
}

func whole64(f *float64) *int64 {
	if f == nil {
		return nil
	}
	n := int64(*f)
	return &n
}

// text checks a string and returns what it violates, in AWS's words and order.
func (r *rules) text(s string) (broken []string) {
	if r.pattern != nil && !r.pattern.matches(s) {
		broken = append(broken, r.patternText())
	}
	if r.enum != nil && !r.enum[s] {
		broken = append(broken, r.enumText())
	}
	if r.min != nil || r.max != nil {
		broken = append(broken, r.size(int64(utf8.RuneCountInString(s)), "length")...)
	}
	return broken
}

// size checks a length or a value.
func (r *rules) size(n int64, what string) (broken []string) {
	if r.max != nil && n > *r.max {
		broken = append(broken, r.maxText(what))
	}
	if r.min != nil && n < *r.min {
		broken = append(broken, r.minText(what))
	}
	return broken
}

// all lists every constraint: that is how AWS reports a bad element of a list.
func (r *rules) all(what string) string {
	var texts []string
	if r.max != nil {
		texts = append(texts, r.maxText(what))
	}
	if r.min != nil {
		texts = append(texts, r.minText(what))
	}
	if r.pattern != nil {
		texts = append(texts, r.patternText())
	}
	if r.enum != nil {
		texts = append(texts, r.enumText())
	}
	if r.notNull {
		texts = append(texts, "Member must not be null")
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

func (r *rules) patternText() string {
	return "Member must satisfy regular expression pattern: " + r.pattern.text
}

func (r *rules) enumText() string { return "Member must satisfy enum value set: " + r.allowed }

func (r *rules) minText(what string) string {
	return fmt.Sprintf("Member must have %s greater than or equal to %s", what, strconv.FormatInt(*r.min, 10))
}

func (r *rules) maxText(what string) string {
	return fmt.Sprintf("Member must have %s less than or equal to %s", what, strconv.FormatInt(*r.max, 10))
}
