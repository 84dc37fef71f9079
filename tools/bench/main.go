// Command bench measures a whole Redoubt, and bare parts of the machine beside it, in one run.
//
//	cd tools && go run ./bench [-seconds 5] [-only REGEXP]
//
// It builds the server, starts it on a loopback port with a fresh data directory, and prints a table in Markdown. Every call
// is signed, authorised, recorded and durable. The load comes from this process, on the same processors.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"regexp"
	"text/tabwriter"
	"time"
)

// A measurement is a line of the result.
type measurement struct {
	what  string
	value string
}

// A bench measures one thing.
type bench struct {
	name string
	run  func(*stand) ([]measurement, error)
}

var benches = []bench{
	{"start", measureStart},
	{"http", measureBareHTTP},
	{"sts", measureIdentity},
	{"kms", measureEncrypt},
	{"secret", measureSecret},
	{"policy", measurePolicy},
	{"exec", measureBareExec},
	{"chain", measureChain},
	{"barecold", measureBareCold},
	{"cold", measureCold},
	{"prepared", measurePrepared},
	{"parallel", measureParallel},
	{"warm", measureWarm},
	{"rie", measureRIE},
	{"idle", measureIdle},
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	seconds := flag.Float64("seconds", 5, "how long each load lasts")
	route := flag.Bool("router", false, "be the router that the bare measurements go through; started by bench itself")
	rie := flag.String("rie", "", "the program aws-lambda-rie, to measure beside")
	only := flag.String("only", "", "measure only what matches this expression")
	flag.Parse()
	if *route {
		log.Fatal(serveRouter())
	}
	emulator = *rie
	pattern, err := regexp.Compile(*only)
	if err != nil {
		log.Fatal(err)
	}
	s, err := newStand(time.Duration(*seconds * float64(time.Second)))
	if err != nil {
		log.Fatal(err)
	}
	err = runAll(s, pattern)
	s.close()
	if err != nil {
		log.Fatal(err)
	}
}

func runAll(s *stand, pattern *regexp.Regexp) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 1, ' ', 0)
	fmt.Fprintln(w, "| What\t| Measured\t|\n| ---\t| ---\t|")
	for _, b := range benches {
		if !pattern.MatchString(b.name) {
			continue
		}
		results, err := b.run(s)
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		for _, m := range results {
			fmt.Fprintf(w, "| %s\t| %s\t|\n", m.what, m.value)
		}
	}
	return w.Flush()
}
