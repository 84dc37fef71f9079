package iam

import (
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"redoubt/internal/policy"
)

// statement tells where in which document a statement stands.
func (m *simulation) statement(st policy.Statement) types.Statement {
	name := st.Policy
	if strings.HasPrefix(name, "arn:") {
		name = name[strings.LastIndexByte(name, '/')+1:]
	}
	shown := types.Statement{SourcePolicyId: aws.String(name), SourcePolicyType: "IAM Policy"}
	if st.Source == policy.Resource {
		shown.SourcePolicyType = "Resource Policy"
	}
	if from, to, ok := statementSpan(m.texts[st.Policy], st.Index); ok {
		shown.StartPosition, shown.EndPosition = positionAt(m.texts[st.Policy], from), positionAt(m.texts[st.Policy], to)
	}
	return shown
}

// statementSpan finds the bytes of a document that are its i-th statement.
func statementSpan(text string, i int) (from, to int, ok bool) {
	d := json.NewDecoder(strings.NewReader(text))
	if _, err := d.Token(); err != nil {
		return 0, 0, false
	}
	for d.More() {
		name, err := d.Token()
		var raw json.RawMessage
		if err != nil || d.Decode(&raw) != nil {
			return 0, 0, false
		}
		if name != "Statement" {
			continue
		}
		end := int(d.InputOffset())
		from = end - len(raw)
		if raw[0] != '[' {
			return from, end, i == 0
		}
		first, last, ok := elementSpan(raw, i)
		return from + first, from + last, ok
	}
	return 0, 0, false
}

func elementSpan(list json.RawMessage, i int) (from, to int, ok bool) {
	d := json.NewDecoder(strings.NewReader(string(list)))
	d.Token()
	for d.More() {
		var raw json.RawMessage
		if d.Decode(&raw) != nil {
			return 0, 0, false
		}
		if i == 0 {
			end := int(d.InputOffset())
			return end - len(raw), end, true
		}
		i--
	}
	return 0, 0, false
}

// positionAt is the line and column, both from 1, of a byte.
func positionAt(text string, at int) *types.Position {
	line := strings.Count(text[:at], "\n")
	column := at - strings.LastIndexByte(text[:at], '\n')
	return &types.Position{Line: int32(line + 1), Column: int32(column)}
}
