// Command extension is an external extension for tests, which does what the name of its file says.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// call makes a request to the APIs of the environment.
func call(method, path, id, body string, headers ...string) *http.Response {
	req, err := http.NewRequest(method, "http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+path, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Lambda-Extension-Identifier", id)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		panic(err)
	}
	if res.StatusCode/100 != 2 {
		text, _ := io.ReadAll(res.Body)
		panic(res.Status + ": " + string(text))
	}
	return res
}

// An event is what extensions get.
type event struct {
	Type    string `json:"eventType"`
	Request string `json:"requestId"`
	Reason  string `json:"shutdownReason"`
}

const prefix = "/2020-01-01/extension/"

func main() {
	name := filepath.Base(os.Args[0])
	if name == "crashes" {
		os.Exit(7)
	}
	fmt.Printf("%s hides [%s%s] and knows %s\n", name, os.Getenv("_HANDLER"), os.Getenv("LAMBDA_TASK_ROOT"), os.Getenv("AWS_LAMBDA_FUNCTION_NAME"))
	id := call("POST", prefix+"register", "", `{"events":["INVOKE","SHUTDOWN"]}`, "Lambda-Extension-Name", name).Header.Get("Lambda-Extension-Identifier")
	switch name {
	case "gives-up":
		call("POST", prefix+"init/error", id, "{}", "Lambda-Extension-Function-Error-Type", "Extension.Tired")
		os.Exit(3)
	case "listens":
		listen(id)
	}
	for {
		var e event
		if err := json.NewDecoder(call("GET", prefix+"event/next", id, "").Body).Decode(&e); err != nil {
			panic(err)
		}
		fmt.Println(name, e.Type, e.Request+e.Reason)
		switch {
		case e.Type == "SHUTDOWN":
			return
		case name == "dawdles":
			time.Sleep(300 * time.Millisecond)
		case name == "overstays":
			time.Sleep(1300 * time.Millisecond)
		case name == "quits":
			os.Exit(1)
		}
	}
}

// listen subscribes to telemetry, and prints what comes.
func listen(id string) {
	go http.ListenAndServe("sandbox.localdomain:8080", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var all []struct {
			Type   string          `json:"type"`
			Record json.RawMessage `json:"record"`
		}
		if err := json.NewDecoder(r.Body).Decode(&all); err != nil {
			fmt.Println(err)
		}
		for _, one := range all {
			fmt.Printf("heard %s %s\n", one.Type, one.Record)
		}
	}))
	call("PUT", "/2022-07-01/telemetry", id, `{"schemaVersion":"2022-12-13","types":["platform","function"],"buffering":{"timeoutMs":25,"maxItems":1000},
		"destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain:8080/in"}}`)
}
