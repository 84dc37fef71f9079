package lambda

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// A lack is something that AWS accepts, and that this server refuses rather than ignores.
type lack struct {
	asked bool
	what  string
}

func refuse(lacks []lack) error {
	for _, l := range lacks {
		if l.asked {
			return unsupported(l.what)
		}
	}
	return nil
}

func unsupportedInCreate(in *lambda.CreateFunctionInput) error {
	c := in.Code
	err := refuse([]lack{
		{in.PackageType == types.PackageTypeImage || c.ImageUri != nil, "A function made of a container image (PackageType Image, Code.ImageUri)"},
		{c.SourceKMSKeyArn != nil, "A key for the deployment package (Code.SourceKMSKeyArn)"},
		{in.PublishTo != "", "Publishing to other than a numbered version (PublishTo)"},
	})
	if err != nil {
		return err
	}
	if err := unsupportedArchitecture(in.Architectures); err != nil {
		return err
	}
	return configured{
		in.VpcConfig, in.DeadLetterConfig, in.FileSystemConfigs, in.SnapStart, in.TracingConfig, in.ImageConfig,
		in.DurableConfig, in.CapacityProviderConfig,
	}.unsupported()
}

func unsupportedInUpdate(in *lambda.UpdateFunctionConfigurationInput) error {
	return configured{
		in.VpcConfig, in.DeadLetterConfig, in.FileSystemConfigs, in.SnapStart, in.TracingConfig, in.ImageConfig,
		in.DurableConfig, in.CapacityProviderConfig,
	}.unsupported()
}

func unsupportedInCode(in *lambda.UpdateFunctionCodeInput) error {
	err := refuse([]lack{
		{in.ImageUri != nil, "A function made of a container image (ImageUri)"},
		{in.SourceKMSKeyArn != nil, "A key for the deployment package (SourceKMSKeyArn)"},
		{in.PublishTo != "", "Publishing to other than a numbered version (PublishTo)"},
	})
	if err != nil {
		return err
	}
	return unsupportedArchitecture(in.Architectures)
}

func unsupportedArchitecture(list []types.Architecture) error {
	for _, a := range list {
		if a != hostArchitecture() {
			return unsupported("Architecture " + string(a) + " on this host, whose architecture is " + string(hostArchitecture()) + ",")
		}
	}
	return nil
}

// configured is what creation and update of a configuration have in common.
type configured struct {
	vpc      *types.VpcConfig
	dead     *types.DeadLetterConfig
	files    []types.FileSystemConfig
	snap     *types.SnapStart
	tracing  *types.TracingConfig
	image    *types.ImageConfig
	durable  *types.DurableConfig
	capacity *types.CapacityProviderConfig
}

func (c configured) unsupported() error {
	v := c.vpc
	return refuse([]lack{
		{v != nil && (len(v.SubnetIds) > 0 || len(v.SecurityGroupIds) > 0 || aws.ToBool(v.Ipv6AllowedForDualStack)), "A network of one's own (VpcConfig)"},
		{c.dead != nil && aws.ToString(c.dead.TargetArn) != "", "A dead-letter queue (DeadLetterConfig)"},
		{len(c.files) > 0, "A file system (FileSystemConfigs)"},
		{c.snap != nil && c.snap.ApplyOn == types.SnapStartApplyOnPublishedVersions, "A snapshot at publication (SnapStart)"},
		{c.tracing != nil && c.tracing.Mode == types.TracingModeActive, "Active tracing (TracingConfig)"},
		{c.image != nil, "A container image's configuration (ImageConfig)"},
		{c.durable != nil, "Durable execution (DurableConfig)"},
		{c.capacity != nil, "A capacity provider (CapacityProviderConfig)"},
	})
}
