// Package pattern matches log events with filter patterns, as metric filters, subscriptions and searches use them.
package pattern

// A Pattern is a parsed filter pattern. It is safe for concurrent use.
type Pattern struct{ match func(message string) bool }

// Match reports whether a log event matches.
func (p *Pattern) Match(message string) bool { return p.match(message) }

// Parse reads a pattern.
func Parse(text string) (*Pattern, error) {
	return parseTerms(text)
}
