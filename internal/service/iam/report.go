package iam

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"redoubt/internal/store"
)

// Report is a credential report: one line of CSV per user.
type Report struct {
	Content   []byte
	Generated time.Time
}

// reportLife is how long a report is kept before it may be generated again.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
const reportLife = 4 * time.Hour

// GenerateCredentialReport writes a report, unless there is a recent one.
func (s *Service) GenerateCredentialReport(ctx context.Context, _ *iam.GenerateCredentialReportInput) (*iam.GenerateCredentialReportOutput, error) {
	out := &iam.GenerateCredentialReportOutput{State: types.ReportStateTypeComplete}
	return out, s.update(ctx, func(tx *store.Tx) error {
		old, ok, err := s.reports.Get(tx, account(ctx), "")
		if err != nil || ok && time.Since(old.Generated) < reportLife {
			return err
		}
		out.State, out.Description = types.ReportStateTypeStarted, aws.String("No report exists. Starting a new report generation task")
		content, err := s.report(tx, account(ctx))
		if err != nil {
			return err
		}
		return s.reports.Put(tx, Report{content, now()}, account(ctx), "")
	})
}

// GetCredentialReport shows the report.
func (s *Service) GetCredentialReport(ctx context.Context, _ *iam.GetCredentialReportInput) (*iam.GetCredentialReportOutput, error) {
	r, err := read(ctx, s, func(tx *store.Tx) (Report, error) {
		r, _, err := s.reports.Get(tx, account(ctx), "")
		return r, err
	})
	switch {
	case err != nil:
		return nil, err
	case r.Generated.IsZero():
		return nil, &types.CredentialReportNotPresentException{Message: aws.String("No report is present.")}
	case time.Since(r.Generated) > reportLife:
		return nil, &types.CredentialReportExpiredException{Message: aws.String("The most recent report has expired.")}
	}
	return &iam.GetCredentialReportOutput{Content: r.Content, GeneratedTime: &r.Generated, ReportFormat: types.ReportFormatTypeTextCsv}, nil
}

var reportColumns = []string{
	"user", "arn", "user_creation_time", "password_enabled", "password_last_used", "password_last_changed",
	"password_next_rotation", "mfa_active",
	"access_key_1_active", "access_key_1_last_rotated", "access_key_1_last_used_date", "access_key_1_last_used_region", "access_key_1_last_used_service",
	"access_key_2_active", "access_key_2_last_rotated", "access_key_2_last_used_date", "access_key_2_last_used_region", "access_key_2_last_used_service",
	"cert_1_active", "cert_1_last_rotated", "cert_2_active", "cert_2_last_rotated",
}

func (s *Service) report(tx *store.Tx, account string) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write(reportColumns)
	a, _, err := s.accounts.Get(tx, account, "")
	if err != nil {
		return nil, err
	}
	// The root user's password is not known of, and neither are those of users: there are none.
	line := []string{"<root_account>", rootARN(account), stamp(a.Created), "not_supported", "no_information", "not_supported", "not_supported"}
	if err := s.reportLine(tx, w, account, line, len(a.MFA) > 0, a.Keys); err != nil {
		return nil, err
	}
	for rec, err := range s.users.table.Scan(tx, store.Range{Prefix: []string{account, ""}}) {
		if err != nil {
			return nil, err
		}
		u := &rec.Value
		line := []string{u.Name, s.users.arn(account, u), stamp(u.Created), "false", "N/A", "N/A", "N/A"}
		if err := s.reportLine(tx, w, account, line, len(u.MFA) > 0, u.Keys); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

func (s *Service) reportLine(tx *store.Tx, w *csv.Writer, account string, line []string, mfa bool, keys []string) error {
	line = append(line, strconv.FormatBool(mfa))
	for i := range maxKeys {
		if i >= len(keys) {
			line = append(line, "false", "N/A", "N/A", "N/A", "N/A")
			continue
		}
		k, _, err := s.keys.Get(tx, account, "", keys[i])
		if err != nil {
			return fmt.Errorf("reporting key %s: %w", keys[i], err)
		}
		used, err := s.lastUse(tx, account, k.ID)
		if err != nil {
			return err
		}
		line = append(line, strconv.FormatBool(k.Status == types.StatusTypeActive), stamp(k.Created), stamp(used.Time),
			orNA(used.Region), orNA(used.Service))
	}
	return w.Write(append(line, "false", "N/A", "false", "N/A"))
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "N/A"
	}
	return t.UTC().Format("2006-01-02T15:04:05-07:00")
}

func orNA(s string) string {
	if s == "" {
		return "N/A"
	}
	return s
}
