package sandboxtest

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func detach(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// addSystemProbes adds what only exists here.
func addSystemProbes(all map[string]func([]string)) {
	all["status"] = status
	all["processes"] = processes
	all["call"] = each(func(name string) error { return syscalls()[name]() })
	all["bomb"] = bomb
	all["orphans"] = orphans
	all["spin"] = spin
	all["answer"] = answer
	all["leak"] = leak
	all["raise"] = raise
	all["execute"] = each(execute)
	all["shared"] = shared
	all["environs"] = environs
	all["mode"] = func(paths []string) {
		for _, path := range paths {
			if info, err := os.Lstat(path); err == nil {
				fmt.Printf("%s: %v\n", path, info.Mode())
			}
		}
	}
}

// status prints the fields of its own status.
func status(fields []string) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		fmt.Println(err)
	}
	for line := range strings.Lines(string(b)) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), ":")
		for _, f := range fields {
			if f == k {
				fmt.Printf("%s: %s\n", k, strings.TrimSpace(v))
			}
		}
	}
}

// processes prints the ids of all processes that it can see.
func processes([]string) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		fmt.Println(err)
	}
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil && n != os.Getpid() {
			fmt.Print(n, " ")
		}
	}
}

// bomb forks until it cannot, and prints how often it could.
func bomb([]string) {
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		fmt.Print(err)
		return
	}
	for n := 0; ; n++ {
		c := exec.Command(os.Args[0], probeMark, "child")
		c.Stdin, c.Stdout, c.Stderr = null, null, null
		if err := c.Start(); err != nil || n > 5000 {
			fmt.Print(n)
			os.Exit(0) // a Go program that cannot have a thread dies on its own soon
		}
	}
}

// orphans leaves children to process 1, and waits until it has buried them.
func orphans([]string) {
	for range 20 {
		if err := exec.Command("/bin/sh", "-c", "(true &) ; (true &)").Run(); err != nil {
			fmt.Println(err)
		}
	}
	for adopted() > 0 {
		time.Sleep(time.Millisecond)
	}
	fmt.Print("buried")
}

// adopted counts the children of process 1 but for this process.
func adopted() int {
	n := 0
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		b, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		_, after, found := strings.Cut(string(b), ") ")
		if _, number := strconv.Atoi(e.Name()); number == nil && err == nil && found && strings.HasPrefix(after[1:], " 1 ") {
			n++
		}
	}
	return n - 1
}
