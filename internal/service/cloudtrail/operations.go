package cloudtrail

import "redoubt/internal/api"

// Operations lists what can be called, and what each call needs.
func (s *Service) Operations() []api.Operation {
	return []api.Operation{
		api.Op(s.LookupEvents, api.Anything),
	}
}
