package strictyaml

import (
	"bytes"
	"errors"
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
	var cause *fs.PathError
	if errors.As(err, &cause) {
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

// refuseTokens notes what the files may not use, before the parser builds anything of it: nesting without bound would
// exhaust the stack.
func refuseTokens(tokens token.Tokens, problems *Problems) (refused bool) {
	flow, chain, line, keys := 0, 0, 0, 0
	refuse := func(t *token.Token, hint, format string, args ...any) {
		refused = true
		problems.Add(tokenPlace(t), hint, format, args...)
	}
	for i, t := range tokens {
		switch t.Type {
		case token.AnchorType, token.AliasType:
			refuse(t, "write it out; put quotes around a text that begins with & or *", "anchors and aliases (& and *) are not accepted here")
		case token.MergeKeyType:
			refuse(t, "write the keys out", "merge keys (<<) are not accepted here")
		case token.TagType:
			refuse(t, "put quotes around a text that begins with !", "tags (!) are not accepted here")
		case token.DirectiveType:
			refuse(t, "put quotes around a text that begins with %", "directives (%%) are not accepted here")
		case token.MappingKeyType:
			refuse(t, "put quotes around a text that begins with ?", "keys marked with ? are not accepted here")
		case token.DocumentHeaderType, token.DocumentEndType:
			if i > 0 || t.Type == token.DocumentEndType {
				refuse(t, "", "the file may hold one document only: %s is not accepted here", t.Value)
			}
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		case token.CollectEntryType:
			chain = 0
		case token.SequenceEntryType, token.MappingValueType: // "- - - x" and "a: b: c:" nest within a line
			if t.Position.Line != line {
				chain, line = 0, t.Position.Line
			}
			chain++
		}
		if t.Type == token.MappingValueType {
			keys++
		}
		if keys > maxKeys {
			refuse(t, "is it the right file?", "the file has more than %d keys", maxKeys)
			return true
		}
		if flow > maxDepth || chain > maxDepth {
			refuse(t, "", "this is nested more than %d deep", maxDepth)
			return true
		}
	}
	return refused
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
		problems.Add(Pos{}, "", "this is not YAML: %s", firstLine(err.Error()))
		return
	}
	problems.Add(tokenPlace(syntax.Token), syntaxHint(syntax), "this is not YAML: %s", syntax.Message)
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

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
