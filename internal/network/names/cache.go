package names

import (
	"slices"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// A cache keeps answers for as long as they hold. Its zero value is empty.
type cache struct {
	mu      sync.Mutex
	answers map[dnsmessage.Question]cached
}

type cached struct {
	code    dnsmessage.RCode
	records []dnsmessage.Resource
	from    time.Time
	ttl     time.Duration
}

const maxCached = 1024

func (c *cache) get(q dnsmessage.Question, now time.Time) (dnsmessage.RCode, []dnsmessage.Resource, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok := c.answers[q]
	age := now.Sub(a.from)
	if !ok || age >= a.ttl {
		delete(c.answers, q)
		return 0, nil, false
	}
	records := slices.Clone(a.records)
	for i := range records {
		records[i].Header.TTL -= min(records[i].Header.TTL, uint32(age/time.Second))
	}
	return a.code, records, true
}

// put keeps an answer that says how long it holds; that there is none says it in a record that is not read here.
func (c *cache) put(q dnsmessage.Question, code dnsmessage.RCode, records []dnsmessage.Resource, now time.Time) {
	if len(records) == 0 {
		return
	}
	ttl := maxTTL
	for _, r := range records {
		ttl = min(ttl, time.Duration(r.Header.TTL)*time.Second)
	}
	if ttl == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answers == nil || len(c.answers) >= maxCached {
		c.answers = map[dnsmessage.Question]cached{}
	}
	c.answers[q] = cached{code, slices.Clone(records), now, ttl}
}
