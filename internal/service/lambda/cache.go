package lambda

import "sync"

// maxCached bounds a cache; it is emptied when full.
const maxCached = 1024

// A cache remembers what was made of a text. It is never stale, since the text is the key.
type cache[T any] struct {
	mu   sync.RWMutex
	made map[string]T
}

func (c *cache[T]) get(text string, build func() (T, error)) (T, error) {
	c.mu.RLock()
	v, ok := c.made[text]
	c.mu.RUnlock()
	if ok {
		return v, nil
	}
	v, err := build()
	if err != nil {
		return v, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made == nil || len(c.made) >= maxCached {
		c.made = map[string]T{}
	}
	c.made[text] = v
	return v, nil
}
