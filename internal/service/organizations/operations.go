package organizations

import "redoubt/internal/api"

// Operations lists what can be called, and what each call needs.
func (s *Service) Operations() []api.Operation {
	account := api.On(s.account)
	return []api.Operation{
		api.Op(s.CreateAccount, api.Anything),
		api.Op(s.DescribeAccount, account("AccountId")),
		api.Op(s.DescribeCreateAccountStatus, api.Anything),
		api.Op(s.DescribeOrganization, api.Anything),
		api.Op(s.ListAccounts, api.Anything),
	}
}
