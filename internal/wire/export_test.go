package wire

// Matches reports whether a value satisfies a model's pattern.
func Matches(text, value string) bool { return (&pattern{text: text}).matches(value) }

// Inexpressible lists the patterns of a model that cannot be checked.
func Inexpressible(m Model) (out []string) {
	d, err := parseModel(m)
	if err != nil {
		return []string{err.Error()}
	}
	for name := range d.raw {
		s := d.shape(name)
		if s == nil {
			out = append(out, "shape "+name+" cannot be read")
			continue
		}
		p := &pattern{text: s.Pattern}
		if p.compile(); s.Pattern != "" && p.want == nil {
			out = append(out, s.Pattern)
		}
	}
	return out
}
