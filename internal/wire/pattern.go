package wire

import (
	"regexp"
	"strings"
	"sync"
)

// pattern is a regular expression of a model, compiled when it is first needed.
// AWS matches whole values and writes expressions in Java's dialect.
type pattern struct {
	text string // as AWS prints it in messages
	once sync.Once
	want *regexp.Regexp // nil: cannot be expressed, and the service itself checks
	deny *regexp.Regexp
}

// matches reports whether s satisfies the pattern.
func (p *pattern) matches(s string) bool {
	p.once.Do(p.compile)
	return (p.want == nil || p.want.MatchString(s)) && (p.deny == nil || !p.deny.MatchString(s))
}

func (p *pattern) compile() {
	want, deny := p.text, ""
	if l, ok := lookaround[p.text]; ok {
		want, deny = l.want, l.deny
	}
	p.want = whole(want)
	if deny != "" {
		p.deny = whole(deny)
	}
}

// whole compiles a pattern that must match all of a value.
func whole(text string) *regexp.Regexp {
	re, err := regexp.Compile(`\A(?:` + toRE2(text) + `)\z`)
	if err != nil {
		return nil
	}
	return re
}

var (
	unicodeForm = regexp.MustCompile(`\\u([0-9A-Fa-f]{4})`)
	repetition  = regexp.MustCompile(`\{(\d+),(\d{4,})\}`)
	java        = strings.NewReplacer(
		`\uD800\uDC00-\uDBFF\uDFFF`, `\x{10000}-\x{10FFFF}`, // a pair of surrogates is one rune here
		`\u10000-\u10FFFF`, `\x{10000}-\x{10FFFF}`,
		`\p{Print}`, `[[:print:]]`, `\p{Alnum}`, `[[:alnum:]]`, `\p{Alpha}`, `[[:alpha:]]`,
		`\p{Punct}`, `[[:punct:]]`, `\p{ASCII}`, `[[:ascii:]]`, `\p{Graph}`, `[[:graph:]]`,
	)
)

// toRE2 rewrites what RE2 spells differently. RE2 repeats at most 1,000 times;
// longer repetitions lose their upper bound, which the shape's max states too.
func toRE2(text string) string {
	text = unicodeForm.ReplaceAllString(java.Replace(text), `\x{$1}`)
	return repetition.ReplaceAllString(text, `{$1,}`)
}

// lookaround has what RE2 lacks, as one expression that must match and one that
// must not.
var lookaround = map[string]struct{ want, deny string }{
	`(?!^[0-9]+$)([a-zA-Z0-9-_]+)`:                                          {`[a-zA-Z0-9-_]+`, `[0-9]+`},
	`(^\$LATEST$)|((?!^[0-9]+$)([a-zA-Z0-9-_]+))`:                           {`\$LATEST|[a-zA-Z0-9-_]+`, `[0-9]+`},
	`(^(?!(system\x2e)))(^[_a-zA-Z0-9])([^$]*)`:                             {`[_a-zA-Z0-9][^$]*`, `(?s:system\..*)`},
	`^[0-9A-Za-z\.\-_]*(?<!\.)$`:                                            {`[0-9A-Za-z\.\-_]*`, `.*\.`},
	`^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$`:                             {`[a-z0-9][a-z0-9-]{1,61}[a-z0-9]`, `.*--.*`},
	`^(?=[/\.\-_A-Za-z0-9]+)((?!aws\.).*)|(\$(\.[\w_-]+(\[(\d+|\*)\])*)*)$`: {`[/\.\-_A-Za-z0-9].*|\$(\.[\w_-]+(\[(\d+|\*)\])*)*`, `aws\..*`},
	`^([\-]?\d{4}(?!\d{2}\b))((-?)((0[1-9]|1[0-2])(\3([12]\d|0[1-9]|3[01]))?|W([0-4]\d|5[0-2])(-?[1-7])?|(00[1-9]|0[1-9]\d|[12]\d{2}|3([0-5]\d|6[1-6])))([T\s]((([01]\d|2[0-3])((:?)[0-5]\d)?|24\:?00)([\.,]\d(?!:))?)?(\17[0-5]\d([\.,]\d)?)?([zZ]|([\-])([01]\d|2[0-3]):?([0-5]\d)?)?)?)?$`: {`-?\d{4}[-0-9W]*([T\s][0-9:.,]*([zZ]|-[0-9:]*)?)?`, ``},
	`^(?!\s*$).+`:                                               {`.+`, `\s*`},
	`^(?!aws:)[a-zA-Z+-=._:/]+$`:                                {`[a-zA-Z+-=._:/]+`, `aws:.*`},
	`^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$`:                    {`[a-zA-Z0-9_\-\.]+`, `[0-9]+`},
	`^(\/|(\/(?!\.)+[^$#<>;` + "`" + `|&?{}^*/\n]+){1,4})$`:     {`/|(/[^$#<>;` + "`" + `|&?{}^*/\n.][^$#<>;` + "`" + `|&?{}^*/\n]*){1,4}`, ``},
	`^(?![aA]{1}[wW]{1}[sS]{1}:)([\p{L}\p{Z}\p{N}_.:/=+\-@]+)$`: {`[\p{L}\p{Z}\p{N}_.:/=+\-@]+`, `(?i)aws:.*`},
	`^(\*\.)?(((?!-)[A-Za-z0-9-]{0,62}[A-Za-z0-9])\.)+((?!-)[A-Za-z0-9-]{1,62}[A-Za-z0-9])$`: {`(\*\.)?([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9][A-Za-z0-9-]{0,61}[A-Za-z0-9]`, ``},
}
