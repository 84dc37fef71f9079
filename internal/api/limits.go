package api

// sessionLimits refuses what AWS does not let certain temporary credentials do, whatever policies say: those of
// GetSessionToken (IAM only with MFA, and of STS only AssumeRole and GetCallerIdentity) and of GetFederationToken (no IAM,
// and of STS only GetCallerIdentity).
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_sts-comparison.html
func sessionLimits(c *Caller, e *Entry, op *Operation) error {
	if c.Session == nil {
		return nil
	}
	federated := c.Kind == FederatedUser
	if !federated && c.Kind != IAMUser && c.Kind != Root {
		return nil
	}
	switch e.Service.Name() {
	case "iam":
		if federated || c.Session.MFA.IsZero() {
			return e.Errors.UnknownKey()
		}
	case "sts":
		if op.Name != "GetCallerIdentity" && (federated || op.Name != "AssumeRole") {
			return e.Errors.Denied("Cannot call " + op.Name + " with session credentials")
		}
	}
	return nil
}
