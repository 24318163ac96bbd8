package extract

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// A position is the JSON of a key's values, each a pair of its type and a text: [["text","RO1001"]]. It must give back
// exactly the value that the database had, or rows would be read twice or not at all.
const (
	typeText    = "text"
	typeBytes   = "bytes" // base64: text that is no UTF-8
	typeBlob    = "blob"  // base64: bytes that the driver does not call text
	typeInteger = "integer"
	typeFloat   = "float" // hexadecimal: exact
	typeBoolean = "boolean"
	typeTime    = "time"
)

func position(values []any) []byte {
	pairs := make([][2]string, len(values))
	for i, v := range values {
		pairs[i] = typedText(v)
	}
	b, err := json.Marshal(pairs)
	if err != nil {
		panic(fmt.Sprintf("extract: pairs of texts cannot fail to be JSON: %v", err))
	}
	return b
}

// appendTyped appends a text that is equal only for equal values.
func appendTyped(dst []byte, values []any) []byte {
	for _, v := range values {
		if s, ok := v.(string); ok { // nearly all: without a copy
			dst = append(strconv.AppendQuote(append(dst, typeText...), s), ' ')
			continue
		}
		typed := typedText(v)
		dst = append(strconv.AppendQuote(append(dst, typed[0]...), typed[1]), ' ')
	}
	return dst
}

func typedText(v any) [2]string {
	switch v := v.(type) {
	case string:
		if utf8.ValidString(v) {
			return [2]string{typeText, v}
		}
		return [2]string{typeBytes, base64.StdEncoding.EncodeToString([]byte(v))}
	case []byte:
		return [2]string{typeBlob, base64.StdEncoding.EncodeToString(v)}
	case int64:
		return [2]string{typeInteger, strconv.FormatInt(v, 10)}
	case float64:
		return [2]string{typeFloat, strconv.FormatFloat(v, 'x', -1, 64)}
	case bool:
		return [2]string{typeBoolean, strconv.FormatBool(v)}
	case time.Time:
		return [2]string{typeTime, v.Format(time.RFC3339Nano)}
	}
	panic(fmt.Sprintf("extract: a key of type %T was not refused by Bind", v))
}

var errPosition = errors.New("the position at which to go on is not one of this whitelist; start the week's reading anew")

// parsePosition reads what position wrote, for a key of n columns.
func parsePosition(b []byte, n int) ([]any, error) {
	var pairs [][]string
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&pairs); err != nil || d.More() || len(pairs) != n {
		return nil, errPosition
	}
	values := make([]any, n)
	for i, pair := range pairs {
		if len(pair) != 2 {
			return nil, errPosition
		}
		v, err := untypedText(pair[0], pair[1])
		if err != nil {
			return nil, errPosition
		}
		values[i] = v
	}
	return values, nil
}

func untypedText(kind, text string) (any, error) {
	switch kind {
	case typeText:
		return text, nil
	case typeBytes:
		b, err := base64.StdEncoding.Strict().DecodeString(text)
		return string(b), err
	case typeBlob:
		return base64.StdEncoding.Strict().DecodeString(text)
	case typeInteger:
		return strconv.ParseInt(text, 10, 64)
	case typeFloat:
		return strconv.ParseFloat(text, 64)
	case typeBoolean:
		return strconv.ParseBool(text)
	case typeTime:
		return time.Parse(time.RFC3339Nano, text)
	}
	return nil, errPosition
}
