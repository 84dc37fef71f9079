package app

import (
	"redoubt/internal/api"
	"redoubt/internal/service/cloudtrail"
	"redoubt/internal/service/iam"
	"redoubt/internal/service/kms"
	"redoubt/internal/service/lambda"
	"redoubt/internal/service/logs"
	"redoubt/internal/service/organizations"
	"redoubt/internal/service/s3"
	"redoubt/internal/service/secretsmanager"
	"redoubt/internal/service/signer"
	"redoubt/internal/service/ssm"
	"redoubt/internal/service/sts"
)

// services are the services that the server itself talks to.
type services struct {
	iam    *iam.Service
	lambda *lambda.Service
}

// makeServices is the list of all services. A new one is one line here.
func (a *App) makeServices(d api.Deps) error {
	m := maker{deps: d}
	identities := add(&m, iam.New)
	trail := add(&m, func(d api.Deps) (*cloudtrail.Service, error) {
		return cloudtrail.New(d, cloudtrail.Config{Data: a.Config.RecordData})
	})
	add(&m, kms.New)
	functions := add(&m, func(d api.Deps) (*lambda.Service, error) {
		return lambda.New(d, lambda.Config{Engine: a.engine, Runtimes: a.Config.Runtimes, Serve: a.serveSandbox})
	})
	add(&m, logs.New)
	add(&m, organizations.New)
	add(&m, s3.New)
	add(&m, secretsmanager.New)
	add(&m, signer.New)
	add(&m, ssm.New)
	add(&m, sts.New)
	if m.err != nil {
		return m.err
	}
	a.services = services{iam: identities, lambda: functions}
	return d.API.Fill(identities, trail, m.made...)
}

// A maker makes services until one fails.
type maker struct {
	deps api.Deps
	made []api.Service
	err  error
}

func add[S api.Service](m *maker, how func(api.Deps) (S, error)) (s S) {
	if m.err != nil {
		return s
	}
	if s, m.err = how(m.deps); m.err == nil {
		m.made = append(m.made, s)
	}
	return s
}
