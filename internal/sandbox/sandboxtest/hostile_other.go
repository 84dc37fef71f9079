//go:build !linux

package sandboxtest

import "testing"

// Only Linux has engines that isolate.

func (s *suite) files(t *testing.T)        { t.Skip("no engine of this system isolates") }
func (s *suite) powers(t *testing.T)       { t.Skip("no engine of this system isolates") }
func (s *suite) network(t *testing.T)      { t.Skip("no engine of this system isolates") }
func (s *suite) limits(t *testing.T)       { t.Skip("no engine of this system isolates") }
func (s *suite) freeze(t *testing.T)       { t.Skip("no engine of this system isolates") }
func (s *suite) kill(t *testing.T)         { t.Skip("no engine of this system isolates") }
func (s *suite) interpreters(t *testing.T) { t.Skip("no engine of this system isolates") }
func (s *suite) crowds(t *testing.T)       { t.Skip("no engine of this system isolates") }
func (s *suite) tricks(t *testing.T)       { t.Skip("no engine of this system isolates") }
