package kms

import (
	"crypto/elliptic"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// A kind is what a key spec stands for: one of RSA, a curve, Ed25519, ML-KEM, HMAC, or symmetric encryption.
// https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html
type kind struct {
	usages []types.KeyUsageType

	bits    int            // of the modulus of an RSA key
	curve   elliptic.Curve // of a NIST key
	edwards bool
	kem     kem // of an ML-KEM key
	mac     types.MacAlgorithmSpec
	size    int // bytes of an HMAC key

	signs []types.SigningAlgorithmSpec
}

// kinds are the key specs that there are. The others of AWS take algorithms that neither Go's standard library nor Tink has,
// or that AWS itself offers in China only.
var kinds = map[types.KeySpec]kind{
	types.KeySpecSymmetricDefault: {usages: []types.KeyUsageType{types.KeyUsageTypeEncryptDecrypt}},

	types.KeySpecRsa2048: {usages: rsaUsages, bits: 2048, signs: rsaSigns},
	types.KeySpecRsa3072: {usages: rsaUsages, bits: 3072, signs: rsaSigns},
	types.KeySpecRsa4096: {usages: rsaUsages, bits: 4096, signs: rsaSigns},

	types.KeySpecEccNistP256: {usages: eccUsages, curve: elliptic.P256(), signs: []types.SigningAlgorithmSpec{types.SigningAlgorithmSpecEcdsaSha256}},
	types.KeySpecEccNistP384: {usages: eccUsages, curve: elliptic.P384(), signs: []types.SigningAlgorithmSpec{types.SigningAlgorithmSpecEcdsaSha384}},
	types.KeySpecEccNistP521: {usages: eccUsages, curve: elliptic.P521(), signs: []types.SigningAlgorithmSpec{types.SigningAlgorithmSpecEcdsaSha512}},

	types.KeySpecEccNistEdwards25519: {
		usages: []types.KeyUsageType{types.KeyUsageTypeSignVerify}, edwards: true,
		signs: []types.SigningAlgorithmSpec{types.SigningAlgorithmSpecEd25519Sha512, types.SigningAlgorithmSpecEd25519PhSha512},
	},

	types.KeySpecMlKem768:  {usages: kemUsages, kem: kem768{}},
	types.KeySpecMlKem1024: {usages: kemUsages, kem: kem1024{}},

	types.KeySpecHmac224: {usages: macUsages, mac: types.MacAlgorithmSpecHmacSha224, size: 28},
	types.KeySpecHmac256: {usages: macUsages, mac: types.MacAlgorithmSpecHmacSha256, size: 32},
	types.KeySpecHmac384: {usages: macUsages, mac: types.MacAlgorithmSpecHmacSha384, size: 48},
	types.KeySpecHmac512: {usages: macUsages, mac: types.MacAlgorithmSpecHmacSha512, size: 64},
}

var (
	rsaUsages = []types.KeyUsageType{types.KeyUsageTypeEncryptDecrypt, types.KeyUsageTypeSignVerify}
	eccUsages = []types.KeyUsageType{types.KeyUsageTypeSignVerify, types.KeyUsageTypeKeyAgreement}
	kemUsages = []types.KeyUsageType{types.KeyUsageTypeEncapsulateDecapsulate}
	macUsages = []types.KeyUsageType{types.KeyUsageTypeGenerateVerifyMac}

	rsaSigns = []types.SigningAlgorithmSpec{
		types.SigningAlgorithmSpecRsassaPkcs1V15Sha256, types.SigningAlgorithmSpecRsassaPkcs1V15Sha384,
		types.SigningAlgorithmSpecRsassaPkcs1V15Sha512, types.SigningAlgorithmSpecRsassaPssSha256,
		types.SigningAlgorithmSpecRsassaPssSha384, types.SigningAlgorithmSpecRsassaPssSha512,
	}
	rsaEncrypts = []types.EncryptionAlgorithmSpec{
		types.EncryptionAlgorithmSpecRsaesOaepSha1, types.EncryptionAlgorithmSpecRsaesOaepSha256,
	}
	symmetricEncrypts = []types.EncryptionAlgorithmSpec{symmetricDefault}
)

// spec, usage and origin are those of the key. Records of symmetric keys that are older than the choice name none.
func (k *Key) spec() types.KeySpec {
	if k.Spec == "" {
		return types.KeySpecSymmetricDefault
	}
	return k.Spec
}

func (k *Key) usage() types.KeyUsageType {
	if k.Usage == "" {
		return types.KeyUsageTypeEncryptDecrypt
	}
	return k.Usage
}

func (k *Key) origin() types.OriginType {
	if k.Origin == "" {
		return types.OriginTypeAwsKms
	}
	return k.Origin
}

func (k *Key) imported() bool  { return k.Origin == types.OriginTypeExternal }
func (k *Key) symmetric() bool { return k.spec() == types.KeySpecSymmetricDefault }
func (k *Key) kind() kind      { return kinds[k.spec()] }

// paired reports whether keys of the kind have a public half.
func (f kind) paired() bool { return f.bits > 0 || f.curve != nil || f.edwards || f.kem != nil }

// encrypts lists the algorithms with which the key encrypts.
func (k *Key) encrypts() []types.EncryptionAlgorithmSpec {
	switch {
	case k.usage() != types.KeyUsageTypeEncryptDecrypt:
		return nil
	case k.symmetric():
		return symmetricEncrypts
	}
	return rsaEncrypts
}

// signs lists the algorithms with which the key signs.
func (k *Key) signs() []types.SigningAlgorithmSpec {
	if k.usage() != types.KeyUsageTypeSignVerify {
		return nil
	}
	return k.kind().signs
}

// specOf is the key spec of a request, by its present or its former name.
func specOf(in *kms.CreateKeyInput) types.KeySpec {
	switch {
	case in.KeySpec != "":
		return in.KeySpec
	case in.CustomerMasterKeySpec != "":
		return types.KeySpec(in.CustomerMasterKeySpec)
	}
	return types.KeySpecSymmetricDefault
}

// checkSpec refuses what no key can be.
func checkSpec(in *kms.CreateKeyInput) error {
	spec := specOf(in)
	f, ok := kinds[spec]
	switch {
	case in.KeySpec != "" && in.CustomerMasterKeySpec != "":
		return invalid("You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.")
	case !ok:
		return unsupported("KeySpec %s is not supported by Redoubt.", spec)
	case in.CustomKeyStoreId != nil || in.XksKeyId != nil:
		return unsupported("Custom key stores are not supported by Redoubt.")
	case in.Origin != "" && in.Origin != types.OriginTypeAwsKms && in.Origin != types.OriginTypeExternal:
		return unsupported("Origin %s is not supported by Redoubt.", in.Origin)
	case in.Origin == types.OriginTypeExternal && f.kem != nil:
		return unsupported("Origin EXTERNAL is not supported for key spec %s.", spec)
	}
	return checkUsage(in.KeyUsage, spec, f)
}

// checkUsage takes no usage for symmetric encryption keys only (API_CreateKey, KeyUsage).
func checkUsage(usage types.KeyUsageType, spec types.KeySpec, f kind) error {
	switch {
	case usage == "" && spec != types.KeySpecSymmetricDefault:
		return invalid("You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.")
	case usage != "" && !slices.Contains(f.usages, usage):
		return invalid("KeyUsage %s is not compatible with KeySpec %s", usage, spec)
	}
	return nil
}

// shape is what a request says of the key to be.
func shape(in *kms.CreateKeyInput) Key {
	k := Key{Spec: specOf(in), Usage: in.KeyUsage, Origin: in.Origin, MultiRegion: aws.ToBool(in.MultiRegion)}
	k.Usage, k.Origin = k.usage(), k.origin()
	return k
}
