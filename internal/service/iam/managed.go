package iam

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"time"
)

// managedText is the managed policies of AWS that owners of functions use, with their real names and statements. Of
// ReadOnlyAccess and SecurityAudit, which name hundreds of services, it has the actions of those that go with functions.
//
//go:embed managed.json
var managedText []byte

// managed is the policies that belong to AWS and that every account can attach.
// https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
type managed struct {
	byARN map[string]*Policy
	all   []named
}

// managedEntry is a policy in managed.json.
type managedEntry struct {
	Path, Name, Description, Version string
	Date                             time.Time // of the version
	Document                         json.RawMessage
}

// awsAccount takes the place of the account in the ARNs of AWS's own policies.
const awsAccount = "aws"

func readManaged() (*managed, error) {
	var entries []managedEntry
	if err := json.Unmarshal(managedText, &entries); err != nil {
		return nil, fmt.Errorf("reading managed.json: %w", err)
	}
	m := &managed{byARN: make(map[string]*Policy, len(entries))}
	for i, e := range entries {
		p := &Policy{
			Name: e.Name, Path: e.Path, ID: fmt.Sprintf("ANPAREDOUBTMANAGED%03d", i), Description: e.Description,
			Created: e.Date, Updated: e.Date, Default: e.Version, Last: number(e.Version),
			Versions: []Version{{ID: e.Version, Document: string(e.Document), Created: e.Date}},
		}
		arn := p.arn(awsAccount)
		m.byARN[arn] = p
		m.all = append(m.all, named{p, arn})
	}
	return m, nil
}

func (m *managed) list() []named { return append([]named(nil), m.all...) }
