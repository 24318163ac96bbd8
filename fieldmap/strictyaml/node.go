package strictyaml

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/ast"
)

// Node is one value of a file with its place. Problems do not repeat the value: the source line shows it, unless the
// reader of the file has hidden what may be a password there.
//
// A Node's methods note a problem where the value is not what they want, and return a zero value then. The zero Node is
// a value that the file does not give: all its methods are silent, since [Node.Object] has noted a missing key already.
type Node struct {
	At       Pos
	name     string // what messages call it
	node     ast.Node
	problems *Problems
}

// Entry is a key of a mapping with its value.
type Entry struct{ Key, Value Node }

// Object is a mapping whose keys are known.
type Object struct {
	Node
	values map[string]Node
}

// Given reports whether the file has the value.
func (n Node) Given() bool { return n.node != nil }

// Problem notes something wrong with n.
func (n Node) Problem(hint, format string, args ...any) {
	if n.Given() {
		n.problems.Add(n.At, hint, format, args...)
	}
}

// IsList reports whether n is a list.
func (n Node) IsList() bool {
	_, ok := n.node.(*ast.SequenceNode)
	return ok
}

// IsObject reports whether n is a mapping.
func (n Node) IsObject() bool {
	switch n.node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return true
	}
	return false
}

// IsBool reports whether n is true or false.
func (n Node) IsBool() bool {
	_, ok := n.node.(*ast.BoolNode)
	return ok
}

// IsNull reports whether a key is written without a value, or with null or ~.
func (n Node) IsNull() bool {
	_, ok := n.node.(*ast.NullNode)
	return ok
}

// Object reads n as a mapping with these keys, each list separated by spaces. Unknown, doubled and missing keys are
// problems.
func (n Node) Object(required, optional string) Object {
	o := Object{Node: n, values: map[string]Node{}}
	if !n.Given() || !n.mustBe(n.IsObject(), "a group of keys") {
		return o
	}
	needed := strings.Fields(required)
	known := append(slices.Clone(needed), strings.Fields(optional)...)
	misspelt := map[string]bool{}
	for _, e := range n.Entries() {
		key := e.Key.scalar()
		if slices.Contains(known, key) {
			e.Value.name = key
			o.values[key] = e.Value
			continue
		}
		near := Closest(key, known)
		misspelt[near] = true
		hint := "known keys: " + strings.Join(known, ", ")
		if near != "" {
			hint = "did you mean " + near + "?"
		}
		e.Key.Problem(hint, "there is no such key here")
	}
	for _, key := range needed {
		if !o.values[key].Given() && !misspelt[key] {
			n.Problem("", "%s lacks the key %s", n.name, key)
		}
	}
	return o
}

// Get returns the value of a key, or the zero Node.
func (o Object) Get(key string) Node { return o.values[key] }

// Entries reads n as a mapping with keys of any name, in the file's order. A doubled key is a problem and left out.
func (n Node) Entries() []Entry {
	var values []*ast.MappingValueNode
	switch m := n.node.(type) {
	case nil:
		return nil
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		n.mustBe(false, "a group of keys")
		return nil
	}
	entries := make([]Entry, 0, len(values))
	first := make(map[string]Pos, len(values))
	for _, v := range values {
		key := Node{At: place(v.Key), name: "a key", node: v.Key, problems: n.problems}
		name := key.scalar()
		if at, doubled := first[name]; doubled {
			key.Problem("", "the key is here already, in line %d", at.Line)
			continue
		}
		first[name] = key.At
		value := Node{At: place(v.Value), name: name, node: v.Value, problems: n.problems}
		if value.IsNull() {
			value.At = key.At // an absent value has no place of its own
		}
		entries = append(entries, Entry{key, value})
	}
	return entries
}

// Has reports whether n is a mapping with the key.
func (n Node) Has(key string) bool {
	m, ok := n.node.(*ast.MappingNode)
	return ok && slices.ContainsFunc(m.Values, func(v *ast.MappingValueNode) bool {
		return Node{node: v.Key}.scalar() == key
	})
}

// List reads n as a list of at least one entry.
func (n Node) List() []Node {
	if !n.Given() || !n.mustBe(n.IsList(), "a list") {
		return nil
	}
	sequence := n.node.(*ast.SequenceNode)
	if len(sequence.Values) == 0 {
		n.Problem("leave the key out where there is nothing to list", "%s is an empty list", n.name)
	}
	list := make([]Node, len(sequence.Values))
	for i, v := range sequence.Values {
		list[i] = Node{At: place(v), name: "an entry of " + n.name, node: v, problems: n.problems}
	}
	return list
}

// OneOrMore reads n as a list, or as one value that stands for a list of itself.
func (n Node) OneOrMore() []Node {
	if n.Given() && !n.IsList() {
		return []Node{n}
	}
	return n.List()
}

// Text reads n as a text that is not empty.
func (n Node) Text() string {
	s := n.Scalar()
	if n.isScalar() && strings.TrimSpace(s) == "" {
		n.Problem("", "%s is empty", n.name)
	}
	return s
}

// Scalar reads n as a text, as written: 01, NO and 1_000 stay what they are. Quotes are needed only around a text
// that YAML would take for something else, and around null.
func (n Node) Scalar() string {
	if !n.Given() || !n.mustBe(n.isScalar(), "a text") {
		return ""
	}
	s := n.scalar()
	_, block := n.node.(*ast.LiteralNode)
	if i := strings.IndexFunc(s, func(r rune) bool { return misleads(r) && (r != '\n' || !block) }); i >= 0 {
		n.Problem("", "%s has a character that does not show (%U)", n.name, []rune(s[i:])[0])
	}
	return s
}

// OneOf reads n as one of some words, and returns "" where it is none of them.
func (n Node) OneOf(words ...string) string {
	s := n.Text()
	if s == "" || slices.Contains(words, s) {
		return s
	}
	hint := ""
	if near := Closest(s, words); near != "" {
		hint = "did you mean " + near + "?"
	}
	n.Problem(hint, "%s must be one of %s", n.name, strings.Join(words, ", "))
	return ""
}

// Bool reads n as true or false.
func (n Node) Bool() bool {
	if !n.Given() {
		return false
	}
	b, ok := n.node.(*ast.BoolNode)
	if !ok {
		n.Problem("write true or false", "%s must be true or false", n.name)
		return false
	}
	return b.Value
}

// Int reads n as a whole number between least and most.
func (n Node) Int(least, most int) int {
	s := n.Text()
	i, err := strconv.Atoi(s)
	if n.isScalar() && (err != nil || i < least || i > most) {
		n.Problem("", "%s must be a whole number from %d to %d", n.name, least, most)
		return 0
	}
	return i
}

func (n Node) isScalar() bool { return n.Given() && !n.IsList() && !n.IsObject() && !n.IsNull() }

// scalar returns the source's own text of a scalar.
func (n Node) scalar() string {
	switch v := n.node.(type) {
	case *ast.LiteralNode:
		return strings.TrimRight(v.Value.Value, "\n")
	case *ast.StringNode:
		return v.Value
	}
	return n.node.GetToken().Value
}

func (n Node) mustBe(is bool, what string) bool {
	switch {
	case is:
	case n.IsNull():
		n.Problem("give it a value or leave the key out; put the word null in quotes if it is meant as a text", "%s has no value", n.name)
	default:
		have := "a text"
		if n.IsList() {
			have = "a list"
		} else if n.IsObject() {
			have = "a group of keys"
		}
		n.Problem(bracketHint(n, what), "%s must be %s, not %s", n.name, what, have)
	}
	return is
}

// bracketHint helps with the commonest slip: brackets and braces mean something to YAML.
func bracketHint(n Node, want string) string {
	if want != "a text" {
		return ""
	}
	return "put quotes around a text that begins with [ or {"
}

// misleads reports whether a character could make a text read otherwise than it is: control characters and marks that
// turn the direction of writing.
func misleads(r rune) bool {
	return unicode.IsControl(r) || (r >= 0x202A && r <= 0x202E) || (r >= 0x2066 && r <= 0x2069)
}
