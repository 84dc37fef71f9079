package front

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"

	"redoubt/internal/api"
	"redoubt/internal/sigv4"
)

// route finds the service that a request is for: by the scope of its signature, never by its host. A request without a
// signature is asked what it looks like, so that it can be refused, or taken, in the service's own words.
func (d *Door) route(r *http.Request, sig *sigv4.Signature) *api.Entry {
	if sig != nil {
		return d.byName(sig.Service)
	}
	if objectsHost(r.Host, d.region) || isPreflight(r) || isForm(r) {
		return d.byName(objects)
	}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		prefix := target[:max(0, strings.LastIndexByte(target, '.'))]
		return d.find(func(e *api.Entry) bool { return e.Wire.Targeted(prefix) })
	}
	if v := r.URL.Query().Get("Version"); v != "" {
		return d.find(func(e *api.Entry) bool { return e.Wire.APIVersion() == v })
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return d.byName(hostService(r.Host, "sts"))
	}
	if e := d.find(func(e *api.Entry) bool {
		return strings.HasPrefix(e.Wire.Protocols()[0], "rest-") && e.Service.Name() != objects && serves(e, r)
	}); e != nil {
		return e
	}
	if e := d.byName(objects); e != nil && serves(e, r) { // any path may be a bucket and a key
		return e
	}
	return nil
}

func serves(e *api.Entry, r *http.Request) bool {
	call, err := e.Wire.Match(r, nil)
	return err == nil && call.Operation() != ""
}

func (d *Door) byName(name string) *api.Entry {
	return d.find(func(e *api.Entry) bool { return e.Service.Name() == name })
}

func (d *Door) find(is func(*api.Entry) bool) *api.Entry {
	for _, e := range d.api.Services() {
		if is(e) {
			return e
		}
	}
	return nil
}

// hostService reads the service from a host such as sts.us-east-1.localhost; unsigned forms are otherwise for STS, whose
// web identity calls are the only ones that carry no signature.
func hostService(host, otherwise string) string {
	first, _, ok := strings.Cut(host, ".")
	if !ok || first == "localhost" || strings.Trim(first, "0123456789") == "" {
		return otherwise
	}
	return first
}

// refuseUnknown answers a request for a service that is not there.
func refuseUnknown(w http.ResponseWriter, r *http.Request, sig *sigv4.Signature, id string) {
	status, code, message := http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token"
	if sig != nil {
		status, code = http.StatusNotFound, "UnknownServiceException"
		message = "Redoubt does not have the service that the request is signed for: " + printable(sig.Service)
	}
	w.Header().Set("X-Amzn-Requestid", id)
	if _, isQuery := r.URL.Query()["Action"]; isQuery || strings.Contains(r.Header.Get("Content-Type"), "form") {
		type problem struct{ Type, Code, Message string }
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(status)
		xml.NewEncoder(w).Encode(struct {
			XMLName   xml.Name `xml:"ErrorResponse"`
			Error     problem
			RequestID string `xml:"RequestId"`
		}{Error: problem{"Sender", code, message}, RequestID: id})
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", code)
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": message})
}

// printable keeps what strangers send out of terminals.
func printable(s string) string { return url.PathEscape(s[:min(len(s), 64)]) }
