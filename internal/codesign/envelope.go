package codesign

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"slices"
	"time"
)

// The message is of one fixed form: one signer, P-384 with SHA-384, detached content, signed attributes. It is DER; each
// form but that one is refused, so that a signature has only one.
type (
	contentInfo struct {
		Type    asn1.ObjectIdentifier
		Content signedData `asn1:"explicit,tag:0"`
	}
	signedData struct {
		Version      int
		Digests      []pkix.AlgorithmIdentifier `asn1:"set"`
		Content      encapsulated
		Certificates asn1.RawValue
		Signers      []signerInfo `asn1:"set"`
	}
	encapsulated struct{ Type asn1.ObjectIdentifier }
	signerInfo   struct {
		Version    int
		ID         issuerAndSerial
		Digest     pkix.AlgorithmIdentifier
		Attributes asn1.RawValue
		Algorithm  pkix.AlgorithmIdentifier
		Signature  []byte
	}
	issuerAndSerial struct {
		Issuer asn1.RawValue
		Serial *big.Int
	}
	attribute struct {
		Type   asn1.RawValue
		Values []asn1.RawValue `asn1:"set"`
	}
	protection struct {
		Digest    pkix.AlgorithmIdentifier
		Signature pkix.AlgorithmIdentifier `asn1:"tag:1"`
	}
)

var (
	oidData       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	sha384        = pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}}
	ecdsaSHA384   = pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}}

	oidContentType = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessage     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigned      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}
	oidProtection  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 52} // RFC 6211
	oidJob         = asn1.ObjectIdentifier{1, 3, 187, 137, 1, 2}        // AWS's, as are the next two
	oidExpires     = asn1.ObjectIdentifier{1, 3, 187, 137, 1, 3}
	oidProfile     = asn1.ObjectIdentifier{1, 3, 187, 137, 1, 4}
)

// oidFramed is 2.25.UUID, of a UUID made for it: 4b7f1c0e-7f43-4d0e-9c25-8f0a3d1e6b52. Package asn1 has no room for the number.
var oidFramed = []byte{
	0x06, 0x14, 0x69, 0x81, 0x96, 0xff, 0x8e, 0x83, 0xcf, 0xf4, 0x9a, 0xb4, 0x9d, 0x9c, 0x92, 0xe3, 0xe1, 0xa3, 0xe8, 0xf9, 0xd6, 0x52,
}

// An envelope is a signature as it stands in a package.
type envelope struct {
	Claims
	message, framed []byte
	leaf, root      *x509.Certificate
	attributes      []byte // DER of the signed attributes as a SET
	signature       []byte
}

// sign fills the signature.
func (e *envelope) sign(key *ecdsa.PrivateKey) (err error) {
	if e.attributes, err = e.encodeAttributes(); err != nil {
		return err
	}
	sum := sha512.Sum384(e.attributes)
	e.signature, err = ecdsa.SignASN1(rand.Reader, key, sum[:])
	return err
}

// check verifies the signature by the certificate, and the certificate by roots at the time of the signature: later, only
// the signature's own expiry counts.
func (e *envelope) check(roots *x509.CertPool) error {
	key, ok := e.leaf.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve.Params().BitSize != 384 {
		return errors.New("its key is not of P-384")
	}
	sum := sha512.Sum384(e.attributes)
	if !ecdsa.VerifyASN1(key, sum[:], e.signature) {
		return errors.New("its signature does not fit")
	}
	chains, err := e.leaf.Verify(x509.VerifyOptions{
		Roots: roots, CurrentTime: e.Signed, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	})
	if err != nil {
		return err
	}
	if len(chains[0]) != 2 || !chains[0][1].Equal(e.root) {
		return errors.New("its certificate is not of the authority that it names")
	}
	if len(e.leaf.URIs) != 1 || e.leaf.URIs[0].String() != e.Profile {
		return errors.New("its certificate is not of the profile that it names")
	}
	return nil
}

const pemType = "PKCS7"

// encode is the message as text.
func (e *envelope) encode() ([]byte, error) {
	certificates := [][]byte{e.leaf.Raw, e.root.Raw}
	slices.SortFunc(certificates, bytes.Compare)
	der, err := asn1.Marshal(contentInfo{oidSignedData, signedData{
		Version: 1, Digests: []pkix.AlgorithmIdentifier{sha384}, Content: encapsulated{oidData},
		Certificates: tagged(0, slices.Concat(certificates...)),
		Signers: []signerInfo{{
			Version: 1, ID: issuerAndSerial{asn1.RawValue{FullBytes: e.leaf.RawIssuer}, e.leaf.SerialNumber},
			Digest: sha384, Attributes: retagged(e.attributes), Algorithm: ecdsaSHA384, Signature: e.signature,
		}},
	}})
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der}), nil
}

// tagged is a constructed value of the context's class.
func tagged(tag int, content []byte) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, IsCompound: true, Bytes: content}
}

// retagged turns a SET into the [0] IMPLICIT of a signer's attributes (RFC 5652, 5.4).
func retagged(set []byte) asn1.RawValue {
	full := bytes.Clone(set)
	full[0] = 0xa0
	return asn1.RawValue{FullBytes: full}
}

// decode reads the message, and refuses all that encode would have written otherwise.
func decode(text []byte) (*envelope, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != pemType || len(rest) > 0 {
		return nil, errors.New("it is no PKCS7 message")
	}
	var info contentInfo
	if rest, err := asn1.Unmarshal(block.Bytes, &info); err != nil || len(rest) > 0 {
		return nil, errors.New("it is no message of CMS")
	}
	d := &info.Content
	if len(d.Signers) != 1 || len(d.Signers[0].Attributes.FullBytes) == 0 || len(d.Certificates.Bytes) == 0 {
		return nil, errors.New("it has not one signer")
	}
	s := &d.Signers[0]
	e := &envelope{signature: s.Signature, attributes: bytes.Clone(s.Attributes.FullBytes)}
	e.attributes[0] = 0x31
	if err := e.decodeAttributes(); err != nil {
		return nil, err
	}
	if err := e.certificates(d.Certificates.Bytes, s.ID); err != nil {
		return nil, err
	}
	if again, err := e.encode(); err != nil || !bytes.Equal(again, text) {
		return nil, errors.New("it is not encoded as signatures are")
	}
	return e, nil
}

// certificates finds the signer's certificate and its authority's.
func (e *envelope) certificates(der []byte, id issuerAndSerial) error {
	all, err := x509.ParseCertificates(der)
	if err != nil || len(all) != 2 {
		return errors.New("it has not two certificates")
	}
	for i, c := range all {
		if bytes.Equal(c.RawIssuer, id.Issuer.FullBytes) && c.SerialNumber.Cmp(id.Serial) == 0 {
			e.leaf, e.root = c, all[1-i]
			return nil
		}
	}
	return errors.New("it has no certificate of its signer")
}

// stamp is a time without fractions, as CMS has it (RFC 5652, 11.3).
func stamp(t time.Time) ([]byte, error) {
	return asn1.MarshalWithParams(t.UTC().Truncate(time.Second), "generalized")
}
