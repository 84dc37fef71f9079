package wire_test

import (
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/wire"
)

const encryptJSON = `{"KeyId":"arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab","Plaintext":"SGVsbG8sIHdvcmxkLCB0aGlzIGlzIGEgc2VjcmV0",` +
	`"EncryptionContext":{"aws:lambda:FunctionArn":"arn:aws:lambda:us-east-1:123456789012:function:f"},"EncryptionAlgorithm":"SYMMETRIC_DEFAULT"}`

const createFunctionJSON = `{"FunctionName":"my-function","Runtime":"nodejs20.x","Role":"arn:aws:iam::123456789012:role/my-role","Handler":"index.handler",` +
	`"Code":{"S3Bucket":"my-bucket","S3Key":"code.zip"},"Description":"what it does","Timeout":30,"MemorySize":256,"Publish":true,` +
	`"VpcConfig":{"SubnetIds":["subnet-1","subnet-2"],"SecurityGroupIds":["sg-1"]},"Environment":{"Variables":{"AA":"1","BB":"2"}},` +
	`"Tags":{"team":"x"},"Layers":["arn:aws:lambda:us-east-1:123456789012:layer:l:1"],"Architectures":["arm64"]}`

// benchService binds all operations of a service.
func benchService(b *testing.B, name string) *wire.Service {
	return newBench(b, subjectNamed(b, name)).service
}

func kmsCall(b *testing.B, s *wire.Service) *wire.Call {
	r := request("POST", "/", "", "Content-Type", "application/x-amz-json-1.1", "X-Amz-Target", "TrentService.Encrypt")
	call, err := s.Match(r, []byte(encryptJSON))
	if err != nil {
		b.Fatal(err)
	}
	return call
}

func lambdaCall(b *testing.B, s *wire.Service) *wire.Call {
	call, err := s.Match(request("POST", "/2015-03-31/functions", ""), []byte(createFunctionJSON))
	if err != nil {
		b.Fatal(err)
	}
	return call
}

func BenchmarkMatch(b *testing.B) {
	k, l := benchService(b, "kms"), benchService(b, "lambda")
	kr := request("POST", "/", "", "Content-Type", "application/x-amz-json-1.1", "X-Amz-Target", "TrentService.Encrypt")
	lr := request("POST", "/2015-03-31/functions/my-function/invocations?Qualifier=prod", "")
	b.Run("kms.Encrypt", func(b *testing.B) {
		for b.Loop() {
			k.Match(kr, nil)
		}
	})
	b.Run("lambda.Invoke", func(b *testing.B) {
		for b.Loop() {
			l.Match(lr, nil)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	for name, call := range map[string]*wire.Call{"kms.Encrypt": kmsCall(b, benchService(b, "kms")), "lambda.CreateFunction": lambdaCall(b, benchService(b, "lambda"))} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := call.Decode(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkValidate(b *testing.B) {
	for name, call := range map[string]*wire.Call{"kms.Encrypt": kmsCall(b, benchService(b, "kms")), "lambda.CreateFunction": lambdaCall(b, benchService(b, "lambda"))} {
		in, err := call.Decode()
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := call.Validate(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	k, l := kmsCall(b, benchService(b, "kms")), lambdaCall(b, benchService(b, "lambda"))
	encrypted := &kms.EncryptOutput{CiphertextBlob: make([]byte, 200), KeyId: ptr("arn:aws:kms:us-east-1:123456789012:key/1"), EncryptionAlgorithm: kmstypes.EncryptionAlgorithmSpecSymmetricDefault}
	function := &lambda.CreateFunctionOutput{
		FunctionName: ptr("my-function"), FunctionArn: ptr("arn:aws:lambda:us-east-1:123456789012:function:my-function"), Runtime: "nodejs20.x",
		Role: ptr("arn:aws:iam::123456789012:role/my-role"), Handler: ptr("index.handler"), CodeSize: 1000, Timeout: ptr[int32](30), MemorySize: ptr[int32](256),
		LastModified: ptr("2026-01-02T12:00:00.000+0000"), CodeSha256: ptr("abc"), Version: ptr("1"), State: "Pending", PackageType: "Zip",
		Architectures: []lambdatypes.Architecture{"arm64"}, Environment: &lambdatypes.EnvironmentResponse{Variables: map[string]string{"A": "1", "B": "2"}},
		VpcConfig: &lambdatypes.VpcConfigResponse{SubnetIds: []string{"subnet-1", "subnet-2"}, SecurityGroupIds: []string{"sg-1"}},
	}
	for name, run := range map[string]func(){
		"kms.Encrypt":           func() { k.Encode(httptest.NewRecorder(), encrypted, "req-1") },
		"lambda.CreateFunction": func() { l.Encode(httptest.NewRecorder(), function, "req-1") },
		"recorder alone":        func() { w := httptest.NewRecorder(); w.WriteHeader(200); w.Write(nil) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				run()
			}
		})
	}
}

func BenchmarkParameters(b *testing.B) {
	s := benchService(b, "lambda")
	in, err := lambdaCall(b, s).Decode()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s.Parameters("CreateFunction", in)
	}
}

// BenchmarkNew is what a service adds to the start of the program; Compile is
// what all its operations together add later, on their first use.
func BenchmarkNew(b *testing.B) {
	for _, name := range []string{"iam", "lambda"} {
		m, bench := readModel(b, name), newBench(b, subjectNamed(b, name))
		var bindings []wire.Binding
		for _, op := range bench.operations() {
			bindings = append(bindings, bench.types[op])
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := wire.New(m, bindings, bench.unions...); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+" with Compile", func(b *testing.B) {
			for b.Loop() {
				s, err := wire.New(m, bindings, bench.unions...)
				if err == nil {
					err = s.Compile()
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
