package policy

import "strings"

// layerNames is how AWS calls the layers when one of them does not allow.
var layerNames = map[Kind]string{
	Identity:        "identity-based policy",
	Resource:        "resource-based policy",
	Trust:           "role trust policy",
	Boundary:        "permissions boundary",
	Session:         "session policy",
	ServiceControl:  "service control policy",
	ResourceControl: "resource control policy",
	Endpoint:        "VPC endpoint policy",
}

// Explain is AWS's sentence about a denial. (IAM user guide, "Troubleshoot access denied error messages".)
func (d Decision) Explain(req *Request) string {
	var b strings.Builder
	b.WriteString("User: " + req.Principal.display() + " is not authorized to perform: " + req.Action)
	if req.Resource != "" {
		b.WriteString(" on resource: " + req.Resource)
	}
	layer := layerNames[d.Source]
	if d.Effect != ExplicitDeny {
		b.WriteString(" because no " + layer + " allows the " + req.Action + " action")
		return b.String()
	}
	b.WriteString(" with an explicit deny in " + article(d.Source) + " " + layer)
	if arn := d.denyingPolicy(); arn != "" {
		b.WriteString(": " + arn)
	}
	return b.String()
}

func article(k Kind) string {
	switch k {
	case Identity:
		return "an"
	case Trust:
		return "the"
	}
	return "a"
}

// denyingPolicy is the ARN of the policy that denies, where AWS tells it: not for resource and endpoint policies.
func (d Decision) denyingPolicy() string {
	switch d.Source {
	case Identity, Boundary, Session, ServiceControl, ResourceControl:
		if len(d.By) > 0 && strings.HasPrefix(d.By[0].Policy, "arn:") {
			return d.By[0].Policy
		}
	}
	return ""
}

// display is how AWS shows a caller.
func (p *Principal) display() string {
	switch {
	case p.ARN != "":
		return p.ARN
	case p.Service != "":
		return p.Service
	case p.Federated != "":
		return p.Federated
	}
	return "anonymous"
}
