package fieldmap

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestAppendPlain(t *testing.T) {
	wall := time.Date(2026, 11, 10, 9, 30, 0, 0, time.UTC)
	tests := []struct {
		name   string
		kind   Kind
		typ    ColumnType
		layout string
		value  any
		want   string
		err    error
		absent bool
	}{
		{name: "text", kind: KindText, value: "Brakes ", want: "Brakes "},
		{name: "char is trimmed on the right", kind: KindText, typ: ColumnType{Fixed: true}, value: " A1  ", want: " A1"},
		{name: "a number read as text", kind: KindText, value: int64(42), want: "42"},

		{name: "integer", kind: KindInteger, value: int64(-48210), want: "-48210"},
		{name: "integer of decimal(9,0)", kind: KindInteger, value: []byte("48210.00"), want: "48210"},
		{name: "integer kept as text", kind: KindInteger, value: " 007 ", want: "7"},
		{name: "blank for no integer", kind: KindInteger, value: "  ", absent: true},
		{name: "no integer", kind: KindInteger, value: "12a", err: errNotInteger},
		{name: "a fraction is no integer", kind: KindInteger, value: 1.5, err: errNotInteger},

		// Complaint 9: decimals and money keep the database's digits.
		{name: "decimal", kind: KindDecimal, value: []byte("129.90"), want: "129.90"},
		{name: "money", kind: KindDecimal, value: []byte("1299999999999.1234"), want: "1299999999999.1234"},
		{name: "decimal of 38 digits", kind: KindDecimal, value: []byte("-12345678901234567890123456789012345.678"), want: "-12345678901234567890123456789012345.678"},
		{name: "decimal that begins with the point", kind: KindDecimal, value: "-.50", want: "-0.50"},
		{name: "decimal in binary, two places declared", kind: KindDecimal, typ: ColumnType{Scale: 2}, value: 129.9, want: "129.90"},
		{name: "decimal in binary keeps more places", kind: KindDecimal, typ: ColumnType{Scale: 2}, value: 0.125, want: "0.125"},
		{name: "decimal in an integer", kind: KindDecimal, typ: ColumnType{Scale: 2}, value: int64(130), want: "130.00"},
		{name: "no decimal", kind: KindDecimal, value: "1e5", err: errNotDecimal},
		{name: "two points", kind: KindDecimal, value: "1.2.3", err: errNotDecimal},
		{name: "a sign alone", kind: KindDecimal, value: "-", err: errNotDecimal},

		{name: "float", kind: KindFloat, value: 0.1, want: "0.1"},
		{name: "real", kind: KindFloat, typ: ColumnType{Single: true}, value: float64(float32(0.1)), want: "0.1"},
		{name: "tiny float", kind: KindFloat, value: 1e-7, want: "1e-07"},
		{name: "not a number", kind: KindFloat, value: math.NaN(), err: errNotFloat},

		{name: "bit", kind: KindBoolean, value: true, want: "true"},
		{name: "bit as a number", kind: KindBoolean, value: int64(0), want: "false"},
		{name: "yes", kind: KindBoolean, value: "Y", want: "true"},
		{name: "perhaps", kind: KindBoolean, value: "X", err: errNotBoolean},
		{name: "two", kind: KindBoolean, value: int64(2), err: errNotBoolean},

		{name: "date", kind: KindDate, value: wall, want: "2026-11-10"},
		{name: "first date of all", kind: KindDate, value: time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), want: "0001-01-01"},
		{name: "datetime", kind: KindDateTime, value: wall, want: "2026-11-10T17:30:00Z"},
		{name: "datetime2 keeps its fraction", kind: KindDateTime, value: wall.Add(1234567 * 100), want: "2026-11-10T17:30:00.1234567Z"},
		{name: "first datetime of all", kind: KindDateTime, value: time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), want: "0001-01-01T07:52:58Z"},
		{name: "past the last year", kind: KindDateTime, value: time.Date(9999, 12, 31, 23, 0, 0, 0, time.UTC), err: errDateRange},
		{name: "datetimeoffset", kind: KindInstant, typ: ColumnType{Kind: KindInstant}, value: wall.In(time.FixedZone("", 3600)), want: "2026-11-10T09:30:00Z"},
		{name: "datetimeoffset as a date is the dealer's", kind: KindDate, typ: ColumnType{Kind: KindInstant}, value: time.Date(2026, 11, 10, 1, 0, 0, 0, time.UTC), want: "2026-11-09"},
		{name: "ISO text", kind: KindDateTime, value: "2026-11-10 09:30:00", want: "2026-11-10T17:30:00Z"},
		{name: "ISO text with T and a fraction", kind: KindDateTime, value: "2026-11-10T09:30:00.5", want: "2026-11-10T17:30:00.5Z"},
		{name: "ISO text with an offset is an instant", kind: KindDateTime, value: "2026-11-10T09:30:00+01:00", want: "2026-11-10T08:30:00Z"},
		{name: "a layout", kind: KindDate, layout: "01/02/2006", value: "11/10/2026", want: "2026-11-10"},
		{name: "a layout in a number", kind: KindDate, layout: "20060102", value: int64(20261110), want: "2026-11-10"},
		{name: "not in the layout", kind: KindDate, layout: "01/02/2006", value: "2026-11-10", err: errNotDate},
		{name: "blank for no date", kind: KindDate, value: "   ", absent: true},
		{name: "no date", kind: KindDate, value: "yesterday", err: errNotDate},

		{name: "uniqueidentifier", kind: KindUUID, value: "6F9619FF-8B86-D011-B42D-00C04FC964FF", want: "6f9619ff-8b86-d011-b42d-00c04fc964ff"},
		{name: "no uniqueidentifier", kind: KindUUID, value: "6F96", err: errNotUUID},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := valueCoder{kind: tt.kind, typ: tt.typ, layout: tt.layout, clock: &clock{zone: location(t, "America/Los_Angeles")}}
			got, absent, err := c.appendPlain(nil, tt.value)
			if !errors.Is(err, tt.err) || absent != tt.absent {
				t.Fatalf("absent %v, error %v; want %v, %v", absent, err, tt.absent, tt.err)
			}
			if err == nil && string(got) != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestMasks(t *testing.T) {
	key := []byte(strings.Repeat("k", 32))
	tests := []struct {
		name  string
		mask  Mask
		value string
		want  string
	}{
		{"keep last four", Mask{Strategy: MaskPartial, Keep: 4}, "5551234567", "******4567"},
		{"keep last of characters, not bytes", Mask{Strategy: MaskPartial, Keep: 2}, "Zoë Ünal", "******al"},
		{"a short value is covered whole", Mask{Strategy: MaskPartial, Keep: 4}, "567", "***"},
		{"a value of just the kept length is covered whole", Mask{Strategy: MaskPartial, Keep: 3}, "567", "***"},
		{"keep first three", Mask{Strategy: MaskTruncate, Keep: 3}, "90210-1234", "902"},
		{"keep first of characters", Mask{Strategy: MaskTruncate, Keep: 1}, "Ünal", "Ü"},
		{"keep more than there is", Mask{Strategy: MaskTruncate, Keep: 9}, "90210", "90210"},
		{"year", Mask{Strategy: MaskGeneralize, To: "year"}, "2026-11-10", "2026"},
		{"month", Mask{Strategy: MaskGeneralize, To: "month"}, "2026-11-10", "2026-11"},
		{"redact", Mask{Strategy: MaskRedact}, "anything", "[REDACTED]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok, err := newMasker(tt.mask, key).apply([]byte(tt.value))
			if err != nil || !ok || string(got) != tt.want {
				t.Errorf("got %q, %v, %v; want %q", got, ok, err, tt.want)
			}
		})
	}
}

func TestHashIsKeyed(t *testing.T) {
	hash := func(key, value string) string {
		got, _, err := newMasker(Mask{Strategy: MaskHash}, []byte(strings.Repeat(key, 32))).apply([]byte(value))
		if err != nil {
			t.Fatal(err)
		}
		return string(got)
	}
	if a, b := hash("a", "C1001"), hash("a", "C1001"); a != b || len(a) != 64 {
		t.Errorf("one value makes %s and %s", a, b)
	}
	if hash("a", "C1001") == hash("b", "C1001") || hash("a", "C1001") == hash("a", "C1002") {
		t.Error("the hash depends on the key and the value, both")
	}
}

func TestAppendJSONString(t *testing.T) {
	tests := []struct {
		in, want string
		whole    bool
	}{
		{"plain", `"plain"`, true},
		{"a \"quote\" and a \\", `"a \"quote\" and a \\"`, true},
		{"tab\tline\r\nnul\x00bell\x07", `"tab\tline\r\nnul\u0000bell\u0007"`, true},
		{"Zoë 🔧 ブレーキ", `"Zoë 🔧 ブレーキ"`, true},
		{"bad \xff\xfe end", "\"bad \uFFFD\uFFFD end\"", false},
		{"cut \xf0\x9f\x94", "\"cut \uFFFD\uFFFD\uFFFD\"", false},
		{"a real \uFFFD", "\"a real \uFFFD\"", true},
	}
	for _, tt := range tests {
		got, whole := AppendJSON(nil, tt.in)
		if string(got) != tt.want || whole != tt.whole {
			t.Errorf("%q: got %s %v, want %s %v", tt.in, got, whole, tt.want, tt.whole)
		}
		if fromBytes, _ := AppendJSON(nil, []byte(tt.in)); string(fromBytes) != tt.want {
			t.Errorf("%q as bytes: got %s", tt.in, fromBytes)
		}
	}
}

// Every byte, at every place in its group of eight, is written as a JSON reader understands it.
func TestAppendJSONEveryByte(t *testing.T) {
	for c := range 256 {
		for at := range 17 {
			text := []byte(strings.Repeat("~", 17))
			text[at] = byte(c)
			out, _ := AppendJSON(nil, text)
			var back string
			if err := json.Unmarshal(out, &back); err != nil {
				t.Fatalf("byte %#x at %d: %v", c, at, err)
			}
			if want := strings.ToValidUTF8(string(text), "\uFFFD"); back != want {
				t.Errorf("byte %#x at %d: %q, want %q", c, at, back, want)
			}
		}
	}
}

// A number that a database keeps as binary has the digits that strconv gives it, and at least its column's scale.
func TestAppendDigits(t *testing.T) {
	plain := func(v float64, scale int) string {
		text := strconv.FormatFloat(v, 'f', -1, 64)
		whole, fraction, _ := strings.Cut(text, ".")
		if fraction += strings.Repeat("0", max(0, scale-len(fraction))); fraction == "" {
			return whole
		}
		return whole + "." + fraction
	}
	values := []float64{0, math.Copysign(0, -1), 0.1, 0.005, 1.005, 2.675, 0.29, 1e15 / 100, 1e15/100 - 0.01, 9007199254740993, 1e20, 1e300, 5e-324, 4.35, 0.1 + 0.2}
	random := rand.New(rand.NewPCG(7, 7))
	for range 5_000 {
		values = append(values, float64(random.Int64N(1e14))/100, float64(random.Int64N(1e6))/100, math.Float64frombits(random.Uint64()), random.Float64()*1e3)
	}
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		for scale := -1; scale <= 5; scale++ {
			for _, v := range []float64{v, -v, math.Nextafter(v, 0)} {
				if got, want := string(appendDigits(nil, v, scale)), plain(v, scale); got != want {
					t.Fatalf("%g with %d decimals: %s, want %s", v, scale, got, want)
				}
			}
		}
	}
}
