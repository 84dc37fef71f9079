package signer

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/signer"
	"github.com/aws/aws-sdk-go-v2/service/signer/types"

	"redoubt/internal/codesign"
)

// lambdaPlatform is the platform of Lambda's packages, the only one here.
const lambdaPlatform, lambdaName = "AWSLambda-SHA384-ECDSA", "AWS Lambda"

// others are the platforms of AWS that Redoubt does not have.
var others = map[string]bool{
	"AWSIoTDeviceManagement-SHA256-ECDSA": true, "AmazonFreeRTOS-Default": true, "AmazonFreeRTOS-TI-CC3220SF": true,
	"Notation-OCI-SHA384-ECDSA": true,
}

func checkPlatform(id string) error {
	switch {
	case id == lambdaPlatform:
		return nil
	case others[id]:
		return invalid("Signing platform %s is not supported by Redoubt yet.", id)
	}
	return invalid("Invalid platformId: %s", id)
}

// platform describes it as AWS does. The model has fewer categories and algorithms than AWS uses.
func platform() types.SigningPlatform {
	return types.SigningPlatform{
		PlatformId: aws.String(lambdaPlatform), DisplayName: aws.String(lambdaName), Partner: aws.String("AWSLambda"),
		Target: aws.String("SHA384-ECDSA"), Category: "AWS", MaxSizeInMB: codesign.MaxPackage >> 20, RevocationSupported: true,
		SigningConfiguration: &types.SigningConfiguration{
			EncryptionAlgorithmOptions: &types.EncryptionAlgorithmOptions{
				AllowedValues: []types.EncryptionAlgorithm{"ECDSA"}, DefaultValue: "ECDSA",
			},
			HashAlgorithmOptions: &types.HashAlgorithmOptions{AllowedValues: []types.HashAlgorithm{"SHA384"}, DefaultValue: "SHA384"},
		},
		SigningImageFormat: &types.SigningImageFormat{SupportedFormats: []types.ImageFormat{"JSONDetached"}, DefaultFormat: "JSONDetached"},
	}
}

// GetSigningPlatform implements the operation.
func (s *Service) GetSigningPlatform(_ context.Context, in *signer.GetSigningPlatformInput) (*signer.GetSigningPlatformOutput, error) {
	if *in.PlatformId != lambdaPlatform {
		return nil, notFound("Signing platform %s does not exist", *in.PlatformId)
	}
	p := platform()
	return &signer.GetSigningPlatformOutput{
		PlatformId: p.PlatformId, DisplayName: p.DisplayName, Partner: p.Partner, Target: p.Target, Category: p.Category,
		MaxSizeInMB: p.MaxSizeInMB, RevocationSupported: p.RevocationSupported, SigningConfiguration: p.SigningConfiguration,
		SigningImageFormat: p.SigningImageFormat,
	}, nil
}

// ListSigningPlatforms implements the operation.
func (s *Service) ListSigningPlatforms(_ context.Context, in *signer.ListSigningPlatformsInput) (*signer.ListSigningPlatformsOutput, error) {
	if in.NextToken != nil {
		return nil, badToken() // there is but one page
	}
	p := platform()
	out := &signer.ListSigningPlatformsOutput{Platforms: []types.SigningPlatform{}}
	if fits(in.Category, string(p.Category)) && fits(in.Partner, *p.Partner) && fits(in.Target, *p.Target) {
		out.Platforms = append(out.Platforms, p)
	}
	return out, nil
}

// fits reports whether a filter lets a value pass.
func fits(filter *string, value string) bool { return aws.ToString(filter) == "" || *filter == value }
