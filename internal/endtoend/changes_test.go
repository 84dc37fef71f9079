//go:build linux

package endtoend

import (
	"archive/zip"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
)

// changeUser makes a user with a policy and a tag. It deletes every other one again.
func (b *book) changeUser(c *client, name string) error {
	if _, err := c.iam.CreateUser(c.ctx, &iam.CreateUserInput{UserName: &name}); err != nil {
		return err
	}
	b.since("user "+name, func(c *client) error {
		_, err := c.iam.GetUser(c.ctx, &iam.GetUserInput{UserName: &name})
		return err
	})
	policy := &iam.PutUserPolicyInput{UserName: &name, PolicyName: aws.String("p"), PolicyDocument: aws.String(mayLog)}
	if _, err := c.iam.PutUserPolicy(c.ctx, policy); err != nil {
		return err
	}
	b.since("policy of "+name, func(c *client) error {
		_, err := c.iam.GetUserPolicy(c.ctx, &iam.GetUserPolicyInput{UserName: &name, PolicyName: aws.String("p")})
		return err
	})
	tags := []iamtypes.Tag{{Key: aws.String("name"), Value: &name}}
	if _, err := c.iam.TagUser(c.ctx, &iam.TagUserInput{UserName: &name, Tags: tags}); err != nil {
		return err
	}
	b.since("tags of "+name, func(c *client) error {
		out, err := c.iam.ListUserTags(c.ctx, &iam.ListUserTagsInput{UserName: &name})
		if err == nil && (len(out.Tags) != 1 || *out.Tags[0].Value != name) {
			return fmt.Errorf("has %d tags", len(out.Tags))
		}
		return err
	})
	if strings.HasSuffix(name, "1") {
		return nil
	}
	return b.deleteUser(c, name)
}

func (b *book) deleteUser(c *client, name string) error {
	b.pending("policy of " + name)
	if _, err := c.iam.DeleteUserPolicy(c.ctx, &iam.DeleteUserPolicyInput{UserName: &name, PolicyName: aws.String("p")}); err != nil {
		return err
	}
	b.pending("user " + name)
	b.pending("tags of " + name)
	if _, err := c.iam.DeleteUser(c.ctx, &iam.DeleteUserInput{UserName: &name}); err != nil {
		return err
	}
	b.since("user "+name, func(c *client) error {
		_, err := c.iam.GetUser(c.ctx, &iam.GetUserInput{UserName: &name})
		var e smithy.APIError
		if !errors.As(err, &e) || e.ErrorCode() != "NoSuchEntity" {
			return fmt.Errorf("deleted, but there again: %v", err)
		}
		return nil
	})
	return nil
}

// changeKey makes a key, an alias and a ciphertext.
func (b *book) changeKey(c *client, name string) error {
	made, err := c.kms.CreateKey(c.ctx, &kms.CreateKeyInput{Tags: []kmstypes.Tag{{TagKey: aws.String("name"), TagValue: &name}}})
	if err != nil {
		return err
	}
	sealed, err := c.kms.Encrypt(c.ctx, &kms.EncryptInput{KeyId: made.KeyMetadata.KeyId, Plaintext: []byte(name)})
	if err != nil {
		return err
	}
	b.since("ciphertext "+name, func(c *client) error {
		out, err := c.kms.Decrypt(c.ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})
		if err == nil && string(out.Plaintext) != name {
			return fmt.Errorf("decrypts to %q", out.Plaintext)
		}
		return err
	})
	alias := aws.String("alias/" + name)
	if _, err := c.kms.CreateAlias(c.ctx, &kms.CreateAliasInput{AliasName: alias, TargetKeyId: made.KeyMetadata.KeyId}); err != nil {
		return err
	}
	b.since("alias "+name, func(c *client) error {
		out, err := c.kms.DescribeKey(c.ctx, &kms.DescribeKeyInput{KeyId: alias})
		if err == nil && *out.KeyMetadata.KeyId != *made.KeyMetadata.KeyId {
			return fmt.Errorf("is of key %s, not %s", *out.KeyMetadata.KeyId, *made.KeyMetadata.KeyId)
		}
		return err
	})
	return nil
}

// changeFunction makes a function on its first call, then changes its configuration. It invokes it all the while.
func (b *book) changeFunction(c *client, name string) error {
	function := name[:strings.LastIndexByte(name, '-')]
	if strings.HasSuffix(name, "-0") {
		if _, err := c.lambda.CreateFunction(c.ctx, c.functionInput(function, b.role, map[string]string{"VALUE": name})); err != nil {
			return err
		}
	} else {
		b.pending("function " + function)
		_, err := c.lambda.UpdateFunctionConfiguration(c.ctx, &lambda.UpdateFunctionConfigurationInput{
			FunctionName: &function, Environment: &types.Environment{Variables: map[string]string{"VALUE": name}},
		})
		if err != nil {
			return err
		}
	}
	holds := func(c *client) error {
		a, err := c.invoke(function, fmt.Sprintf(`{"say":"hello","print":%q}`, name))
		if err == nil && a.Value != name {
			return fmt.Errorf("runs with VALUE %q, not %q", a.Value, name)
		}
		return err
	}
	b.since("function "+function, holds)
	for range 5 {
		if err := holds(c); err != nil {
			return err
		}
	}
	return nil
}

// changeLog makes a group on its first call, then writes events into a stream.
func (b *book) changeLog(c *client, name string) error {
	group, stream := name[:strings.LastIndexByte(name, '-')], "stream"
	if strings.HasSuffix(name, "-0") {
		if _, err := c.logs.CreateLogGroup(c.ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &group}); err != nil {
			return err
		}
		in := &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &stream}
		if _, err := c.logs.CreateLogStream(c.ctx, in); err != nil {
			return err
		}
	}
	_, err := c.logs.PutLogEvents(c.ctx, &cloudwatchlogs.PutLogEventsInput{
		LogGroupName: &group, LogStreamName: &stream,
		LogEvents: []logstypes.InputLogEvent{{Timestamp: aws.Int64(time.Now().UnixMilli()), Message: &name}},
	})
	if err != nil {
		return err
	}
	b.since("log "+group, func(c *client) error { return holdsUpTo(c, group, name) })
	return nil
}

// holdsUpTo checks that a group has all events up to one, each once, and in order.
func holdsUpTo(c *client, group, last string) error {
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(c.logs, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group})
	for i := 0; pages.HasMorePages(); {
		page, err := pages.NextPage(c.ctx)
		if err != nil {
			return err
		}
		for _, e := range page.Events {
			if want := fmt.Sprintf("%s-%d", group, i); *e.Message != want {
				return fmt.Errorf("holds %s where %s should be", *e.Message, want)
			}
			if i++; *e.Message == last {
				return nil
			}
		}
	}
	return fmt.Errorf("%s is not there", last)
}

// hostPython is the runtime that the interpreter on PATH can serve, or "".
var hostPython = sync.OnceValue(func() types.Runtime {
	out, err := exec.Command("python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])").Output()
	if err != nil {
		return ""
	}
	return types.Runtime("python" + strings.TrimSpace(string(out)))
})

// pythonInput describes a function whose code is stored in its package as it stands here.
func pythonInput(name, role, code string) *lambda.CreateFunctionInput {
	return &lambda.CreateFunctionInput{
		FunctionName: &name, Role: &role, Runtime: hostPython(), Handler: aws.String("app.handler"),
		Code: &types.FunctionCode{ZipFile: packed("app.py", []byte(code), zip.Store)},
	}
}
