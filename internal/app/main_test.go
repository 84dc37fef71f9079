package app_test

import (
	"testing"

	"redoubt/redoubttest"
)

func TestMain(m *testing.M) { redoubttest.Main(m) }
