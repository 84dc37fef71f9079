package api

import (
	"context"
	"encoding/json"
	"strings"
	"time"
)

// A Recorder keeps the record of calls. The CloudTrail service is one. Record returns once e will survive a crash, or,
// in a deferred context of the store, once it will after the store's Sync.
type Recorder interface {
	Record(ctx context.Context, e *Event) error
	// WantsData reports whether calls of the data plane are kept for the account.
	WantsData(account string, e *Event) bool
}

// An Event is one call, in the words of a CloudTrail record.
type Event struct {
	ID           string
	Time         time.Time
	Source       string // "kms.amazonaws.com"
	Name         string
	Region       string
	Account      string // recipientAccountId: whose trail it belongs to
	Identity     UserIdentity
	SourceIP     string
	UserAgent    string
	ErrorCode    string
	ErrorMessage string
	Parameters   []byte // JSON, secrets redacted
	Response     []byte // JSON, secrets redacted; only of calls that change something
	RequestID    string
	SharedID     string // the same for the records of one call in several trails; "" if there is one
	ReadOnly     bool
	Data         bool
	Resources    []EventResource
	Remarks      map[string]string // additionalEventData
	TLSVersion   string
	TLSCipher    string
	Host         string
}

// EventResource is a resource that a call touched.
type EventResource struct {
	Account, Type, ARN string
}

// UserIdentity is who made a call.
type UserIdentity struct {
	Kind           Kind
	ID             string
	ARN            string
	Account        string
	AccessKey      string
	Name           string
	InvokedBy      string
	IssuerARN      string // of the role behind a session
	IssuerID       string
	IssuerName     string
	Created        time.Time // of the session; zero without one
	MFA            bool
	SourceIdentity string
	Provider       string // of a web identity
	Subject        string
}

// Identify returns c in the words of a record.
func (c *Caller) Identify() UserIdentity {
	u := UserIdentity{
		Kind: c.Kind, ID: c.ID, ARN: c.Principal.ARN, Account: c.Principal.Account,
		AccessKey: c.AccessKey, Name: c.Name,
	}
	switch c.Kind {
	case AWSService:
		u.InvokedBy = c.Principal.Service
	case WebIdentity:
		u.Provider = c.Principal.Federated
	}
	if len(c.Via) > 0 {
		u.InvokedBy = c.Via[len(c.Via)-1]
	}
	if s := c.Session; s != nil {
		u.Created, u.MFA, u.SourceIdentity = s.Issued, !s.MFA.IsZero(), s.Identity
		u.Provider, u.Subject = s.Federated, s.Subject
		if s.Kind == AssumedRole {
			u.IssuerARN = s.Issuer
			u.IssuerID, _, _ = strings.Cut(s.ID, ":")
			u.IssuerName = s.Issuer[strings.LastIndexByte(s.Issuer, '/')+1:]
		}
	}
	return u
}

// record is the shape of a CloudTrail record, version 1.11
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html).
type record struct {
	EventVersion  string            `json:"eventVersion"`
	UserIdentity  recordIdentity    `json:"userIdentity"`
	EventTime     string            `json:"eventTime"`
	EventSource   string            `json:"eventSource"`
	EventName     string            `json:"eventName"`
	Region        string            `json:"awsRegion"`
	SourceIP      string            `json:"sourceIPAddress"`
	UserAgent     string            `json:"userAgent,omitempty"`
	ErrorCode     string            `json:"errorCode,omitempty"`
	ErrorMessage  string            `json:"errorMessage,omitempty"`
	Parameters    json.RawMessage   `json:"requestParameters"`
	Response      json.RawMessage   `json:"responseElements"`
	Remarks       map[string]string `json:"additionalEventData,omitempty"`
	RequestID     string            `json:"requestID"`
	EventID       string            `json:"eventID"`
	ReadOnly      bool              `json:"readOnly"`
	Resources     []recordResource  `json:"resources,omitempty"`
	EventType     string            `json:"eventType"`
	Management    bool              `json:"managementEvent"`
	Recipient     string            `json:"recipientAccountId"`
	SharedID      string            `json:"sharedEventID,omitempty"`
	EventCategory string            `json:"eventCategory"`
	TLS           *recordTLS        `json:"tlsDetails,omitempty"`
}

type recordIdentity struct {
	Type        Kind           `json:"type"`
	PrincipalID string         `json:"principalId,omitempty"`
	ARN         string         `json:"arn,omitempty"`
	AccountID   string         `json:"accountId,omitempty"`
	AccessKeyID string         `json:"accessKeyId,omitempty"`
	UserName    string         `json:"userName,omitempty"`
	Session     *recordSession `json:"sessionContext,omitempty"`
	InvokedBy   string         `json:"invokedBy,omitempty"`
	Provider    string         `json:"identityProvider,omitempty"`
}

type recordSession struct {
	Issuer         *recordIssuer `json:"sessionIssuer,omitempty"`
	WebIDFed       *recordWebID  `json:"webIdFederationData,omitempty"`
	SourceIdentity string        `json:"sourceIdentity,omitempty"`
	Attributes     struct {
		CreationDate string `json:"creationDate"`
		MFA          string `json:"mfaAuthenticated"`
	} `json:"attributes"`
}

type recordIssuer struct {
	Type        string `json:"type"`
	PrincipalID string `json:"principalId"`
	ARN         string `json:"arn"`
	AccountID   string `json:"accountId"`
	UserName    string `json:"userName"`
}

type recordWebID struct {
	Provider string `json:"federatedProvider"`
}

type recordResource struct {
	AccountID string `json:"accountId,omitempty"`
	Type      string `json:"type,omitempty"`
	ARN       string `json:"ARN"`
}

type recordTLS struct {
	Version string `json:"tlsVersion"`
	Cipher  string `json:"cipherSuite"`
	Host    string `json:"clientProvidedHostHeader,omitempty"`
}

// JSON returns the event as CloudTrail shows it.
func (e *Event) JSON() ([]byte, error) {
	r := record{
		EventVersion: "1.11", UserIdentity: e.Identity.record(), EventTime: e.Time.UTC().Format(time.RFC3339),
		EventSource: e.Source, EventName: e.Name, Region: e.Region, SourceIP: e.SourceIP, UserAgent: e.UserAgent,
		ErrorCode: e.ErrorCode, ErrorMessage: e.ErrorMessage, Parameters: rawOrNull(e.Parameters), Response: rawOrNull(e.Response),
		RequestID: e.RequestID, EventID: e.ID, ReadOnly: e.ReadOnly, EventType: "AwsApiCall", Management: !e.Data,
		Recipient: e.Account, SharedID: e.SharedID, EventCategory: "Management", Remarks: e.Remarks,
	}
	if e.Data {
		r.EventCategory = "Data"
	}
	for _, x := range e.Resources {
		r.Resources = append(r.Resources, recordResource{x.Account, x.Type, x.ARN})
	}
	if e.TLSVersion != "" {
		r.TLS = &recordTLS{e.TLSVersion, e.TLSCipher, e.Host}
	}
	return json.Marshal(r)
}

func (u UserIdentity) record() recordIdentity {
	r := recordIdentity{
		Type: u.Kind, PrincipalID: u.ID, ARN: u.ARN, AccountID: u.Account, AccessKeyID: u.AccessKey,
		UserName: u.Name, InvokedBy: u.InvokedBy,
	}
	if u.Kind == WebIdentity {
		r.Provider = u.Provider
	}
	if u.Created.IsZero() {
		return r
	}
	s := &recordSession{SourceIdentity: u.SourceIdentity}
	s.Attributes.CreationDate = u.Created.UTC().Format(time.RFC3339)
	s.Attributes.MFA = "false"
	if u.MFA {
		s.Attributes.MFA = "true"
	}
	if u.IssuerARN != "" {
		s.Issuer = &recordIssuer{"Role", u.IssuerID, u.IssuerARN, accountOf(u.IssuerARN), u.IssuerName}
	}
	if u.Provider != "" {
		s.WebIDFed = &recordWebID{u.Provider}
	}
	r.Session = s
	return r
}

func rawOrNull(b []byte) json.RawMessage {
	if len(b) == 0 {
		return json.RawMessage("null")
	}
	return b
}

// Username is who made the call, as LookupEvents names them: the user, the name of a role's session, or the service.
func (e *Event) Username() string {
	switch u := &e.Identity; u.Kind {
	case Root:
		return "root"
	case AssumedRole:
		return u.ARN[strings.LastIndexByte(u.ARN, '/')+1:]
	case AWSService:
		return u.InvokedBy
	default:
		return u.Name
	}
}
