package lambda

import "sync"

// once makes sure that a package is read and unpacked once, however many environments start at the same time.
type once struct {
	mu      sync.Mutex
	loading map[string]*load
}

type load struct {
	done chan struct{}
	err  error
}

func (o *once) load(id string, fn func() error) error {
	o.mu.Lock()
	if l := o.loading[id]; l != nil {
		o.mu.Unlock()
		<-l.done
		return l.err
	}
	l := &load{done: make(chan struct{})}
	if o.loading == nil {
		o.loading = map[string]*load{}
	}
	o.loading[id] = l
	o.mu.Unlock()
	l.err = fn()
	o.mu.Lock()
	delete(o.loading, id)
	o.mu.Unlock()
	close(l.done)
	return l.err
}
