package signer

import "sync"

// How many jobs may be in progress, in all and for one account: nobody can fill the queue for the others.
const maxWaiting, maxOfAccount = 1000, 50

// A backlog is the jobs that this process has begun, each with the account that has started it.
type backlog struct {
	mu   sync.Mutex
	jobs map[jobRef]string
}

// take adds a job, unless there are too many.
func (b *backlog) take(ref jobRef, account string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	of := 0
	for other, a := range b.jobs {
		if a == account && other != ref {
			of++
		}
	}
	if len(b.jobs) >= maxWaiting || of >= maxOfAccount {
		return false
	}
	if b.jobs == nil {
		b.jobs = map[jobRef]string{}
	}
	b.jobs[ref] = account
	return true
}

func (b *backlog) drop(ref jobRef) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.jobs, ref)
}

func (b *backlog) has(ref jobRef) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.jobs[ref] != ""
}
