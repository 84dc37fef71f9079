package cli

// harden does nothing: this system writes no core files unless told to.
func harden() error { return nil }
