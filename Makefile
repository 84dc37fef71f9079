.PHONY: run test check generate bench fuzz cover soak crash crowd

run:      ; go run ./cmd/redoubt serve
test:     ; go test ./...
check:    ; .ci/run
generate: ; (cd tools && go run ./genapi) && go test ./internal/app -run Coverage -update
bench:    ; cd tools && go run ./bench
fuzz:     ; for p in policy sigv4 wire; do go test -list '^Fuzz' ./internal/$$p | grep ^Fuzz | while read f; do go test -run '^$$' -fuzz "^$$f\$$" -fuzztime 1m ./internal/$$p || exit 1; done; done
cover:    ; go test -cover ./internal/policy ./internal/sigv4
soak:     ; REDOUBT_CAMPAIGN=$${REDOUBT_CAMPAIGN:-60s} go test -count=1 -timeout 0 -v -run 'SixtyFourClients|NothingGrows' ./internal/endtoend
crash:    ; REDOUBT_CAMPAIGN=$${REDOUBT_CAMPAIGN:-60s} go test -count=1 -timeout 0 -v -run 'SurviveKill' ./internal/endtoend
crowd:    ; REDOUBT_TEST_CROWD=$${REDOUBT_TEST_CROWD:-500} go test -count=1 -v -run 'IdleEnvironments' ./internal/sandbox/namespace
