package network

// Counts are packets that were dropped.
type Counts struct {
	Dropped uint64 // that no rule allows
	Spoofed uint64 // whose source is not the sandbox's
}

// Add adds others.
func (c *Counts) Add(d Counts) {
	c.Dropped += d.Dropped
	c.Spoofed += d.Spoofed
}
