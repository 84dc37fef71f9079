package main

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// write puts files into a new folder.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestOperationsAreReadFromTheTable(t *testing.T) {
	dir := write(t, map[string]string{"operations.go": `package kms
func (s *Service) Operations() []api.Operation {
	key := api.On(s.key)
	return []api.Operation{
		api.Op(s.CreateKey, api.Anything),
		api.Op(s.Decrypt, key("KeyId").With(encryptionContext)).Reads(),
		other.Op(s.Nothing),
	}
}`})
	got, err := implemented(dir)
	if want := map[string]bool{"CreateKey": true, "Decrypt": true}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := implemented(t.TempDir()); err != nil || got != nil {
		t.Errorf("without a table: %v, %v", got, err)
	}
}

// sample is a model of two operations.
func sample(protocol string) *model {
	return &model{
		Metadata: metadata{Protocol: protocol},
		Operations: map[string]*operation{
			"Get": {Method: "GET", URI: "/a", Input: &ref{Shape: "In"}, Errors: []string{"Lost"}},
			"Put": {Method: "PUT", URI: "/a", Input: &ref{Shape: "Other"}},
		},
		Shapes: map[string]*shape{
			"In":    {Type: "structure", Members: map[string]*ref{"Names": {Shape: "Names"}, "When": {Shape: "Time", Location: "header", Name: "X-When"}}},
			"Names": {Type: "list", Member: &ref{Shape: "Text"}},
			"Text":  {Type: "string", Pattern: "<.>&"}, "Time": {Type: "timestamp"},
			"Other": {Type: "structure"},
			"Lost":  {Type: "structure", Exception: true, Members: map[string]*ref{"Why": {Shape: "Reason"}}}, "Reason": {Type: "string"},
		},
	}
}

func TestModelsAreTrimmedToWhatIsReached(t *testing.T) {
	m := sample("json")
	if err := m.trim(map[string]bool{"Get": true}); err != nil {
		t.Fatal(err)
	}
	if m.Operations["Put"] != nil || m.Shapes["Other"] != nil {
		t.Error("what is not implemented is kept")
	}
	for _, name := range []string{"In", "Names", "Text", "Time", "Lost", "Reason"} {
		if m.Shapes[name] == nil {
			t.Errorf("%s is lost", name)
		}
	}
	if err := sample("json").trim(map[string]bool{"Eat": true}); err == nil {
		t.Error("an operation that AWS does not have is accepted")
	}
}

func TestPathsOfUnservedOperationsAreKept(t *testing.T) {
	m := sample("rest-json")
	if err := m.trim(map[string]bool{"Get": true}); err != nil {
		t.Fatal(err)
	}
	if got, want := *m.Operations["Put"], (operation{Method: "PUT", URI: "/a", Unserved: true}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestModelsArePrintedSortedAndCompact(t *testing.T) {
	m := sample("json")
	m.Source = "here"
	if err := m.trim(map[string]bool{"Get": true}); err != nil {
		t.Fatal(err)
	}
	got, err := m.print()
	want := `{
"generated":"by tools/genapi; do not edit: corrections go into api.patch.json",
"source":"here",
"metadata":{"protocol":"json","apiVersion":"","signingName":"","serviceId":""},
"operations":{
"Get":{"method":"GET","uri":"/a","input":"In","errors":["Lost"]}
},
"shapes":{
"In":{"type":"structure","members":{"Names":"Names","When":{"shape":"Time","location":"header","name":"X-When"}}},
"Lost":{"type":"structure","members":{"Why":"Reason"},"exception":true},
"Names":{"type":"list","member":"Text"},
"Reason":{"type":"string"},
"Text":{"type":"string","pattern":"<.>&"},
"Time":{"type":"timestamp"}
}
}
`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestSchemasCompleteModels(t *testing.T) {
	sdk := write(t, map[string]string{
		"schemas/schemas.go": `package schemas
var Eat = smithy.NewSchema(smithy.ShapeID{Namespace: "x", Name: "Eat"}, smithy.ShapeTypeOperation, 0, &smithytraits.HTTP{Method: "PUT", URI: "/eat/{What}", Code: 202})
var EatRequest = smithy.NewSchema(smithy.ShapeID{Namespace: "x", Name: "EatRequest"}, smithy.ShapeTypeStructure, 2)
var In = smithy.NewSchema(smithy.ShapeID{Namespace: "x", Name: "In"}, smithy.ShapeTypeStructure, 2)
var _Secret = smithy.NewSchema(smithy.ShapeID{Namespace: "x", Name: "Secret"}, smithy.ShapeTypeString, 0, &smithytraits.Sensitive{})
var Sick = smithy.NewSchema(smithy.ShapeID{Namespace: "x", Name: "Sick"}, smithy.ShapeTypeStructure, 0, &smithytraits.Error{Type: "server"}, &smithytraits.HTTPError{Code: 503})
func init() {
	EatRequest_What = EatRequest.AddMember("What", smithyprelude.String, &smithytraits.HTTPLabel{})
	EatRequest_How = EatRequest.AddMember("How", _Secret, &smithytraits.HTTPQuery{Name: "how"})
	In_names = In.AddMember("names", smithyprelude.String)
	In_Extra = In.AddMember("Extra", _Secret, &smithytraits.JSONName{Name: "extra"})
}`,
		"api_op_Eat.go": `package x
var _ = smithy.NewOperationSchema(schemas.Eat, schemas.EatRequest, nil)`,
		"validators.go": `package x
func validateOpEatInput(v *EatInput) error {
	if v.What == nil {
		invalidParams.Add(smithy.NewErrParamRequired("What"))
	}
}
`,
	})
	m := sample("rest-json")
	if err := m.complete(sdk); err != nil {
		t.Fatal(err)
	}
	if got, want := *m.Operations["Eat"], (operation{Method: "PUT", URI: "/eat/{What}", Status: 202, Input: &ref{Shape: "EatRequest"}}); !reflect.DeepEqual(got, want) {
		t.Errorf("operation %+v", got)
	}
	want := &shape{Type: "structure", Required: []string{"What"}, Members: map[string]*ref{
		"What": {Shape: "smithy.api.String", Location: "uri", Name: "What"}, "How": {Shape: "Secret", Location: "querystring", Name: "how"}}}
	if got := m.Shapes["EatRequest"]; !reflect.DeepEqual(got, want) {
		t.Errorf("input %+v", got)
	}
	if got := m.Shapes["In"].Members; len(got) != 3 || *got["Extra"] != (ref{Shape: "Secret", Name: "extra"}) {
		t.Errorf("members %v", got)
	}
	if got := m.Shapes["Sick"]; !got.Exception || *got.Error != (errorTrait{Status: 503, Fault: true}) || !m.Shapes["Secret"].Sensitive {
		t.Errorf("error %+v", got)
	}
}

func TestSerializersCompleteModels(t *testing.T) {
	sdk := write(t, map[string]string{
		"serializers.go": `package x
func (m *awsRestjson1_serializeOpEat) HandleSerialize(ctx context.Context) (
) {
	opPath, opQuery := httpbinding.SplitURI("/eat/{What}")
	request.Method = "PUT"
}
func awsRestjson1_serializeOpHttpBindingsGetInput(v *GetInput, encoder *httpbinding.Encoder) error {
	if v.Names != nil {
		encoder.AddQuery("names").String("")
	}

	if v.Late != nil {
		encoder.SetQuery("late").String(*v.Late)
	}

	if v.Head != nil {
		locationName := "X-Head"
		encoder.SetHeader(locationName).String(*v.Head)
	}
}
func awsRestjson1_serializeOpHttpBindingsEatInput(v *EatInput, encoder *httpbinding.Encoder) error {
	if v.What != nil {
		if err := encoder.SetURI("What").String(*v.What); err != nil {
		}
	}
}
`,
		"deserializers.go": `package x
func awsRestjson1_deserializeDocumentLost(v **types.Lost, value interface{}) error {
	for key, value := range shape {
		switch key {
		case "since":
			if value != nil {
				t, err := smithytime.ParseDateTime(jtv)
				sv.Since = ptr.Time(t)
			}

		case "Plain":
			sv.Plain = ptr.String(jtv)
		}
	}
}
`,
		"validators.go": "package x\n",
	})
	m := sample("rest-json")
	if err := m.complete(sdk); err != nil {
		t.Fatal(err)
	}
	if got := m.Shapes["In"].Late; len(got) != 2 || *got["Late"] != (ref{Location: "querystring", Name: "late"}) || *got["Head"] != (ref{Location: "header", Name: "X-Head"}) {
		t.Errorf("late members %v", got)
	}
	if got := m.Shapes["Lost"].Late; len(got) != 1 || *got["Since"] != (ref{Name: "since", Format: "iso8601"}) {
		t.Errorf("late members of the error %v", got)
	}
	if op := m.Operations["Eat"]; op == nil || op.Method != "PUT" || op.URI != "/eat/{What}" || m.Shapes[op.Input.Shape].Late["What"].Location != "uri" {
		t.Errorf("operation %+v", op)
	}
}

func TestUnionsAreFoundByTheirNames(t *testing.T) {
	dir := write(t, map[string]string{"types.go": `package types
type Choice interface { isChoice() }
type ChoiceMemberB struct { Value string }
type ChoiceMemberA struct { Value Thing }
type Other interface { isOther() }
type Thing struct { Name string }`})
	got, err := unionsIn(filepath.Join(dir, "types.go"))
	if err != nil || len(got) != 1 || !slices.Equal(got["Choice"], []string{"A", "B"}) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestCheckingWritesNothing(t *testing.T) {
	dir := write(t, map[string]string{"a": "old"})
	path := filepath.Join(dir, "a")
	if stale, err := put(path, []byte("new"), true); stale != 1 || err != nil {
		t.Errorf("stale %d, %v", stale, err)
	}
	if stale, err := put(path, []byte("new"), false); stale != 0 || err != nil {
		t.Errorf("stale %d, %v", stale, err)
	}
	if text, _ := os.ReadFile(path); string(text) != "new" {
		t.Errorf("wrote %q", text)
	}
	if stale, err := put(path, []byte("new"), true); stale != 0 || err != nil {
		t.Errorf("current, but %d, %v", stale, err)
	}
	if _, err := put(path, nil, false); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Error("a file that should not be is still there")
	}
}
