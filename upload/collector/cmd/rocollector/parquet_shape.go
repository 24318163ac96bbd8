package main

import (
	"encoding/json"
	"strconv"

	"github.com/parquet-go/parquet-go"
)

// shape is what all the JSON values at one place of the orders have in common, and so the type of its column. Where they have
// nothing in common, or what they are cannot be a column, the column holds their JSON text.
type shape struct {
	kind    kind
	members map[string]*shape // of objects
	element *shape            // of arrays
}

type kind uint8

const (
	kindNone kind = iota // only nulls, empty objects and the like: no column
	kindText
	kindInteger
	kindBoolean
	kindObject
	kindArray
	kindJSON
)

// What a column can be: a hostile line must not make a million of them.
const (
	maxColumnDepth = 20
	maxMembers     = 200 // of one object
)

// add widens the shape so that it fits v.
func (s *shape) add(v any) { s.addAt(v, 0) }

func (s *shape) addAt(v any, depth int) {
	k := kindOf(v)
	switch {
	case k == kindNone || s.kind == kindJSON:
		return
	case s.kind != kindNone && s.kind != k || depth > maxColumnDepth:
		*s = shape{kind: kindJSON}
		return
	}
	s.kind = k
	switch v := v.(type) {
	case map[string]any:
		s.addMembers(v, depth)
	case []any:
		if s.element == nil {
			s.element = &shape{}
		}
		for _, e := range v {
			s.element.addAt(e, depth+1)
		}
	}
}

func (s *shape) addMembers(object map[string]any, depth int) {
	if s.members == nil {
		s.members = map[string]*shape{}
	}
	for name, v := range object {
		if s.members[name] == nil {
			s.members[name] = &shape{}
		}
		s.members[name].addAt(v, depth+1)
		if name == "" || len(s.members) > maxMembers {
			*s = shape{kind: kindJSON}
			return
		}
	}
}

func kindOf(v any) kind {
	switch v := v.(type) {
	case string:
		return kindText
	case bool:
		return kindBoolean
	case json.Number:
		if _, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return kindInteger
		}
		return kindJSON
	case map[string]any:
		return kindObject
	case []any:
		return kindArray
	}
	return kindNone
}

// settle leaves out what has nothing to keep, once all is added.
func (s *shape) settle() {
	for name, m := range s.members {
		if m.settle(); m.kind == kindNone {
			delete(s.members, name)
		}
	}
	if s.element != nil {
		s.element.settle()
	}
	if s.kind == kindObject && len(s.members) == 0 || s.kind == kindArray && s.element.kind == kindNone {
		s.kind = kindNone
	}
}

// node returns the column of a settled shape, which is not kindNone. Everything may be left out: NULLs are not sent.
func (s *shape) node() parquet.Node {
	switch s.kind {
	case kindInteger:
		return parquet.Optional(parquet.Int(64))
	case kindBoolean:
		return parquet.Optional(parquet.Leaf(parquet.BooleanType))
	case kindArray:
		return parquet.Optional(parquet.List(s.element.node()))
	case kindObject:
		members := parquet.Group{}
		for name, m := range s.members {
			members[name] = m.node()
		}
		return parquet.Optional(members)
	case kindJSON:
		return parquet.Optional(parquet.JSON())
	}
	return parquet.Optional(parquet.String())
}

// cell returns v as the column of a settled shape has it, or nil where it has nothing of it. Leaves are pointers: the writer takes
// a zero for nothing otherwise.
func (s *shape) cell(v any) any {
	if v == nil || s == nil || s.kind == kindNone {
		return nil
	}
	switch s.kind {
	case kindJSON:
		text, err := json.Marshal(v)
		if err != nil { // it was JSON when it was read
			panic(err)
		}
		return new(string(text))
	case kindInteger:
		n, err := v.(json.Number).Int64()
		if err != nil { // or its shape were another
			panic(err)
		}
		return &n
	case kindText:
		return new(v.(string))
	case kindBoolean:
		return new(v.(bool))
	case kindArray:
		elements := v.([]any)
		cells := make([]any, len(elements))
		for i, e := range elements {
			cells[i] = s.element.cell(e)
		}
		return cells
	case kindObject:
		cells := map[string]any{}
		for name, m := range v.(map[string]any) {
			if c := s.members[name].cell(m); c != nil {
				cells[name] = c
			}
		}
		return cells
	}
	return nil
}
