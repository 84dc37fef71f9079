package fleet

import (
	"testing"
	"testing/synctest"
	"time"
)

// settlingPool is a pool with environments that have answered and not asked again.
func settlingPool(f *Fleet, n int) (p *pool, all []*environment) {
	p = newPool("1", time.Time{})
	at := place{arn: "arn"}
	f.pools[at] = p
	for range n {
		e := &environment{fleet: f, place: at, pool: p, state: settling, plan: &Blueprint{}}
		e.timer = time.AfterFunc(time.Hour, func() {})
		p.settling++
		all = append(all, e)
	}
	return p, all
}

func TestEnvironmentGoesToWhoWaitsLongest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New(Config{})
		p, envs := settlingPool(f, 2)
		fn := &Function{ARN: "arn", Generation: "1", Timeout: time.Second}
		first, second, third := make(chan *environment, 1), make(chan *environment, 1), make(chan *environment, 1)
		go func() { first <- f.take(fn) }()
		synctest.Wait()
		go func() { second <- f.take(fn) }()
		synctest.Wait()
		go func() { third <- f.take(fn) }()
		if e := <-third; e != nil { // both are spoken for
			t.Errorf("the third got %p", e)
		}
		f.polling(envs[1])
		f.polling(envs[0])
		if a, b := <-first, <-second; a != envs[1] || b != envs[0] {
			t.Error("the environments were not handed out in order")
		}
		if p.busy != 2 || p.settling != 0 || len(p.idle) != 0 || len(p.waiting) != 0 {
			t.Errorf("pool %+v", p)
		}
		for _, e := range envs {
			e.timer.Stop()
		}
	})
}

func TestWhatWasDeployedBeforeDisplacesNothing(t *testing.T) {
	f := New(Config{})
	now := time.Now()
	older := &Function{ARN: "arn", Generation: "1", Since: now}
	newer := &Function{ARN: "arn", Generation: "2", Since: now.Add(time.Second)}
	first := f.poolLocked(older)
	second := f.poolLocked(newer)
	if late := f.poolLocked(older); late == first || late == second || f.poolLocked(newer) != second {
		t.Error("an older generation has taken the place of a newer one")
	}
}

func TestEventsDoNotWaitForALostEnvironment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New(Config{})
		p, envs := settlingPool(f, 1)
		got := make(chan *environment, 1)
		begin := time.Now()
		go func() { got <- f.take(&Function{ARN: "arn", Generation: "1", Timeout: time.Second}) }()
		synctest.Wait()
		f.lost(envs[0])
		if e := <-got; e != nil || time.Since(begin) != 0 || len(p.waiting) != 0 {
			t.Errorf("got %p after %v, %d wait", e, time.Since(begin), len(p.waiting))
		}
		envs[0].timer.Stop()
	})
}

func TestEventWaitsNoLongerThanAStartTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New(Config{})
		p, envs := settlingPool(f, 1)
		begin := time.Now()
		if e := f.take(&Function{ARN: "arn", Generation: "1", Timeout: time.Second}); e != nil || time.Since(begin) != settleTime || len(p.waiting) != 0 {
			t.Errorf("got %p after %v, %d wait", e, time.Since(begin), len(p.waiting))
		}
		envs[0].timer.Stop()
	})
}
