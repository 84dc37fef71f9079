package kms

import (
	"cmp"
	"context"
	"maps"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"redoubt/internal/policy"
)

// creationFacts are the condition keys of CreateKey, which tell of the key to be; what is not said is the default.
func creationFacts(ctx context.Context, in any) policy.MapKeys {
	create := in.(*kms.CreateKeyInput)
	k := shape(create)
	f := facts(ctx)
	maps.Copy(f, keyFacts(&k, nil))
	return bypass(f, create.BypassPolicyLockoutSafetyCheck)
}

func policyFacts(ctx context.Context, in any) policy.MapKeys {
	return bypass(facts(ctx), in.(*kms.PutKeyPolicyInput).BypassPolicyLockoutSafetyCheck)
}

// bypass leaves the key out where the parameter is not set, as AWS's own example policies expect.
func bypass(f policy.MapKeys, on bool) policy.MapKeys {
	if on {
		f["kms:bypasspolicylockoutsafetycheck"] = []string{"true"}
	}
	return f
}

func deletionFacts(ctx context.Context, in any) policy.MapKeys {
	return number(facts(ctx), "kms:schedulekeydeletionpendingwindowindays", in.(*kms.ScheduleKeyDeletionInput).PendingWindowInDays)
}

func rotationFacts(ctx context.Context, in any) policy.MapKeys {
	return number(facts(ctx), "kms:rotationperiodindays", in.(*kms.EnableKeyRotationInput).RotationPeriodInDays)
}

func number(f policy.MapKeys, name string, n *int32) policy.MapKeys {
	if n != nil {
		f[name] = []string{strconv.Itoa(int(*n))}
	}
	return f
}

// one adds a condition key that the request brings.
func one(f policy.MapKeys, name, value string) policy.MapKeys {
	f[name] = []string{value}
	return f
}

func signFacts(ctx context.Context, in any) policy.MapKeys {
	f := facts(ctx)
	switch in := in.(type) {
	case *kms.SignInput:
		one(f, "kms:signingalgorithm", string(in.SigningAlgorithm))
		return one(f, "kms:messagetype", string(cmp.Or(in.MessageType, types.MessageTypeRaw)))
	case *kms.VerifyInput:
		one(f, "kms:signingalgorithm", string(in.SigningAlgorithm))
		return one(f, "kms:messagetype", string(cmp.Or(in.MessageType, types.MessageTypeRaw)))
	}
	return f
}

func macFacts(ctx context.Context, in any) policy.MapKeys {
	switch in := in.(type) {
	case *kms.GenerateMacInput:
		return one(facts(ctx), "kms:macalgorithm", string(in.MacAlgorithm))
	case *kms.VerifyMacInput:
		return one(facts(ctx), "kms:macalgorithm", string(in.MacAlgorithm))
	}
	return facts(ctx)
}

func agreementFacts(ctx context.Context, in any) policy.MapKeys {
	return one(facts(ctx), "kms:keyagreementalgorithm", string(in.(*kms.DeriveSharedSecretInput).KeyAgreementAlgorithm))
}

func encapsulationFacts(ctx context.Context, in any) policy.MapKeys {
	switch in := in.(type) {
	case *kms.EncapsulateInput:
		return one(facts(ctx), "kms:encapsulationalgorithm", string(in.EncapsulationAlgorithm))
	case *kms.DecapsulateInput:
		return one(facts(ctx), "kms:encapsulationalgorithm", string(in.EncapsulationAlgorithm))
	}
	return facts(ctx)
}

func wrappingFacts(ctx context.Context, in any) policy.MapKeys {
	get := in.(*kms.GetParametersForImportInput)
	f := one(facts(ctx), "kms:wrappingalgorithm", string(get.WrappingAlgorithm))
	return one(f, "kms:wrappingkeyspec", string(get.WrappingKeySpec))
}

// importFacts has the date in seconds, as the user guide's example compares it (conditions-kms, kms:ValidTo).
func importFacts(ctx context.Context, in any) policy.MapKeys {
	load := in.(*kms.ImportKeyMaterialInput)
	f := one(facts(ctx), "kms:expirationmodel", string(cmp.Or(load.ExpirationModel, types.ExpirationModelTypeKeyMaterialExpires)))
	if load.ValidTo != nil {
		one(f, "kms:validto", strconv.FormatInt(load.ValidTo.Unix(), 10))
	}
	return f
}

func replicaFacts(ctx context.Context, in any) policy.MapKeys {
	replicate := in.(*kms.ReplicateKeyInput)
	f := one(facts(ctx), "kms:replicaregion", *replicate.ReplicaRegion)
	return bypass(f, replicate.BypassPolicyLockoutSafetyCheck)
}

func primaryFacts(ctx context.Context, in any) policy.MapKeys {
	return one(facts(ctx), "kms:primaryregion", *in.(*kms.UpdatePrimaryRegionInput).PrimaryRegion)
}
