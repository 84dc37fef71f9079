package kms

import (
	"context"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"redoubt/internal/api"
	"redoubt/internal/policy"
)

// The condition keys of KMS:
// https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html

// keyFacts are the condition keys that a key brings.
func keyFacts(k *Key, aliases []string) policy.MapKeys {
	spec, usage := []string{string(k.spec())}, []string{string(k.usage())}
	facts := policy.MapKeys{
		"kms:keyspec": spec, "kms:customermasterkeyspec": spec, "kms:keyusage": usage, "kms:customermasterkeyusage": usage,
		"kms:keyorigin": {string(k.origin())}, "kms:multiregion": {boolText(k.MultiRegion)},
	}
	if k.MultiRegion {
		facts["kms:multiregionkeytype"] = []string{string(types.MultiRegionKeyTypePrimary)}
	}
	if len(aliases) > 0 {
		facts["kms:resourcealiases"] = aliases
	}
	return facts
}

// callFacts are the condition keys that every call brings.
func callFacts(ctx context.Context, _ any) policy.MapKeys { return facts(ctx) }

func facts(ctx context.Context) policy.MapKeys {
	c := api.CallerOf(ctx)
	account := c.Principal.Account
	if account == "" {
		account = c.Account
	}
	f := policy.MapKeys{"kms:calleraccount": {account}}
	if len(c.Via) > 0 {
		f["kms:viaservice"] = []string{viaService(c.Via[len(c.Via)-1], c.Region)}
	}
	return f
}

// viaService is the value of kms:ViaService: "lambda.us-east-1.amazonaws.com".
func viaService(principal, region string) string {
	service, rest, _ := strings.Cut(principal, ".")
	return service + "." + region + "." + rest
}

// cryptoFacts are the condition keys of calls that encrypt or decrypt.
func cryptoFacts(ctx context.Context, in any) policy.MapKeys {
	f := facts(ctx)
	switch in := in.(type) {
	case *kms.DecryptInput:
		return contextFacts(f, in.EncryptionAlgorithm, in.EncryptionContext)
	case *kms.EncryptInput:
		return contextFacts(f, in.EncryptionAlgorithm, in.EncryptionContext)
	case *kms.GenerateDataKeyInput:
		return contextFacts(f, "", in.EncryptionContext)
	case *kms.GenerateDataKeyWithoutPlaintextInput:
		return contextFacts(f, "", in.EncryptionContext)
	case *kms.GenerateDataKeyPairInput:
		f["kms:datakeypairspec"] = []string{string(in.KeyPairSpec)}
		return contextFacts(f, "", in.EncryptionContext)
	case *kms.GenerateDataKeyPairWithoutPlaintextInput:
		f["kms:datakeypairspec"] = []string{string(in.KeyPairSpec)}
		return contextFacts(f, "", in.EncryptionContext)
	}
	return f
}

func sourceFacts(ctx context.Context, in any) policy.MapKeys {
	from := in.(*kms.ReEncryptInput)
	return contextFacts(facts(ctx), from.SourceEncryptionAlgorithm, from.SourceEncryptionContext)
}

func destinationFacts(ctx context.Context, in any) policy.MapKeys {
	to := in.(*kms.ReEncryptInput)
	return contextFacts(facts(ctx), to.DestinationEncryptionAlgorithm, to.DestinationEncryptionContext)
}

var symmetric = []string{string(symmetricDefault)}

func contextFacts(f policy.MapKeys, algorithm types.EncryptionAlgorithmSpec, context map[string]string) policy.MapKeys {
	f["kms:encryptionalgorithm"] = symmetric
	if algorithm != "" && algorithm != symmetricDefault {
		f["kms:encryptionalgorithm"] = []string{string(algorithm)}
	}
	f[wholeContext] = []string{canonical(context)}
	return pairFacts(f, context)
}

// pairFacts adds an encryption context pair by pair: as policies name it, without regard to the case of its keys, and as
// the constraints of grants do, exactly.
func pairFacts(f policy.MapKeys, context map[string]string) policy.MapKeys {
	if len(context) == 0 {
		return f
	}
	f["kms:encryptioncontextkeys"] = slices.Sorted(maps.Keys(context))
	for k, v := range context {
		name := "kms:encryptioncontext:" + strings.ToLower(k)
		f[name] = append(f[name], v)
		f[contextPair(k)] = []string{v}
	}
	return f
}

// wholeContext is the condition key for all of an encryption context, and contextPair that for a value of it. They are
// used in the statements that grants become, and nowhere else.
const wholeContext = "redoubt:encryptioncontext"

func contextPair(key string) string { return wholeContext + ":" + hex.EncodeToString([]byte(key)) }

// canonical writes an encryption context so that two are equal if and only if their texts are.
func canonical(context map[string]string) string {
	var b strings.Builder
	b.WriteString(strconv.Itoa(len(context)))
	for _, k := range slices.Sorted(maps.Keys(context)) {
		for _, s := range []string{k, context[k]} {
			b.WriteByte(' ')
			b.WriteString(strconv.Itoa(len(s)))
			b.WriteByte(' ')
			b.WriteString(s)
		}
	}
	return b.String()
}

// grantFacts are the condition keys of CreateGrant. The encryption context is that of the new grant's constraints, so
// that a permission which is constrained itself can be passed on only with constraints as strict.
func grantFacts(ctx context.Context, in any) policy.MapKeys {
	g := in.(*kms.CreateGrantInput)
	c := api.CallerOf(ctx)
	f := facts(ctx)
	for _, op := range g.Operations {
		f["kms:grantoperations"] = append(f["kms:grantoperations"], string(op))
	}
	set := func(name string, value *string) {
		if value != nil {
			f[name] = []string{*value}
		}
	}
	set("kms:granteeprincipal", g.GranteePrincipal)
	set("kms:granteeserviceprincipal", g.GranteeServicePrincipal)
	set("kms:retiringprincipal", g.RetiringPrincipal)
	set("kms:retiringserviceprincipal", g.RetiringServicePrincipal)
	f["kms:grantisforawsresource"] = []string{boolText(len(c.Via) > 0 || c.Kind == api.AWSService)}
	if g.Constraints == nil {
		return f
	}
	set("kms:grantconstraintsourcearn", g.Constraints.SourceArn)
	if len(g.Constraints.EncryptionContextSubset) > 0 {
		f["kms:grantconstrainttype"] = []string{"EncryptionContextSubset"}
		return pairFacts(f, g.Constraints.EncryptionContextSubset)
	}
	if len(g.Constraints.EncryptionContextEquals) > 0 {
		f["kms:grantconstrainttype"] = []string{"EncryptionContextEquals"}
		f[wholeContext] = []string{canonical(g.Constraints.EncryptionContextEquals)}
		return pairFacts(f, g.Constraints.EncryptionContextEquals)
	}
	return f
}
