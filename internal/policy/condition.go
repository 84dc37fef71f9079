package policy

import "strings"

// quantifier is a set operator: how many of a key's values must pass.
type quantifier uint8

const (
	some    quantifier = iota // no set operator; meant for keys with one value
	forAll                    // ForAllValues:
	forSome                   // ForAnyValue:
)

// operator is a condition operator taken apart.
type operator struct {
	quantifier quantifier
	ifExists   bool
	negated    bool
	null       bool
	compile    func(values []string, variables bool) (test, bool)
}

// test tells whether a value of the request is covered by the values of the policy.
type test interface {
	covers(value string, req *Request) bool
}

// operators are the condition operators. A negated one is the negation of its positive form over all its values:
// StringNotEquals ["a", "b"] is neither a nor b.
func operatorNamed(name string) (o operator, known bool) {
	switch name {
	case "StringEquals":
		return operator{compile: compileEquals}, true
	case "StringNotEquals":
		return operator{compile: compileEquals, negated: true}, true
	case "StringEqualsIgnoreCase":
		return operator{compile: compileEqualsFold}, true
	case "StringNotEqualsIgnoreCase":
		return operator{compile: compileEqualsFold, negated: true}, true
	case "StringLike":
		return operator{compile: compileLike}, true
	case "StringNotLike":
		return operator{compile: compileLike, negated: true}, true
	case "ArnEquals", "ArnLike": // they behave identically
		return operator{compile: compileARN}, true
	case "ArnNotEquals", "ArnNotLike":
		return operator{compile: compileARN, negated: true}, true
	case "Bool":
		return operator{compile: compileBool}, true
	case "BinaryEquals":
		return operator{compile: compileBinary}, true
	case "IpAddress":
		return operator{compile: compileIP}, true
	case "NotIpAddress":
		return operator{compile: compileIP, negated: true}, true
	case "Null":
		return operator{compile: compileNull, null: true}, true
	}
	return orderedOperator(name)
}

// orderedOperator is the operators on numbers and dates.
func orderedOperator(name string) (o operator, known bool) {
	compile := compileNumeric
	relation, found := strings.CutPrefix(name, "Numeric")
	if !found {
		compile = compileDate
		if relation, found = strings.CutPrefix(name, "Date"); !found {
			return operator{}, false
		}
	}
	accept := map[string]order{
		"Equals": {equal: true}, "NotEquals": {equal: true}, "LessThan": {less: true}, "LessThanEquals": {less: true, equal: true},
		"GreaterThan": {greater: true}, "GreaterThanEquals": {greater: true, equal: true},
	}
	want, known := accept[relation]
	return operator{compile: compile(want), negated: relation == "NotEquals"}, known
}

// parseOperator reads an operator with its set operator and its IfExists.
func parseOperator(name string) (o operator, known bool) {
	var q quantifier
	if rest, found := strings.CutPrefix(name, "ForAllValues:"); found {
		q, name = forAll, rest
	} else if rest, found := strings.CutPrefix(name, "ForAnyValue:"); found {
		q, name = forSome, rest
	}
	base, ifExists := strings.CutSuffix(name, "IfExists")
	o, known = operatorNamed(base)
	o.quantifier, o.ifExists = q, ifExists
	return o, known && !(o.null && ifExists)
}

// condition is one compiled line of a Condition block.
type condition struct {
	operator
	key  string
	test test
}

// compile fails when a value is not of the operator's type.
func (raw rawCondition) compile(variables bool) (condition, bool) {
	o, _ := parseOperator(raw.operator)
	c := condition{operator: o, key: strings.ToLower(raw.key)}
	var ok bool
	c.test, ok = o.compile(raw.values, variables)
	return c, ok
}

// holds decides the condition for a request.
func (c *condition) holds(req *Request) bool {
	values := req.lookup(c.key)
	if c.null {
		return c.test.covers(boolText(len(values) == 0), req)
	}
	if len(values) == 0 {
		return c.holdsAbsent()
	}
	switch c.quantifier {
	case forAll:
		// An empty string counts as no value at all here (IAM user guide, "Multivalued ARN condition operators").
		return len(values) == 1 && values[0] == "" || c.holdsForAll(values, req)
	case forSome:
		return c.holdsForSome(values, req)
	}
	for _, v := range values {
		if c.test.covers(v, req) {
			return !c.negated
		}
	}
	return c.negated
}

// holdsAbsent decides the condition for a request that lacks the key: what must not match does not match, all of no
// values match, and none of them does.
func (c *condition) holdsAbsent() bool {
	switch {
	case c.ifExists:
		return true
	case c.quantifier == some:
		return c.negated
	}
	return c.quantifier == forAll
}

func (c *condition) holdsForAll(values []string, req *Request) bool {
	for _, v := range values {
		if c.test.covers(v, req) == c.negated {
			return false
		}
	}
	return true
}

func (c *condition) holdsForSome(values []string, req *Request) bool {
	for _, v := range values {
		if c.test.covers(v, req) != c.negated {
			return true
		}
	}
	return false
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}
