package secretsmanager_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"redoubt/internal/app"
	"redoubt/internal/service/secretsmanager"
	"redoubt/redoubttest"
)

// at lets a server do what is due at a time to come.
func at(t *testing.T, server *redoubttest.Server, in time.Duration) {
	t.Helper()
	for _, e := range server.App.Registry().Services() {
		if s, ok := e.Service.(*secretsmanager.Service); ok {
			must(t, s.RunDueAt(ctx, time.Now().UTC().Add(in)))
		}
	}
}

func own(t *testing.T, dir string) (*redoubttest.Server, *principal) {
	t.Helper()
	server := redoubttest.Run(t, app.Config{Data: dir})
	return server, identify(t, server.Account(t))
}

func TestSecretsAreRotatedBySchedule(t *testing.T) {
	server, p := own(t, t.TempDir())
	p.create(t, "x", "first")
	p.create(t, "y", "first")
	f := p.rotator(t, "rotator", nil)
	p.let(t, f)
	for _, id := range []string{"x", "y"} {
		must(t, p.rotate(id, f, &types.RotationRulesType{ScheduleExpression: ptr("rate(4 hours)")}, false))
		until(t, "the test has ended", func() bool { return len(p.describe(t, id).VersionIdsToStages) == 1 })
	}
	at(t, server, 2*time.Hour)
	p.holds(t, "x", "first")
	at(t, server, 4*time.Hour)
	for _, id := range []string{"x", "y"} {
		if value, err := p.get(id); err != nil || value == "first" {
			t.Errorf("%s is %q, %v", id, value, err)
		}
	}
}

func TestFailedRotationIsTriedAgainAfterARestart(t *testing.T) {
	dir := t.TempDir()
	server, p := own(t, dir)
	p.create(t, "x", "first")
	f := p.rotator(t, "rotator", map[string]string{"FAILS": "1"})
	p.let(t, f)
	must(t, p.rotate("x", f, nil, true))
	until(t, "the pending version has a value", func() bool {
		_, err := p.GetSecretValue(ctx, &sdk.GetSecretValueInput{SecretId: ptr("x"), VersionStage: ptr("AWSPENDING")})
		return err == nil
	})
	at(t, server, time.Hour) // fails again, and waits for what is under way
	p.holds(t, "x", "first")
	pending, err := p.GetSecretValue(ctx, &sdk.GetSecretValueInput{SecretId: ptr("x"), VersionStage: ptr("AWSPENDING")})
	must(t, err)
	_, err = lambda.NewFromConfig(p.cfg).UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: &f, Environment: &lambdatypes.Environment{Variables: map[string]string{}},
	})
	must(t, err)
	keys, err := p.cfg.Credentials.Retrieve(ctx)
	must(t, err)
	must(t, server.Stop())
	server = redoubttest.Run(t, app.Config{Data: dir})
	p = identify(t, server.Config(t, keys.AccessKeyID, keys.SecretAccessKey, ""))
	until(t, "the secret is rotated", func() bool {
		at(t, server, time.Hour)
		return p.describe(t, "x").LastRotatedDate != nil
	})
	p.holds(t, "x", *pending.SecretString) // the version that was begun is the one that came of it
}

func TestMarkedSecretIsDeletedWhenItsTimeHasCome(t *testing.T) {
	server, p := own(t, t.TempDir())
	p.create(t, "x", "1")
	_, err := p.DeleteSecret(ctx, &sdk.DeleteSecretInput{SecretId: ptr("x"), RecoveryWindowInDays: ptr[int64](7)})
	must(t, err)
	at(t, server, 6*24*time.Hour)
	p.describe(t, "x")
	at(t, server, 8*24*time.Hour)
	_, err = p.DescribeSecret(ctx, &sdk.DescribeSecretInput{SecretId: ptr("x")})
	refused(t, err, "ResourceNotFoundException", missing)
}
