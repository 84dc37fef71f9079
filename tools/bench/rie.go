package main

import (
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"time"
)

// emulator is AWS's own, if there is one to measure beside.
var emulator string

// measureRIE invokes the Go function in AWS's emulator of the Runtime API, which secures nothing and takes one event at a time.
func measureRIE(s *stand) ([]measurement, error) {
	if emulator == "" {
		return nil, nil
	}
	f := samples()[0]
	addr, api, err := freeAddresses()
	if err != nil {
		return nil, err
	}
	cmd, err := s.bare(f, api)
	if err != nil {
		return nil, err
	}
	rie := exec.Command(emulator, append([]string{"--runtime-interface-emulator-address", addr, "--runtime-api-address", api}, cmd.Args...)...)
	rie.Dir, rie.Env = cmd.Dir, cmd.Env
	if err := rie.Start(); err != nil {
		return nil, err
	}
	defer func() { rie.Process.Kill(); rie.Wait() }()
	const path = "/2015-03-31/functions/function/invocations"
	for range 100 { // it comes up in its own time
		res, err := http.Post("http://"+addr+path, "application/json", strings.NewReader(`{"k":1}`))
		if err == nil {
			res.Body.Close()
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	request := shot("POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 7\r\n\r\n{\"k\":1}")
	dial := func() (net.Conn, error) { return net.Dial("tcp", addr) }
	took, err := fire(1, s.load, dial, func() shot { return request })
	return []measurement{{"aws-lambda-rie, " + f.runtime + ", 1 client", rate(took, s.load)}}, err
}

func freeAddresses() (a, b string, err error) {
	for _, to := range []*string{&a, &b} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", "", fmt.Errorf("finding a port: %w", err)
		}
		defer l.Close()
		*to = l.Addr().String()
	}
	return a, b, nil
}
