package kms

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"redoubt/internal/store"
)

// An AWS managed key protects the data of one service in one account. It is made when it is first used, its policy lets
// in only what comes through that service, and nobody can change it.
// https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-key
type managedKey struct{ title, data string }

// managedKeys are the services that have one.
var managedKeys = map[string]managedKey{
	"dynamodb":       {"Amazon DynamoDB", "DynamoDB data"},
	"kinesis":        {"Kinesis", "Kinesis data"},
	"lambda":         {"AWS Lambda", "Lambda functions"},
	"s3":             {"S3", "S3 objects"},
	"secretsmanager": {"AWS Secrets Manager", "Secrets Manager data"},
	"sns":            {"SNS", "SNS data"},
	"sqs":            {"Simple Queue Service (SQS)", "SQS messages"},
	"ssm":            {"SSM", "SSM data"},
}

const managedPrefix = aliasPrefix + "aws/"

// managed returns the AWS managed key that an alias without a key stands for; it exists only once it is used.
func managed(r reference) (*live, error) {
	service, _ := strings.CutPrefix(r.alias, managedPrefix)
	m, ok := managedKeys[service]
	if !ok {
		return nil, noAlias(r.account, r.region, r.alias)
	}
	k, err := enliven(Key{
		ID: managedID(r), Account: r.account, Region: r.region, Manager: types.KeyManagerTypeAws,
		Description: "Default key that protects my " + m.data + " when no other key is defined",
		State:       types.KeyStateEnabled, Policy: m.policy(service, r.account, r.region), RotationDays: defaultRotation,
	}, []string{r.alias})
	if err == nil {
		k.unmade = true
	}
	return k, err
}

// managedID is the id that the key will have, known before so that permission can be asked for it.
func managedID(r reference) string {
	sum := sha256.Sum256([]byte(arnOf(r.account, r.region, r.alias)))
	return uuid([16]byte(sum[:16]))
}

func (m managedKey) policy(service, account, region string) string {
	return fmt.Sprintf(`{
  "Version" : "2012-10-17",
  "Id" : "auto-aws%[1]s",
  "Statement" : [ {
    "Sid" : "Allow access through %[2]s for all principals in the account that are authorized to use %[2]s",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "*"
    },
    "Action" : [ "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey" ],
    "Resource" : "*",
    "Condition" : {
      "StringEquals" : {
        "kms:CallerAccount" : "%[3]s",
        "kms:ViaService" : "%[1]s.%[4]s.amazonaws.com"
      }
    }
  }, {
    "Sid" : "Allow direct access to key metadata to the account",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::%[3]s:root"
    },
    "Action" : [ "kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant" ],
    "Resource" : "*"
  } ]
}`, service, m.title, account, region)
}

// make stores an AWS managed key that is used for the first time, unless another call was faster.
func (s *Service) make(ctx context.Context, k *live) (*live, error) {
	now := time.Now().UTC()
	alias := k.facts["kms:resourcealiases"][0]
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		_, ok, err := s.aliases.Get(tx, k.Account, k.Region, alias)
		if ok || err != nil {
			return err
		}
		record := k.Key
		record.Created, record.Tracked, record.NextRotation = now, now, now.AddDate(0, 0, int(record.RotationDays))
		record.Backing = []backing{newBacking(now, "")}
		if err := s.putAlias(tx, Alias{
			Account: k.Account, Region: k.Region, Name: alias, KeyID: k.ID, Created: now, Updated: now,
		}); err != nil {
			return err
		}
		return s.put(tx, &record)
	})
	if err != nil {
		return nil, err
	}
	return s.lookup(ctx, reference{place: k.place()})
}
