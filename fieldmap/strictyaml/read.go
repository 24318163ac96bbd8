package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// MaxSize is the most bytes a file may have. A whitelist of 1,000 fields has about 150 KiB.
const MaxSize = 1 << 20

// maxKeys is how many keys a file may have in all: the parser's time grows with the square of a mapping's keys. A
// whitelist of 1,000 fields has about 10,000.
const maxKeys = 25_000

// maxDepth is how deeply parts may be nested; a whitelist with five levels of lines needs 17.
const maxDepth = 32

// ReadFile reads a file of at most MaxSize bytes; of a larger one it returns MaxSize+1 bytes, which [Parse] refuses.
// A file that cannot be read is a problem too.
func ReadFile(path string) ([]byte, error) {
	source, err := readFile(path)
	if err == nil {
		return source, nil
	}
	problems := &Problems{File: path}
	if cause, ok := errors.AsType[*fs.PathError](err); ok {
		err = cause.Err // the path is said already
	}
	problems.Add(Pos{}, "", "the file cannot be read: %v", err)
	return nil, problems
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, MaxSize+1))
}

// Parse reads one YAML document and returns its root. What is wrong with the YAML itself is noted in problems, which
// also collects what the walk over the nodes finds; the root of a file that cannot be read at all is the zero Node.
//
// Anchors, aliases, merge keys, tags, directives and further documents are refused: the two files need none of them,
// and a reader who has to follow a reference does not see what is allowed.
func Parse(file string, source []byte) (root Node, problems *Problems) {
	source = bytes.TrimPrefix(source, []byte("\uFEFF"))
	problems = &Problems{File: file, Source: source}
	if !readable(source, problems) {
		return Node{}, problems
	}
	tokens := lexer.Tokenize(string(source))
	if refuseTokens(tokens, problems) {
		return Node{}, problems
	}
	tree, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		addSyntax(problems, err)
		return Node{}, problems
	}
	if len(tree.Docs) == 0 || tree.Docs[0].Body == nil {
		problems.Add(Pos{}, "", "the file is empty")
		return Node{}, problems
	}
	return Node{At: place(tree.Docs[0].Body), name: "the file", node: tree.Docs[0].Body, problems: problems}, problems
}

// readable reports whether the source is a text worth parsing.
func readable(source []byte, problems *Problems) bool {
	if len(source) > MaxSize {
		problems.Source = nil
		problems.Add(Pos{}, "is it the right file?", "the file has more than %d bytes", MaxSize)
		return false
	}
	for i, line := range bytes.Split(source, []byte("\n")) {
		if bytes.IndexByte(line, 0) >= 0 {
			problems.Source = nil
			problems.Add(Pos{}, "save it as UTF-8 (in Notepad: Save as, Encoding: UTF-8)", "the file is not plain text; it may be UTF-16")
			return false
		}
		if !utf8.Valid(line) {
			valid := strings.ToValidUTF8(string(line), "\uFFFD")
			column := utf8.RuneCountInString(valid[:strings.IndexRune(valid, utf8.RuneError)]) + 1
			problems.Add(Pos{i + 1, column}, "save it as UTF-8 (in Notepad: Save as, Encoding: UTF-8)", "here is a character that is not UTF-8")
			return false
		}
	}
	return true
}

// refuseTokens notes what the files may not use, before the parser builds anything of it.
func refuseTokens(tokens token.Tokens, problems *Problems) (refused bool) {
	var size nesting
	for i, t := range tokens {
		if message, hint := unwanted(t, i == 0); message != "" {
			problems.Add(tokenPlace(t), hint, "%s", message)
			refused = true
		}
		if message := size.add(t); message != "" {
			problems.Add(tokenPlace(t), "is it the right file?", "%s", message)
			return true
		}
	}
	return refused
}

// unwanted says what is wrong with a token that has no place in the two files.
func unwanted(t *token.Token, first bool) (message, hint string) {
	switch t.Type {
	case token.AnchorType, token.AliasType:
		return "anchors and aliases (& and *) are not accepted here", "write it out; put quotes around a text that begins with & or *"
	case token.MergeKeyType:
		return "merge keys (<<) are not accepted here", "write the keys out"
	case token.TagType:
		return "tags (!) are not accepted here", "put quotes around a text that begins with !"
	case token.DirectiveType:
		return "directives (%) are not accepted here", "put quotes around a text that begins with %"
	case token.MappingKeyType:
		return "keys marked with ? are not accepted here", "put quotes around a text that begins with ?"
	case token.DocumentEndType:
		return "the file may hold one document only: ... is not accepted here", ""
	case token.DocumentHeaderType:
		if !first {
			return "the file may hold one document only: --- is not accepted here", ""
		}
	}
	return "", ""
}

// nesting measures a file token by token. Nesting without bound would exhaust the parser's stack. Levels that each have
// a line of their own need no counting: their indentation fills the file first.
type nesting struct {
	keys  int
	flow  int // open brackets
	line  int
	chain int // levels begun within the line: "- - - x", "a: b: c:"
}

// add counts a token, and says what there is too much of.
func (n *nesting) add(t *token.Token) string {
	switch t.Type {
	case token.SequenceStartType, token.MappingStartType:
		n.flow++
	case token.SequenceEndType, token.MappingEndType:
		n.flow--
	case token.CollectEntryType:
		n.chain = 0
	case token.SequenceEntryType, token.MappingValueType:
		if t.Position.Line != n.line {
			n.line, n.chain = t.Position.Line, 0
		}
		n.chain++
	}
	if t.Type == token.MappingValueType {
		n.keys++
	}
	if n.keys > maxKeys {
		return fmt.Sprintf("the file has more than %d keys", maxKeys)
	}
	if n.flow > maxDepth || n.chain > maxDepth {
		return fmt.Sprintf("this is nested more than %d deep", maxDepth)
	}
	return ""
}

func tokenPlace(t *token.Token) Pos { return Pos{t.Position.Line, t.Position.Column} }

// place returns where a node begins; the parser's own answer for a mapping is its first colon.
func place(n ast.Node) Pos {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return tokenPlace(n.Values[0].Key.GetToken())
		}
	case *ast.MappingValueNode:
		return tokenPlace(n.Key.GetToken())
	}
	return tokenPlace(n.GetToken())
}

// addSyntax notes an error of the parser, which stops at the first.
func addSyntax(problems *Problems, err error) {
	var syntax *yaml.SyntaxError
	if !errors.As(err, &syntax) || syntax.Token == nil {
		problems.Add(Pos{}, "", "this is not YAML")
		return
	}
	// What the parser quotes of the file may be a password: the excerpt shows all that may be shown.
	message, _, _ := strings.Cut(syntax.Message, `"`)
	problems.Add(tokenPlace(syntax.Token), syntaxHint(syntax), "this is not YAML: %s", strings.TrimRight(message, ": "))
}

func syntaxHint(e *yaml.SyntaxError) string {
	switch {
	case strings.Contains(e.Message, "tab character"), strings.Contains(e.Message, "'\t'"):
		return "indent with spaces, not with tabs"
	case strings.Contains(e.Message, "mapping value is not allowed"):
		return "a text with a colon and a space in it must be in quotes"
	case strings.Contains(e.Message, "value is not allowed in this context"):
		return "a text that begins with a bracket or a quote must be in quotes as a whole, '[dbo].[Repair.Order]'; and check the indentation"
	case strings.Contains(e.Message, "end character of"):
		return "a quote is missing at the end"
	case strings.Contains(e.Message, "not found"), strings.Contains(e.Message, "must be specified"):
		return "a bracket or a comma is missing"
	}
	return "check the indentation, the quotes and the brackets here and in the line above"
}
