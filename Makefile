.PHONY: run test check generate bench fuzz cover soak crash crowd

run:      ; go run ./cmd/redoubt serve
test:     ; go test ./...
check:    ; .ci/run
generate: ; (cd tools && go run ./genapi) && go test ./internal/app -run Coverage -update
bench:    ; cd tools && go run ./bench
fuzz:     ; for d in $$(grep -rl --include='*_test.go' '^func Fuzz' internal | xargs -n1 dirname | sort -u); do for f in $$(grep -ho '^func Fuzz[A-Za-z0-9]*' $$d/*_test.go | cut -c6-); do go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $${FUZZTIME:-1m} ./$$d || exit 1; done; done
cover:    ; go test -cover ./internal/policy ./internal/sigv4
soak:     ; REDOUBT_CAMPAIGN=$${REDOUBT_CAMPAIGN:-60s} go test -count=1 -timeout 0 -v -run 'SixtyFourClients|NothingGrows' ./internal/endtoend
crash:    ; REDOUBT_CAMPAIGN=$${REDOUBT_CAMPAIGN:-60s} go test -count=1 -timeout 0 -v -run 'SurviveKill' ./internal/endtoend
crowd:    ; REDOUBT_TEST_CROWD=$${REDOUBT_TEST_CROWD:-500} go test -count=1 -v -run 'IdleEnvironments' ./internal/sandbox/namespace
