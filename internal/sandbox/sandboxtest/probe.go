package sandboxtest

import (
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// probeMark is the argument that makes the test binary a probe.
const probeMark = "sandbox-probe"

// allowed is what a probe prints for what should not have worked.
const allowed = "allowed"

// Main turns a test binary that was started inside a sandbox into the probe, and then never returns.
func Main() {
	if len(os.Args) < 3 || os.Args[1] != probeMark {
		return
	}
	p, ok := probes()[os.Args[2]]
	if !ok {
		fmt.Println("no such probe")
		os.Exit(99)
	}
	p(os.Args[3:])
	os.Exit(0)
}

// probes are what a function can try.
func probes() map[string]func(args []string) {
	all := map[string]func(args []string){
		"read":   each(func(path string) error { _, err := os.ReadFile(path); return err }),
		"list":   each(func(path string) error { _, err := os.ReadDir(path); return err }),
		"write":  each(func(path string) error { return os.WriteFile(path, []byte("x"), 0o600) }),
		"dial":   each(dial),
		"find":   find,
		"fill":   fill,
		"print":  func([]string) { fmt.Print("to stdout"); fmt.Fprint(os.Stderr, "to stderr") },
		"env":    func([]string) { fmt.Print(strings.Join(os.Environ(), "\n")) },
		"cat":    func(args []string) { b, err := os.ReadFile(args[0]); fmt.Print(string(b), errorText(err)) },
		"where":  func([]string) { d, _ := os.Getwd(); h, _ := os.Hostname(); fmt.Print(d, " ", h) },
		"exit":   func(args []string) { os.Exit(len(args)) },
		"hog":    hog,
		"files":  openFiles,
		"echo":   echo,
		"brood":  brood,
		"child":  func([]string) { hold(); sleep() }, // one of a brood
		"listen": listen,
		"tell":   tell,
		"deaf":   func([]string) { signal.Ignore(syscall.SIGTERM); hold(); fmt.Print("deaf"); sleep() },
		"wait":   func([]string) { hold(); sleep() },
	}
	addSystemProbes(all)
	return all
}

func errorText(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}

// each tries one thing after the other and prints how it went.
func each(try func(arg string) error) func([]string) {
	return func(args []string) {
		for _, a := range args {
			answer := allowed
			if err := try(a); err != nil {
				answer = strings.ReplaceAll(err.Error(), "\n", " ")
			}
			fmt.Printf("%s: %s\n", a, answer)
		}
	}
}

// dial connects to network!address and reads a greeting.
func dial(target string) error {
	network, address, _ := strings.Cut(target, "!")
	c, err := net.DialTimeout(network, address, time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	if b, err := io.ReadAll(c); err == nil && len(b) > 0 {
		return fmt.Errorf("greeted with %s", b)
	}
	return nil
}

// find looks for names everywhere.
func find(args []string) {
	err := filepath.WalkDir("/", func(path string, d fs.DirEntry, err error) error {
		if path == "/proc" || path == "/usr" {
			return fs.SkipDir
		}
		for _, name := range args {
			if d != nil && d.Name() == name {
				fmt.Printf("%s: %s\n", name, path)
			}
		}
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
}

// fill writes to a file until it cannot, and prints how many bytes it could.
func fill(args []string) {
	f, err := os.Create(args[0])
	if err != nil {
		fmt.Print(err)
		return
	}
	block := make([]byte, 64<<10)
	for n := 0; ; n += len(block) {
		if _, err := f.Write(block); err != nil {
			fmt.Printf("%d %v", n, err)
			return
		}
	}
}

// hog takes memory until it dies.
func hog([]string) {
	for held := [][]byte{}; ; {
		b := make([]byte, 1<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		held = append(held, b)
	}
}

func openFiles([]string) {
	for n := 0; ; n++ {
		if _, err := os.Open("/dev/null"); err != nil {
			fmt.Print(n)
			os.Exit(0)
		}
	}
}

// hold keeps a connection to the Runtime API for as long as this process lives.
func hold() net.Conn {
	address := os.Getenv("AWS_LAMBDA_RUNTIME_API")
	if address == "" {
		address = "127.0.0.1:9001"
	}
	c, err := net.Dial("tcp", address)
	if err != nil {
		fmt.Print(err)
		os.Exit(98)
	}
	if _, err := c.Write([]byte("+")); err != nil {
		os.Exit(97)
	}
	return c
}

// echo sends back what comes, and spins meanwhile.
func echo([]string) {
	c := hold()
	go func() {
		for n := 0; n >= 0; n++ {
		}
	}()
	io.Copy(c, c)
}

// brood starts children that try hard to outlive it: in sessions of their own, with their parent gone.
func brood(args []string) {
	if len(args) > 0 {
		for range 3 {
			c := exec.Command(os.Args[0], probeMark, "child")
			c.Stdout, c.Stderr = os.Stdout, os.Stderr
			detach(c)
			if err := c.Start(); err != nil {
				fmt.Println(err)
			}
		}
		os.Exit(0)
	}
	for range 3 {
		c := exec.Command(os.Args[0], probeMark, "brood", "parent")
		c.Stdout, c.Stderr = os.Stdout, os.Stderr
		if err := c.Run(); err != nil {
			fmt.Println(err)
		}
	}
	hold()
	sleep()
}

// sleep never returns. A select without cases would be found out as a deadlock.
func sleep() {
	for {
		time.Sleep(time.Hour)
	}
}
