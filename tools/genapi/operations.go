package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
)

// implemented collects X of every api.Op(s.X, ...) in a service's operations.go.
// It is nil, for all operations, while there is no such file.
func implemented(dir string) (map[string]bool, error) {
	path := filepath.Join(dir, "operations.go")
	if _, err := os.Stat(path); os.IsNotExist(err) {
		return nil, nil
	}
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && selects(call.Fun, "api", "Op") && len(call.Args) > 0 {
			if method, ok := call.Args[0].(*ast.SelectorExpr); ok {
				names[method.Sel.Name] = true
			}
		}
		return true
	})
	return names, nil
}

// selects reports whether e is x.name.
func selects(e ast.Expr, x, name string) bool {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != name {
		return false
	}
	id, ok := sel.X.(*ast.Ident)
	return ok && id.Name == x
}
