package logs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"redoubt/internal/app"
	"redoubt/redoubttest"
)

// key makes a KMS key that CloudWatch Logs may use for the groups of the account whose names match.
func (w *world) key(groups string) string {
	w.Helper()
	who, err := sts.NewFromConfig(w.Config).GetCallerIdentity(w.Context(), &sts.GetCallerIdentityInput{})
	w.must(err)
	text := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%[1]s:root"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":{"Service":"logs.%[2]s.amazonaws.com"},"Action":["kms:GenerateDataKey*","kms:Decrypt"],"Resource":"*",
		 "Condition":{"ArnLike":{"kms:EncryptionContext:aws:logs:arn":"arn:aws:logs:%[2]s:%[1]s:log-group:%[3]s"}}}]}`,
		*who.Account, w.Region, groups)
	out, err := kms.NewFromConfig(w.Config).CreateKey(w.Context(), &kms.CreateKeyInput{Policy: &text})
	w.must(err)
	return *out.KeyMetadata.Arn
}

func TestGroupWithAKeyIsRead(t *testing.T) {
	t.Parallel()
	w, from := start(t), base()
	w.put("g", "s", from, line{0, "before"})
	key := w.key("*")
	_, err := w.AssociateKmsKey(t.Context(), &cwl.AssociateKmsKeyInput{LogGroupName: aws.String("g"), KmsKeyId: &key})
	w.must(err)
	w.put("g", "s", from, line{1, "with"})
	if got := w.group("g").KmsKeyId; got == nil || *got != key {
		t.Errorf("the key is %v", got)
	}
	_, err = w.DisassociateKmsKey(t.Context(), &cwl.DisassociateKmsKeyInput{ResourceIdentifier: w.group("g").LogGroupArn})
	w.must(err)
	w.put("g", "s", from, line{2, "after"})
	if got := texts(w.get(&cwl.GetLogEventsInput{}).Events); !slices.Equal(got, []string{"before", "with", "after"}) {
		t.Errorf("got %v", got)
	}
}

func TestKeyMustBeMeantForTheGroup(t *testing.T) {
	t.Parallel()
	w := start(t)
	key := w.key("another")
	_, err := w.AssociateKmsKey(t.Context(), &cwl.AssociateKmsKeyInput{LogGroupName: aws.String("g"), KmsKeyId: &key})
	refused(t, err, "AccessDeniedException",
		"The specified KMS key does not exist or is not allowed to be used with Arn '"+*w.group("g").LogGroupArn+"'")
	_, err = w.CreateLogGroup(t.Context(), &cwl.CreateLogGroupInput{LogGroupName: aws.String("no"), KmsKeyId: &key})
	refused(t, err, "AccessDeniedException", "")
	missing := key[:strings.LastIndexByte(key, '/')] + "/00000000-0000-0000-0000-000000000000"
	_, err = w.CreateLogGroup(t.Context(), &cwl.CreateLogGroupInput{LogGroupName: aws.String("no"), KmsKeyId: &missing})
	refused(t, err, "InvalidParameterException", "The specified KMS Key Id could not be found.")
}

// A server that starts has no opened keys: what it reads, it asks KMS for.
func TestEventsOfADisabledKeyAreNotRead(t *testing.T) {
	data := t.TempDir()
	server := redoubttest.Run(t, app.Config{Data: data})
	cfg := server.Account(t)
	w := &world{t, cwl.NewFromConfig(cfg), cfg}
	key := w.key("*")
	_, err := w.CreateLogGroup(t.Context(), &cwl.CreateLogGroupInput{LogGroupName: aws.String("g"), KmsKeyId: &key})
	w.must(err)
	w.makeStream("g", "s")
	w.put("g", "s", base(), line{0, "secret"})
	for _, enabled := range []bool{true, false} {
		if !enabled {
			_, err := kms.NewFromConfig(w.Config).DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: &key})
			w.must(err)
		}
		w.must(server.Stop())
		server = redoubttest.Run(t, app.Config{Data: data})
		credentials, err := cfg.Credentials.Retrieve(t.Context())
		w.must(err)
		cfg = server.Config(t, credentials.AccessKeyID, credentials.SecretAccessKey, "")
		w = &world{t, cwl.NewFromConfig(cfg), cfg}
		_, err = w.GetLogEvents(t.Context(), &cwl.GetLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")})
		if enabled {
			w.must(err)
		} else {
			refused(t, err, "AccessDeniedException", "")
			_, err = w.tryPut("g", "s", base(), line{0, "more"})
			refused(t, err, "AccessDeniedException", "")
		}
	}
}
