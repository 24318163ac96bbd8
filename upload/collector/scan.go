package collector

import "unicode/utf8"

// This file reads JSON (RFC 8259) without making anything of it: a line is checked in one pass and nothing of it is
// copied. encoding/json would take a second pass for the exact names, and it takes KEY for key.

// maxDepth is how deep values may nest. STAR's tree has less than ten levels.
const maxDepth = 64

// members calls each with every member of the JSON object that data is, and reports whether data is one and each
// said yes to all. Names come without quotes, as they are written: with their escapes. Values come as they are written.
func members(data []byte, each func(name, value []byte) bool) bool {
	if !utf8.Valid(data) {
		return false
	}
	i := skipSpace(data, 0)
	if i >= len(data) || data[i] != '{' {
		return false
	}
	end := skipObject(data, i, maxDepth, each)
	return end >= 0 && skipSpace(data, end) == len(data)
}

// The skip functions return where the value that begins at data[i] ends, or -1 where there is none.

func skipValue(data []byte, i, depth int) int {
	if i >= len(data) || depth == 0 {
		return -1
	}
	switch c := data[i]; {
	case c == '"':
		return skipString(data, i)
	case c == '{':
		return skipObject(data, i, depth, nil)
	case c == '[':
		return skipArray(data, i, depth)
	case c == '-' || isDigit(c):
		return skipNumber(data, i)
	case c == 't':
		return skipWord(data, i, "true")
	case c == 'f':
		return skipWord(data, i, "false")
	case c == 'n':
		return skipWord(data, i, "null")
	}
	return -1
}

func skipObject(data []byte, i, depth int, each func(name, value []byte) bool) int {
	i = skipSpace(data, i+1)
	if at(data, i) == '}' {
		return i + 1
	}
	for {
		if at(data, i) != '"' {
			return -1
		}
		nameEnd := skipString(data, i)
		if nameEnd < 0 {
			return -1
		}
		name := data[i+1 : nameEnd-1]
		i = skipSpace(data, nameEnd)
		if at(data, i) != ':' {
			return -1
		}
		start := skipSpace(data, i+1)
		end := skipValue(data, start, depth-1)
		if end < 0 || each != nil && !each(name, data[start:end]) {
			return -1
		}
		i = skipSpace(data, end)
		switch at(data, i) {
		case '}':
			return i + 1
		case ',':
			i = skipSpace(data, i+1)
		default:
			return -1
		}
	}
}

func skipArray(data []byte, i, depth int) int {
	i = skipSpace(data, i+1)
	if at(data, i) == ']' {
		return i + 1
	}
	for {
		end := skipValue(data, i, depth-1)
		if end < 0 {
			return -1
		}
		i = skipSpace(data, end)
		switch at(data, i) {
		case ']':
			return i + 1
		case ',':
			i = skipSpace(data, i+1)
		default:
			return -1
		}
	}
}

func skipString(data []byte, i int) int {
	for i++; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			return i + 1
		case c < ' ':
			return -1
		case c == '\\':
			if i = skipEscape(data, i+1); i < 0 {
				return -1
			}
		}
	}
	return -1
}

// skipEscape takes what follows a backslash and returns its last byte's place.
func skipEscape(data []byte, i int) int {
	switch at(data, i) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i
	case 'u':
		for range 4 {
			i++
			c := at(data, i) | 0x20 // lower case
			if !isDigit(at(data, i)) && (c < 'a' || c > 'f') {
				return -1
			}
		}
		return i
	}
	return -1
}

func skipNumber(data []byte, i int) int {
	if data[i] == '-' {
		i++
	}
	switch {
	case at(data, i) == '0':
		i++
	case isDigit(at(data, i)):
		i = skipDigits(data, i)
	default:
		return -1
	}
	if at(data, i) == '.' {
		if i++; !isDigit(at(data, i)) {
			return -1
		}
		i = skipDigits(data, i)
	}
	if c := at(data, i); c == 'e' || c == 'E' {
		i++
		if c := at(data, i); c == '+' || c == '-' {
			i++
		}
		if !isDigit(at(data, i)) {
			return -1
		}
		i = skipDigits(data, i)
	}
	return i
}

func skipDigits(data []byte, i int) int {
	for isDigit(at(data, i)) {
		i++
	}
	return i
}

func skipWord(data []byte, i int, word string) int {
	if len(data)-i < len(word) || string(data[i:i+len(word)]) != word {
		return -1
	}
	return i + len(word)
}

func skipSpace(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\t' || data[i] == '\n' || data[i] == '\r') {
		i++
	}
	return i
}

// at returns the byte at i, or 0 past the end, which no JSON has outside a string.
func at(data []byte, i int) byte {
	if i >= len(data) {
		return 0
	}
	return data[i]
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
