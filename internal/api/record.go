package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/smithy-go"

	"redoubt/internal/store"
)

// record hands a finished call to the recorder, once for each account that it concerns: the caller's, and those whose
// resources it touched.
func (r *Registry) record(ctx context.Context, e *Entry, op *Operation, in, out any, touched []Resource, remarks map[string]string, err error) error {
	ev := newEvent(CallerOf(ctx), e.Service.Name(), op.RecordName())
	ev.ReadOnly, ev.Data = op.reads, op.data
	ev.setError(err)
	if ev.Account == "" && len(touched) > 0 { // nobody's call is in the trail of what it was about
		ev.Account = touched[0].Account
	}
	denied := e.Errors.IsDenied(ev.ErrorCode)
	if op.data && !denied && !r.recorder.WantsData(ev.Account, ev) {
		return nil
	}
	if stranger := CallerOf(ctx).Stranger; denied && stranger != nil && !stranger() {
		return nil
	}
	ev.Parameters = bounded("requestParameters", e.Wire.Parameters(op.Name, in))
	if err == nil && (!op.reads || op.answers) {
		ev.Response = bounded("responseElements", e.Wire.Elements(op.Name, out))
	}
	ev.Resources, ev.Remarks = listed(touched), remarks
	accounts := concerned(ev, touched, e.Errors.IsDenied(ev.ErrorCode))
	if len(accounts) > 1 {
		ev.SharedID = NewUUID()
	}
	for _, account := range accounts {
		if err := r.recorder.Record(ctx, ev.of(account)); err != nil {
			return err
		}
	}
	return nil
}

// listed names what a call touched, once each: several of its needs may be on one resource.
func listed(touched []Resource) []EventResource {
	var all []EventResource
	for _, res := range touched {
		x := EventResource{res.Account, res.Type, res.ARN}
		if res.Type != "" && res.ARN != "*" && !slices.Contains(all, x) {
			all = append(all, x)
		}
	}
	return all
}

// of is the event as the trail of an account has it. A caller from another account is named by its id and account alone
// (user guide, "CloudTrail userIdentity element", AWSAccount).
func (ev *Event) of(account string) *Event {
	if account == ev.Account {
		return ev
	}
	copied := *ev
	copied.ID, copied.Account = NewUUID(), account
	if u := ev.Identity; u.Account != "" {
		copied.Identity = UserIdentity{Kind: AWSAccount, ID: u.ID, Account: u.Account, InvokedBy: u.InvokedBy}
	}
	return &copied
}

// concerned lists whose trails an event belongs to: the caller's, and those of the resources it touched, unless it was
// refused that.
func concerned(ev *Event, touched []Resource, refused bool) []string {
	accounts := []string{ev.Account}
	for _, res := range touched {
		if len(res.Account) == 12 && !refused && !slices.Contains(accounts, res.Account) {
			accounts = append(accounts, res.Account)
		}
	}
	return accounts
}

// maxElement is where CloudTrail leaves out a part of a record (user guide, "CloudTrail record contents", omitted).
const maxElement = 100 << 10

func bounded(name string, part []byte) []byte {
	if len(part) <= maxElement {
		return part
	}
	return fmt.Appendf(nil, `{"omitted":true,"originalSize":%d,"reason":"%s too large"}`, len(part), name)
}

// Refused records a call that did not get as far as its operation: a signature that is wrong, an input that is none. The
// operation is "" where even that is unknown. account is whose trail it belongs to. It returns err, or another error if
// the record could not be kept.
func (r *Registry) Refused(ctx context.Context, e *Entry, operation, account string, err error) error {
	ev := newEvent(CallerOf(ctx), e.Service.Name(), operation)
	if ev.Account == "" {
		ev.Account = account
	}
	if op := e.ops[operation]; op != nil {
		ev.Name = op.RecordName()
		ev.ReadOnly, ev.Data = op.reads, op.data
	}
	ev.setError(err)
	inner := store.Deferred(ctx)
	recordErr := r.recorder.Record(inner, ev)
	if recordErr == nil {
		recordErr = r.db.Sync(inner)
	}
	if recordErr != nil {
		r.log.ErrorContext(ctx, "recording a refused call failed", "service", e.Service.Name(), "operation", operation, "error", recordErr)
		return errInternal
	}
	return err
}

func newEvent(c *Caller, service, operation string) *Event {
	ev := &Event{
		ID: NewUUID(), Time: c.now(), Source: service + ".amazonaws.com", Name: operation, Region: c.Region, Account: c.Account,
		Identity: c.Identify(), SourceIP: c.Request.SourceIP, UserAgent: c.Request.UserAgent, RequestID: c.Request.ID,
	}
	if s := c.Request.TLS; s != nil {
		ev.TLSVersion, ev.TLSCipher, ev.Host = tlsVersions[s.Version], tls.CipherSuiteName(s.CipherSuite), c.Request.Host
	}
	return ev
}

var tlsVersions = map[uint16]string{tls.VersionTLS12: "TLSv1.2", tls.VersionTLS13: "TLSv1.3"}

func (ev *Event) setError(err error) {
	var known smithy.APIError
	if errors.As(err, &known) {
		ev.ErrorCode, ev.ErrorMessage = exception(known), brief(known.ErrorMessage())
	} else if err != nil {
		ev.ErrorCode = "InternalFailure"
	}
}

// exception is the error's name in a record. There CloudTrail has the name of IAM's exception, NoSuchEntityException, where
// the answer has the shorter code, NoSuchEntity.
func exception(err smithy.APIError) string {
	code := err.ErrorCode()
	if name := reflect.Indirect(reflect.ValueOf(err)).Type().Name(); name == code+"Exception" {
		return name
	}
	return code
}

// maxMessage is where CloudTrail cuts errorMessage (user guide, "CloudTrail record contents").
const maxMessage = 1 << 10

func brief(message string) string {
	return strings.ToValidUTF8(message[:min(len(message), maxMessage)], "")
}
