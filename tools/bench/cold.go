package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// rounds is how often a cold start is measured.
const rounds = 11

func measureCold(s *stand) ([]measurement, error) { return s.starts("cold", cold) }

// starts measures one kind of start of each sample.
func (s *stand) starts(kind string, start func(client *lambda.Client, name string) (time.Duration, error)) ([]measurement, error) {
	client, all, err := s.deploy()
	if err != nil {
		return nil, err
	}
	var out []measurement
	for _, f := range all {
		var took []time.Duration
		for range rounds {
			d, err := start(client, f.name)
			if err != nil {
				return nil, err
			}
			took = append(took, d)
		}
		out = append(out, measurement{"lambda:Invoke, " + kind + ", " + f.runtime + ", full path, median of 11", ms(median(took))})
	}
	return out, nil
}

func cold(client *lambda.Client, name string) (time.Duration, error) {
	if err := retire(client, name); err != nil {
		return 0, err
	}
	begin := time.Now()
	err := invoke(client, name)
	return time.Since(begin), err
}

// retire ends the environments of a function, by a change of its configuration.
func retire(client *lambda.Client, name string) error {
	_, err := client.UpdateFunctionConfiguration(ctx(), &lambda.UpdateFunctionConfigurationInput{
		FunctionName: &name, Description: aws.String(fmt.Sprint(time.Now().UnixNano())),
	})
	return err
}

func measurePrepared(s *stand) ([]measurement, error) {
	return s.starts("cold in a prepared sandbox", prepared)
}

// prepared keeps the one warm environment of a function busy, so that the next event needs another, for which a sandbox is
// prepared by then.
func prepared(client *lambda.Client, name string) (time.Duration, error) {
	if err := retire(client, name); err != nil {
		return 0, err
	}
	if err := invoke(client, name); err != nil {
		return 0, err
	}
	time.Sleep(600 * time.Millisecond) // in which a sandbox is prepared
	busy := make(chan error, 1)
	go func() { busy <- invokeWith(client, name, `{"wait":300}`) }()
	time.Sleep(100 * time.Millisecond)
	begin := time.Now()
	err := invoke(client, name)
	took := time.Since(begin)
	if err == nil {
		err = <-busy
	}
	return took, err
}

// crowd is how many cold starts begin at once. Each handler waits, so that no environment serves two events.
const (
	crowd      = 50
	crowdWait  = 5 * time.Second
	crowdEvent = `{"k":1,"wait":5000}`
)

// measureParallel starts many environments at once, and as many bare processes. What the handlers wait is taken off.
func measureParallel(s *stand) ([]measurement, error) {
	client, all, err := s.deploy()
	if err != nil {
		return nil, err
	}
	var out []measurement
	for _, f := range all {
		if err := retire(client, f.name); err != nil {
			return nil, err
		}
		count, used := processors()
		whole, err := together(func() error { return invokeWith(client, f.name, crowdEvent) })
		if err != nil {
			return nil, err
		}
		_, now := processors()
		ideal := (now - used) / time.Duration(count)
		bare, err := s.bareCrowd(f)
		if err != nil {
			return nil, err
		}
		if err := retire(client, f.name); err != nil {
			return nil, err
		}
		out = append(out, measurement{
			fmt.Sprintf("%d cold starts at once, %s; all processors' time that this took, on all processors; as many bare processes", crowd, f.runtime),
			ms(whole-crowdWait) + "; " + ms(ideal) + "; " + ms(bare-crowdWait),
		})
	}
	return out, nil
}

// bareCrowd starts bare processes, each with an event to take. None ends before all have answered: an event may go to any.
func (s *stand) bareCrowd(f sample) (time.Duration, error) {
	addr, stop, err := startRouter()
	if err != nil {
		return 0, err
	}
	defer stop()
	ready, started := make(chan *exec.Cmd, crowd), make(chan *exec.Cmd, crowd)
	for range crowd {
		cmd, err := s.bare(f, addr)
		if err != nil {
			return 0, err
		}
		ready <- cmd
	}
	defer func() {
		for len(started) > 0 {
			cmd := <-started
			cmd.Process.Kill()
			cmd.Wait()
		}
	}()
	return together(func() error {
		cmd := <-ready
		if err := cmd.Start(); err != nil {
			return err
		}
		started <- cmd
		return post(addr, crowdEvent)
	})
}

// processors are how many the machine has, and the time that all of them have been busy.
func processors() (n int, busy time.Duration) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 1, 0
	}
	var user, nice, system, idle, wait, irq, soft float64
	fmt.Sscanf(string(text), "cpu %f %f %f %f %f %f %f", &user, &nice, &system, &idle, &wait, &irq, &soft)
	const tick = 10 * time.Millisecond
	return runtime.NumCPU(), time.Duration((user + nice + system + irq + soft) * float64(tick))
}

func together(do func() error) (time.Duration, error) {
	var all sync.WaitGroup
	errs := make(chan error, crowd)
	begin := time.Now()
	for range crowd {
		all.Go(func() { errs <- do() })
	}
	all.Wait()
	took := time.Since(begin)
	for range crowd {
		if err := <-errs; err != nil {
			return 0, err
		}
	}
	return took, nil
}

// idlers is how many environments are kept to see what one costs.
const idlers = 500

// measureIdle fills the server with idle environments of the Go function.
func measureIdle(s *stand) ([]measurement, error) {
	client, _, err := s.deploy()
	if err != nil {
		return nil, err
	}
	before, err := s.footprint()
	if err != nil {
		return nil, err
	}
	var all sync.WaitGroup
	errs := make(chan error, idlers)
	for range idlers {
		all.Go(func() { errs <- invokeWith(client, "go", `{"k":1,"wait":20000}`) })
	}
	all.Wait()
	for range idlers {
		if err := <-errs; err != nil {
			return nil, err
		}
	}
	time.Sleep(5 * time.Second) // in which they are frozen
	after, err := s.footprint()
	if err != nil {
		return nil, err
	}
	each := func(now, then float64) string { return fmt.Sprintf("%.2f MB", (now-then)/idlers) }
	return []measurement{
		{fmt.Sprintf("memory for each of %d idle environments: their processes (proportional set)", idlers), each(after.functions, before.functions)},
		{"the same: the server and its spawner beside that", each(after.server, before.server)},
		{"the same: all that the machine has less of", each(before.available, after.available)},
	}, retire(client, "go")
}

// A footprint is in MB.
type footprint struct{ server, functions, available float64 }

func (s *stand) footprint() (f footprint, err error) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return f, err
	}
	for _, d := range dirs {
		line, _ := os.ReadFile(d + "/cmdline") // it may end while we look
		text, _ := os.ReadFile(d + "/smaps_rollup")
		switch mb := field(string(text), "Pss:"); {
		case strings.HasPrefix(string(line), "/var/task/bootstrap"):
			f.functions += mb
		case strings.Contains(string(line), s.dir) || strings.Contains(string(line), "redoubt"):
			f.server += mb
		}
	}
	text, err := os.ReadFile("/proc/meminfo")
	f.available = field(string(text), "MemAvailable:")
	return f, err
}

// field reads a line of /proc that is in kB, in MB.
func field(text, name string) float64 {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			var kb float64
			fmt.Sscan(rest, &kb)
			return kb / 1000
		}
	}
	return 0
}
