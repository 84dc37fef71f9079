// Package pattern matches log events with filter patterns, as metric filters, subscriptions and searches use them.
//
// There are three kinds: words (ERROR -"not found"), conditions on JSON ({ $.code >= 500 }) and conditions on fields
// between spaces ([ip, user, code = 4*]).
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
package pattern

import "strings"

// A Pattern is a parsed filter pattern. It is safe for concurrent use.
type Pattern struct{ match func(message string) bool }

// Match reports whether a log event matches.
func (p *Pattern) Match(message string) bool { return p.match(message) }

// Parse reads a pattern. One that is empty matches everything.
func Parse(text string) (*Pattern, error) {
	text = strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(text, "{"):
		return parseJSON(text)
	case strings.HasPrefix(text, "["):
		return parseFields(text)
	}
	return parseTerms(text)
}
