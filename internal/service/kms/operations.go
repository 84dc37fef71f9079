package kms

import "redoubt/internal/api"

// Operations implements api.Service. Calls that use a key for cryptography change nothing, as CloudTrail sees it.
func (s *Service) Operations() []api.Operation {
	// A key by any of its names, or by its id or ARN only; and one that no other account can touch.
	named, byID, own := api.On(s.key), api.On(s.keyByID), api.On(s.ownKey)
	key := func(field string) api.Need { return own(field).With(callFacts) }
	shared := func(field string) api.Need { return byID(field).With(callFacts) }
	alias, aliased := api.On(s.alias), api.On(s.aliased)
	nothing := api.Anything.With(callFacts)
	return []api.Operation{
		api.Op(s.CancelKeyDeletion, key("KeyId")),
		api.Op(s.CreateAlias, alias("AliasName").With(callFacts), key("TargetKeyId")),
		api.Op(s.CreateGrant, byID("KeyId").With(grantFacts)),
		api.Op(s.CreateKey, api.Anything.With(creationFacts),
			api.Of(newKey).For("kms:TagResource").With(creationFacts).When(bringsTags)),
		api.Op(s.Decapsulate, named("KeyId").With(encapsulationFacts)).Reads(),
		api.Op(s.Decrypt, api.Of(s.decrypts).With(cryptoFacts)).Reads(),
		api.Op(s.DeleteAlias, alias("AliasName").With(callFacts), aliased("AliasName").With(callFacts)),
		api.Op(s.DeleteImportedKeyMaterial, key("KeyId")),
		api.Op(s.DeriveSharedSecret, named("KeyId").With(agreementFacts)).Reads(),
		api.Op(s.DescribeKey, named("KeyId").With(callFacts)),
		api.Op(s.DisableKey, key("KeyId")),
		api.Op(s.DisableKeyRotation, key("KeyId")),
		api.Op(s.EnableKey, key("KeyId")),
		api.Op(s.EnableKeyRotation, own("KeyId").With(rotationFacts)),
		api.Op(s.Encapsulate, named("KeyId").With(encapsulationFacts)).Reads(),
		api.Op(s.Encrypt, named("KeyId").With(cryptoFacts)).Reads(),
		api.Op(s.GenerateDataKey, named("KeyId").With(cryptoFacts)).Reads(),
		api.Op(s.GenerateDataKeyPair, named("KeyId").With(cryptoFacts)).Reads(),
		api.Op(s.GenerateDataKeyPairWithoutPlaintext, named("KeyId").With(cryptoFacts)).Reads(),
		api.Op(s.GenerateDataKeyWithoutPlaintext, named("KeyId").With(cryptoFacts)).Reads(),
		api.Op(s.GenerateMac, named("KeyId").With(macFacts)).Reads(),
		api.Op(s.GenerateRandom, nothing).Reads(),
		api.Op(s.GetKeyLastUsage, key("KeyId")),
		api.Op(s.GetKeyPolicy, key("KeyId")),
		api.Op(s.GetKeyRotationStatus, shared("KeyId")),
		api.Op(s.GetParametersForImport, own("KeyId").With(wrappingFacts)),
		api.Op(s.GetPublicKey, named("KeyId").With(callFacts)),
		api.Op(s.ImportKeyMaterial, own("KeyId").With(importFacts)),
		api.Op(s.ListAliases, nothing),
		api.Op(s.ListGrants, shared("KeyId")),
		api.Op(s.ListKeyPolicies, key("KeyId")),
		api.Op(s.ListKeyRotations, key("KeyId")),
		api.Op(s.ListKeys, nothing),
		api.Op(s.ListResourceTags, key("KeyId")),
		api.Op(s.ListRetirableGrants, nothing),
		api.Op(s.PutKeyPolicy, own("KeyId").With(policyFacts)),
		api.Op(s.ReEncrypt,
			api.Of(s.reEncryptsFrom).For("kms:ReEncryptFrom").With(sourceFacts),
			api.Of(s.reEncryptsTo).For("kms:ReEncryptTo").With(destinationFacts)).Reads(),
		api.Op(s.ReplicateKey, own("KeyId").With(replicaFacts)),
		api.Op(s.RetireGrant, api.Of(s.retires).With(callFacts)),
		api.Op(s.RevokeGrant, shared("KeyId")),
		api.Op(s.RotateKeyOnDemand, key("KeyId")),
		api.Op(s.ScheduleKeyDeletion, own("KeyId").With(deletionFacts)),
		api.Op(s.Sign, named("KeyId").With(signFacts)).Reads(),
		api.Op(s.TagResource, key("KeyId")),
		api.Op(s.UntagResource, key("KeyId")),
		api.Op(s.UpdateAlias, alias("AliasName").With(callFacts), aliased("AliasName").With(callFacts), key("TargetKeyId")),
		api.Op(s.UpdateKeyDescription, key("KeyId")),
		api.Op(s.UpdatePrimaryRegion, own("KeyId").With(primaryFacts)),
		api.Op(s.Verify, named("KeyId").With(signFacts)).Reads(),
		api.Op(s.VerifyMac, named("KeyId").With(macFacts)).Reads(),
	}
}
