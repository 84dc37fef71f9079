package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// schemas reads the shapes that newer packages of the SDK describe in Go:
//
//	var Invoke = smithy.NewSchema(smithy.ShapeID{...}, smithy.ShapeTypeOperation, 0, &smithytraits.HTTP{...})
//	InvocationRequest_Qualifier = InvocationRequest.AddMember("Qualifier", _Qualifier, &smithytraits.HTTPQuery{...})
type schemas struct {
	operations map[string]*operation // by Go name
	shapes     map[string]*shape     // by Smithy name
	names      map[string]string     // Go name to Smithy name
}

// readSchemas returns nil if the package has no schemas.
func readSchemas(sdk string) (*schemas, error) {
	path := filepath.Join(sdk, "schemas", "schemas.go")
	if _, err := os.Stat(path); os.IsNotExist(err) {
		return nil, nil
	}
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		return nil, err
	}
	s := &schemas{map[string]*operation{}, map[string]*shape{}, map[string]string{}}
	s.prelude()
	ast.Inspect(f, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 {
			s.declare(v.Names[0].Name, v.Values[0])
		}
		return true
	})
	ast.Inspect(f, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok {
			s.member(a.Rhs[0])
		}
		return true
	})
	return s, s.link(sdk)
}

// prelude adds the shapes that Smithy itself defines.
func (s *schemas) prelude() {
	for name, t := range map[string]string{
		"String": "string", "Boolean": "boolean", "Long": "long", "Integer": "integer", "Short": "integer", "Byte": "integer",
		"Double": "double", "Float": "float", "Timestamp": "timestamp", "Blob": "blob",
		"PrimitiveBoolean": "boolean", "PrimitiveInteger": "integer", "PrimitiveLong": "long", "PrimitiveDouble": "double", "PrimitiveFloat": "float",
	} {
		s.shapes["smithy.api."+name] = &shape{Type: t}
		s.names["smithyprelude."+name] = "smithy.api." + name
	}
}

var shapeTypes = map[string]string{
	"ShapeTypeBlob": "blob", "ShapeTypeBoolean": "boolean", "ShapeTypeString": "string", "ShapeTypeTimestamp": "timestamp",
	"ShapeTypeByte": "integer", "ShapeTypeShort": "integer", "ShapeTypeInteger": "integer", "ShapeTypeIntEnum": "integer", "ShapeTypeLong": "long",
	"ShapeTypeFloat": "float", "ShapeTypeDouble": "double", "ShapeTypeEnum": "string",
	"ShapeTypeList": "list", "ShapeTypeSet": "list", "ShapeTypeMap": "map", "ShapeTypeStructure": "structure", "ShapeTypeUnion": "structure",
}

// declare reads a NewSchema.
func (s *schemas) declare(goName string, e ast.Expr) {
	call, ok := e.(*ast.CallExpr)
	if !ok || !selects(call.Fun, "smithy", "NewSchema") || len(call.Args) < 3 {
		return
	}
	name := field(call.Args[0], "Name")
	typ := call.Args[1].(*ast.SelectorExpr).Sel.Name
	if typ == "ShapeTypeOperation" {
		s.operations[goName] = httpOperation(call.Args[3:])
		return
	}
	out := &shape{Type: shapeTypes[typ]}
	for _, t := range call.Args[3:] {
		shapeTrait(out, typ, t)
	}
	s.shapes[name], s.names[goName] = out, name
}

func httpOperation(traits []ast.Expr) *operation {
	op := &operation{Method: "POST", URI: "/"}
	for _, t := range traits {
		if trait(t) == "HTTP" {
			op.Method, op.URI = field(t, "Method"), field(t, "URI")
			op.Status, _ = strconv.Atoi(field(t, "Code"))
		}
	}
	return op
}

func shapeTrait(out *shape, typ string, t ast.Expr) {
	switch trait(t) {
	case "Sensitive":
		out.Sensitive = true
	case "Streaming":
		out.EventStream, out.Streaming = typ == "ShapeTypeUnion", typ != "ShapeTypeUnion"
	case "TimestampFormat":
		out.Format = formats[field(t, "Format")]
	case "Error":
		out.Exception = true
		if field(t, "Type") == "server" {
			out.errorTrait().Fault = true
		}
	case "HTTPError":
		out.errorTrait().Status, _ = strconv.Atoi(field(t, "Code"))
	case "AWSQueryError":
		out.errorTrait().Code = field(t, "ErrorCode")
	}
}

func (s *shape) errorTrait() *errorTrait {
	if s.Error == nil {
		s.Error = &errorTrait{}
	}
	return s.Error
}

// formats maps Smithy's names of timestamp formats to those of the models.
var formats = map[string]string{"date-time": "iso8601", "http-date": "rfc822", "epoch-seconds": "unixTimestamp"}

// member reads an AddMember.
func (s *schemas) member(e ast.Expr) {
	call, ok := e.(*ast.CallExpr)
	if !ok || len(call.Args) < 2 {
		return
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "AddMember" {
		return
	}
	parent := s.shapes[s.names[goIdent(sel.X)]]
	target := s.names[goIdent(call.Args[1])]
	if parent == nil || target == "" {
		return // of an enumeration
	}
	name := literal(call.Args[0])
	r := &ref{Shape: target}
	for _, t := range call.Args[2:] {
		refTrait(parent, r, name, t)
	}
	parent.attach(name, r)
}

// attach puts a member where the shape's type keeps it.
func (s *shape) attach(name string, r *ref) {
	switch {
	case s.Type == "list":
		s.Member = r
	case s.Type == "map" && name == "key":
		s.Key = r
	case s.Type == "map":
		s.Value = r
	default:
		if s.Members == nil {
			s.Members = map[string]*ref{}
		}
		s.Members[name] = r
	}
}

func refTrait(parent *shape, r *ref, name string, t ast.Expr) {
	switch trait(t) {
	case "HTTPHeader":
		r.Location, r.Name = "header", field(t, "Name")
	case "HTTPQuery":
		r.Location, r.Name = "querystring", field(t, "Name")
	case "HTTPQueryParams":
		r.Location = "querystring"
	case "HTTPPrefixHeaders":
		r.Location, r.Name = "headers", field(t, "Prefix")
	case "HTTPLabel":
		r.Location, r.Name = "uri", name
	case "HTTPResponseCode":
		r.Location = "statusCode"
	case "HTTPPayload":
		parent.Payload = name
	case "JSONName", "XMLName":
		r.Name = field(t, "Name")
	case "XMLFlattened":
		r.Flattened = true
	case "XMLAttribute":
		r.Attribute = true
	case "TimestampFormat":
		r.Format = formats[field(t, "Format")]
	case "EventPayload":
		r.EventPayload = true
	case "EventHeader":
		r.EventHeader = true
	case "HostLabel":
		r.HostLabel = true
	}
}

var operationSchema = regexp.MustCompile(`smithy\.NewOperationSchema\(schemas\.(\w+), (?:schemas\.)?(\w+), (?:schemas\.)?(\w+)\)`)

// link gives the operations their inputs and outputs, which the api_op files name.
func (s *schemas) link(sdk string) error {
	files, err := filepath.Glob(filepath.Join(sdk, "api_op_*.go"))
	if err != nil {
		return err
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		m := operationSchema.FindStringSubmatch(string(text))
		if m == nil || s.operations[m[1]] == nil {
			continue
		}
		op := s.operations[m[1]]
		if in := s.names[m[2]]; in != "" {
			op.Input = &ref{Shape: in}
		}
		if out := s.names[m[3]]; out != "" {
			op.Output = &ref{Shape: out}
		}
	}
	return nil
}

// trait is the name of a trait literal: &smithytraits.HTTPQuery{...}.
func trait(e ast.Expr) string {
	if u, ok := e.(*ast.UnaryExpr); ok {
		if lit, ok := u.X.(*ast.CompositeLit); ok {
			if sel, ok := lit.Type.(*ast.SelectorExpr); ok {
				return sel.Sel.Name
			}
		}
	}
	return ""
}

// field is the literal value of a field of a composite literal.
func field(e ast.Expr, name string) string {
	if u, ok := e.(*ast.UnaryExpr); ok {
		e = u.X
	}
	lit, ok := e.(*ast.CompositeLit)
	if !ok {
		return ""
	}
	for _, el := range lit.Elts {
		if kv, ok := el.(*ast.KeyValueExpr); ok && goIdent(kv.Key) == name {
			return literal(kv.Value)
		}
	}
	return ""
}

func literal(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok {
		return ""
	}
	if s, err := strconv.Unquote(lit.Value); err == nil && lit.Kind == token.STRING {
		return s
	}
	return lit.Value
}

// goIdent spells an identifier, qualified or not.
func goIdent(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return strings.TrimPrefix(goIdent(e.X)+"."+e.Sel.Name, ".")
	}
	return ""
}
